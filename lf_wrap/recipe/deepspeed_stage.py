"""Which ZeRO stage a `deepspeed` argument asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def deepspeed_stage(argument: Any) -> int | None:
    """0, 1, 2 or 3; None without DeepSpeed, or where the config cannot be read.

    `argument` is what LLaMA-Factory takes: a mapping, the text of one, or the path of a JSON file.
    """
    if isinstance(argument, str):
        try:
            text = argument if argument.lstrip().startswith("{") else Path(argument).read_text(encoding="utf-8")
            argument = json.loads(text)
        except (OSError, ValueError):
            return None
    if not isinstance(argument, dict):
        return None
    stage = argument.get("zero_optimization", {}).get("stage", 0)
    return stage if isinstance(stage, int) else None
