"""A score of the manifest as people read it: base and tuned in the metric's own unit, and how sure the change is."""

from __future__ import annotations

from typing import Any


def change(score: dict[str, Any]) -> str:
    """For example `0.0 % → 97.5 %`; `?` stands where a score is not known."""
    percent = score["unit"] == "%"
    before, after = (_number(score[model], percent) for model in ("base", "tuned"))
    return f"{before} % → {after} %" if percent else f"{before} → {after}"


def interval(score: dict[str, Any]) -> str:
    """The 95 % interval of the difference, for example `+92.5 … +100.0 points`."""
    percent = score["unit"] == "%"
    low, high = (_number(end, percent, "+") for end in score["interval"])
    return f"{low} … {high}{' points' if percent else ''}"


def _number(value: float | None, percent: bool, sign: str = "") -> str:
    if value is None:
        return "?"
    return f"{100 * value:{sign}.1f}" if percent else f"{value:{sign}.3g}"
