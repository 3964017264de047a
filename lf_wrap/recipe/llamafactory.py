"""What the installed LLaMA-Factory knows, read from its source: importing it would cost eight seconds."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lf_wrap.errors import UserError, did_you_mean


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


@cache
def template_names() -> frozenset[str]:
    """The names of all chat templates it registers."""
    source = (package_folder() / "data" / "template.py").read_text(encoding="utf-8")
    return frozenset(re.findall(r'^\s+name="([\w.-]+)",$', source, re.MULTILINE))


def known_template(name: str) -> str:
    """`name`, if there is such a template.

    Raises:
        UserError: there is none.
    """
    known = template_names()
    if name not in known:
        raise UserError(f"LLaMA-Factory has no template {name!r}", where="template", fix=did_you_mean(name, known))
    return name
