"""A judge model is asked about answers, with a line of progress: what it says is told, and kept beside its replies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lf_wrap.evaluation.judges import Bill, Endpoint, Judging, Models, Planned, plan, rubric_named
from lf_wrap.files import shown, write_text
from lf_wrap.progress import progress
from lf_wrap.recipe import Judge


def judging_estimated(folder: Path, judge: Judge, answers: Mapping[str, Models]) -> dict[str, Bill]:
    """By question set what asking would take, without asking; `folder` holds what was asked before."""
    endpoint = _endpoint(judge, folder)
    return {name: planned.estimate(endpoint) for name, planned in _plans(judge, answers).items()}


def have_judged(folder: Path, judge: Judge, answers: Mapping[str, Models], console: Console) -> dict[str, Any]:
    """By question set what the judge says of the models' answers; written to `folder`, named after the models.

    Raises:
        UserError: there is no such rubric, or the endpoint refuses us or does not answer.
    """
    endpoint, said = _endpoint(judge, folder), {}
    for name, planned in _plans(judge, answers).items():
        with progress(console, f"{name}: judged", len(planned.prompts)) as line:
            judging = planned.carry_out(endpoint, line.advance)
        said[name] = judging.to_json()
        _tell(name, judging, said[name], console)
    models = "+".join(next(iter(answers.values())))
    file = folder / f"{models}.json".replace("/", "_")
    write_text(file, json.dumps(said, ensure_ascii=False, indent=2) + "\n")
    console.print(f"  written: {shown(file)}")
    return said


def _endpoint(judge: Judge, folder: Path) -> Endpoint:
    return Endpoint(judge, folder / "replies.jsonl")


def _plans(judge: Judge, answers: Mapping[str, Models]) -> dict[str, Planned]:
    rubric = rubric_named(judge.rubric)
    return {name: plan(judge, rubric, models) for name, models in answers.items()}


def _tell(name: str, judging: Judging, told: dict[str, Any], console: Console) -> None:
    console.print(Text(f"{name}, judged by {judging.judge} on {told['rows']} rows", style="bold"))
    for model, criteria in judging.comparisons().items():
        for criterion, one in criteria.items():
            scores = f"{one.base:.2f} → {one.tuned:.2f} of 5" if one.n else "no scores"
            verdict = (one.verdict, "bold")
            console.print(
                Text.assemble(f"  {model}  {criterion:14} {scores}  ", verdict, f" at n = {one.n}: {one.why}")
            )
    for duel in told["pairwise"]:
        words = (
            f"{duel['second']} won {duel['second_won']}, {duel['first']} won {duel['first_won']}, {duel['ties']} ties"
        )
        console.print(Text(f"  {words} ({duel['flipped']} of them preferred a place), p = {duel['p']:.3g}"))
    if len(judging.models) > 2:
        for one in told["ranking"]:
            low, high = one["interval"]
            console.print(Text(f"  {one['model']:24} {one['rating']:7.1f}  [{low:.0f}, {high:.0f}]"))
    unusable = f", {told['unreadable']} verdicts could not be read" if told["unreadable"] else ""
    console.print(f"  {judging.bill}{unusable}")
