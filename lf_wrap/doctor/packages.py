"""Python, torch, LLaMA-Factory and what may be added to it: read from installed metadata, nothing is imported."""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

from lf_wrap import __version__
from lf_wrap.doctor.finding import Finding

OLDEST_PYTHON = (3, 11)
CENTRAL = ("torch", "transformers", "peft", "llamafactory")


@dataclass(frozen=True)
class Optional:
    """A package that LLaMA-Factory or lfw uses when it is there."""

    package: str
    module: str
    enables: str
    install: str = ""


# What LLaMA-Factory 0.9.5 asks for before it uses it (`hparams/parser.py`, `model/model_utils/`, `train/sft/`).
OPTIONAL = (
    Optional("deepspeed", "deepspeed", "`deepspeed:` (ZeRO): models larger than one GPU"),
    Optional("liger-kernel", "liger_kernel", "`enable_liger_kernel: true`: less memory, faster training"),
    Optional(
        "flash-attn", "flash_attn", "`flash_attn: fa2`: long sequences", "pip install flash-attn --no-build-isolation"
    ),
    Optional("bitsandbytes", "bitsandbytes", "`quantization_bit: 4` (QLoRA) and 8-bit optimisers"),
    Optional("vllm", "vllm", "`infer_backend: vllm`: answers many times faster"),
    Optional("unsloth", "unsloth", "`use_unsloth: true`: faster LoRA on one GPU"),
    Optional("jieba", "jieba", "Chinese words in `predict_with_generate` scores"),
    Optional("rouge-chinese", "rouge_chinese", "ROUGE in `predict_with_generate` scores"),
    Optional("nltk", "nltk", "BLEU in `predict_with_generate` scores"),
    Optional("gradio", "gradio", "LLaMA Board (`lfw webui`)"),
    Optional("optimum", "optimum", "`lfw export --form gptq-4bit`, with gptqmodel and a GPU"),
    Optional("gptqmodel", "gptqmodel", "`lfw export --form gptq-4bit`, with optimum and a GPU"),
    Optional("lm-eval", "lm_eval", "public benchmarks by lm-evaluation-harness"),
    Optional("bert-score", "bert_score", "BERTScore of open answers"),
)


def packages() -> list[Finding]:
    return [_python(), *(_central(name) for name in CENTRAL), _command(), *map(_optional, OPTIONAL)]


def _python() -> Finding:
    said = f"{platform.python_version()} at {sys.prefix.replace(str(Path.home()), '~')}, lfw {__version__}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("packages", "python", "bad", said, fix="install Python 3.11 or newer")
    return Finding("packages", "python", "ok", said)


def _central(name: str) -> Finding:
    wanted = next((one for one in map(Requirement, requires("lf_wrap") or []) if one.name == name), Requirement(name))
    fix = f"pip install '{wanted.name}{wanted.specifier}'"
    try:
        here = version(name)
    except PackageNotFoundError:
        return Finding("packages", name, "bad", "not installed", fix=fix)
    if not wanted.specifier.contains(here, prereleases=True):
        return Finding("packages", name, "bad", f"{here}, but lfw works with {wanted.specifier}", fix=fix)
    return Finding("packages", name, "ok", f"{here}{_built_for() if name == 'torch' else ''}")


def torch_cuda() -> str | None:
    """The CUDA version torch was built for, from its own `version.py`; None for a build without."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).with_name("version.py")
    found = re.search(r"^cuda\b[^=]*=\s*'([\d.]+)'", file.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else None


def _built_for() -> str:
    cuda = torch_cuda()
    return f", built for CUDA {cuda}" if cuda else ", built without CUDA"


def _command() -> Finding:
    beside = Path(sys.executable).with_name("llamafactory-cli")
    if beside.exists():
        return Finding("packages", "llamafactory-cli", "ok", "in this environment")
    fix = "pip install --force-reinstall --no-deps llamafactory"
    return Finding("packages", "llamafactory-cli", "bad", "not in this environment's bin folder", fix=fix)


def _optional(one: Optional) -> Finding:
    install = one.install or f"pip install {one.package}"
    try:
        here = version(one.package)
    except PackageNotFoundError:
        return Finding("packages", one.package, "absent", "not installed", one.enables, install)
    if find_spec(one.module) is None:
        fix = f"pip install --force-reinstall --no-deps {one.package}"
        return Finding("packages", one.package, "bad", f"{here} is installed but has no files", one.enables, fix)
    return Finding("packages", one.package, "ok", here, one.enables)
