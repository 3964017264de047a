"""What the installed LLaMA-Factory knows, read from its source: importing it would cost eight seconds."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lf_wrap.errors import UserError, did_you_mean

NAME = re.compile(r'^\s+name="([\w.-]+)",$', re.MULTILINE)


@cache
def package_folder() -> Path:
    """Where LLaMA-Factory is installed.

    Raises:
        UserError: it is not.
    """
    found = find_spec("llamafactory")
    if found is None or not found.submodule_search_locations:
        raise UserError(
            "LLaMA-Factory is not installed in this environment", fix="pip install 'llamafactory>=0.9.5,<0.10'"
        )
    return Path(next(iter(found.submodule_search_locations)))


def template_names() -> frozenset[str]:
    """The names of all chat templates it registers."""
    return frozenset(_templates())


def reasoning_templates() -> frozenset[str]:
    """Those whose answers begin with a thought, an empty one if need be."""
    return frozenset(name for name, said in _templates().items() if "ReasoningTemplate" in said)


def always_ends_answers(template: str | None) -> bool:
    """Whether the end of the last answer is there even where `cutoff_len` cut it: the template adds it afterwards."""
    return "efficient_eos=True" in _templates().get(template or "", "")


def known_template(name: str) -> str:
    """`name`, if there is such a template.

    Raises:
        UserError: there is none.
    """
    known = template_names()
    if name not in known:
        raise UserError(f"LLaMA-Factory has no template {name!r}", where="template", fix=did_you_mean(name, known))
    return name


@cache
def _templates() -> dict[str, str]:
    """What each template is registered with, as source text, by its name."""
    source = (package_folder() / "data" / "template.py").read_text(encoding="utf-8")
    registered = re.split(r"^register_template\(", source, flags=re.MULTILINE)[1:]
    return {found.group(1): said for said in registered if (found := NAME.search(said))}
