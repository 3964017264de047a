"""Tokenize: the rows as LLaMA-Factory's preprocessing would make them, made once for all runs and all processes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.dataset.tokenized import NotRepeated, rows_in, tokenize, whole_or_not_at_all
from lf_wrap.files import shown
from lf_wrap.pipeline.stages.build import render
from lf_wrap.pipeline.stages.stage import Run, Stage
from lf_wrap.progress import progress
from lf_wrap.recipe import Tokenizing, base_model, tokenizing


def _tokenize_inputs(run: Run) -> dict[str, str]:
    """Always something new: whether rows are tokenized already is told by where they lie."""
    return {"asked at": str(time.time_ns())}


def _tokenize(run: Run) -> None:
    settings: dict[str, Any] = yaml.safe_load(run.folder.train_yaml.read_text(encoding="utf-8"))
    if settings.get("tokenized_path"):
        run.console.print(f"  the recipe names its own tokenized_path, {settings['tokenized_path']}")
        return
    try:
        folder = _tokenized(run, tokenizing(settings, base_model(run.recipe.model)))
    except NotRepeated as reason:
        run.console.print(f"  left to LLaMA-Factory, which does it within the training: {reason}")
        return
    render(run, tokenized=folder)


def _tokenized(run: Run, how: Tokenizing) -> Path:
    """The folder with the tokenized rows, made if it is not there."""
    folder = how.folder
    before = folder.exists()
    if not before:
        described = how.described(
            lambda: run.console.print("  asking LLaMA-Factory for template and tokenizer (once, some ten seconds)")
        )
        with progress(run.console, "rows") as line:
            whole_or_not_at_all(folder, lambda aside: tokenize(described, how.arguments, aside, on_rows=line.at))
    rows = ", ".join(f"{count:,} {split}" for split, count in rows_in(folder).items())
    run.console.print(f"  {rows}: {'as tokenized before' if before else 'tokenized'}, in {shown(folder)}")
    return folder


TOKENIZE = Stage("tokenize", _tokenize_inputs, lambda run: [run.folder.train_yaml], _tokenize)
