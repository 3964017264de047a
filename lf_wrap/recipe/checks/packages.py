"""The packages that the recipe's options need are installed, and LLaMA-Factory's own in versions that it accepts.

What each option needs stands in LLaMA-Factory's `hparams/parser.py` and `model/model_utils/` (0.9.5); the versions are
read from its `check_dependencies`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from packaging.requirements import Requirement

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.llamafactory import package_folder

Values = dict[str, Any]
REQUIRED = re.compile(r'check_version\("([^"]+)"\)')


@dataclass(frozen=True)
class Need:
    """An option, when it is taken, and the distributions it needs."""

    key: str
    taken: Callable[[Values], Any]
    packages: tuple[str, ...]
    without: str = ""
    """What LLaMA-Factory does instead where it goes on without the package; empty where it stops."""


def _quantized(method: str) -> Callable[[Values], bool]:
    return lambda v: v["quantization_bit"] is not None and v["quantization_method"] == method


def _reported(to: str) -> Callable[[Values], bool]:
    return lambda v: to in ([v["report_to"]] if isinstance(v["report_to"], str) else v["report_to"] or [])


NEEDS = (
    Need("enable_liger_kernel", lambda v: v["enable_liger_kernel"], ("liger-kernel",)),
    Need("use_unsloth", lambda v: v["use_unsloth"], ("unsloth",)),
    Need("deepspeed", lambda v: v["deepspeed"], ("deepspeed",)),
    Need("quantization_bit", _quantized("bnb"), ("bitsandbytes",)),
    Need("quantization_bit", _quantized("hqq"), ("hqq",)),
    Need("quantization_bit", _quantized("eetq"), ("eetq",)),
    Need("optim", lambda v: re.search(r"8bit|paged_|bnb", v["optim"]), ("bitsandbytes",)),
    Need("flash_attn", lambda v: v["flash_attn"] == "fa2", ("flash-attn",), "it takes the model's usual attention"),
    Need("predict_with_generate", lambda v: v["predict_with_generate"], ("jieba", "nltk", "rouge-chinese")),
    Need("use_galore", lambda v: v["use_galore"], ("galore-torch",)),
    Need("use_apollo", lambda v: v["use_apollo"], ("apollo-torch",)),
    Need("use_badam", lambda v: v["use_badam"], ("badam",)),
    Need("use_adam_mini", lambda v: v["use_adam_mini"], ("adam-mini",)),
    Need("mixture_of_depths", lambda v: v["mixture_of_depths"], ("mixture-of-depth",)),
    Need("use_swanlab", lambda v: v["use_swanlab"], ("swanlab",)),
    Need("plot_loss", lambda v: v["plot_loss"], ("matplotlib",)),
    *(Need("report_to", _reported(to), (to,)) for to in ("wandb", "mlflow", "swanlab", "tensorboard", "trackio")),
)


def problems(case: Case) -> Iterator[Problem]:
    for need in NEEDS:
        missing = [package for package in need.packages if need.taken(case.values) and not installed(package)]
        if missing:
            what = f"{need.key} needs {' and '.join(missing)}, not installed here"
            what += f": without it, {need.without}" if need.without else ""
            fix = f"pip install {' '.join(missing)}, or take {need.key} out"
            yield Problem("warning" if need.without else "error", what, case.where(f"train.{need.key}"), fix)
    yield from _versions(case)


def _versions(case: Case) -> Iterator[Problem]:
    if os.environ.get("DISABLE_VERSION_CHECK", "0").lower() in {"true", "y", "1"}:
        return
    source = (package_folder() / "extras" / "misc.py").read_text(encoding="utf-8")
    for text in REQUIRED.findall(source):
        wanted = Requirement(text)
        found = installed(wanted.name)
        if not found or not wanted.specifier.contains(found, prereleases=True):
            what = f"LLaMA-Factory needs {text}, and {found or 'none'} is installed"
            fix = f"pip install '{text}', or set DISABLE_VERSION_CHECK=1 and hope"
            yield Problem("error", what, "the environment", fix)


def installed(package: str) -> str:
    """The installed version of a distribution; empty where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
