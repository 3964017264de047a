"""What looks like a secret has no place in a recipe: recipes, run folders and scripts are passed on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ANYWHERE = {"secret", "password", "passwd", "credential", "credentials"}
LAST = {"token", "key", "apikey"}  # hub_token and HF_API_KEY are secrets, ignore_pad_token_for_loss is none
# How tokens of Hugging Face, ModelScope, OpenAI and its likes, GitHub, Slack and AWS begin; a password in a URL.
VALUE = re.compile(r"(?:hf_|ms-|sk-|ghp_|gho_|github_pat_|xox[abp]-|AKIA)[\w-]{12,}|://[^/\s:@]+:[^/\s@]+@")


def secrets(section: Mapping[str, Any]) -> list[str]:
    """The keys of `section` that are named as a secret is, or hold what looks like one."""
    return [
        name
        for name, value in section.items()
        if value is not None and (_is_named_so(name) or (isinstance(value, str) and VALUE.search(value)))
    ]


def _is_named_so(name: str) -> bool:
    words = re.split(r"[_\W]+", name.lower())
    return words[-1] in LAST or not ANYWHERE.isdisjoint(words)
