"""Build: the datasets of the recipe, made when they are stale, mixed when it says so; then its YAML files."""

from __future__ import annotations

import time
from pathlib import Path

from lf_wrap.dataset import build, counted_in, fetch_missing, is_fresh, mix
from lf_wrap.files import shown, usable, write_text
from lf_wrap.pipeline.script import write_script
from lf_wrap.pipeline.stages.stage import Run, Stage
from lf_wrap.progress import progress
from lf_wrap.recipe import (
    base_model,
    build_spec,
    export_settings,
    launch_environment,
    mix_of,
    require_datasets,
    to_yaml,
    train_settings,
    with_tokenized,
    write_deepspeed,
)


def _build_inputs(run: Run) -> dict[str, str]:
    """Always something new: whether datasets are stale is for the data room to say, and it says it in no time."""
    return {"asked at": str(time.time_ns())}


def _build(run: Run) -> None:
    if specs := build_spec(run.recipe):
        with progress(run.console, "MiB") as line:
            fetch_missing(specs.values(), lambda what, here, total: line.at(here >> 20, total >> 20, what))
        if is_fresh(specs, run.dataset_dir):
            run.console.print(f"  {', '.join(specs)}: as built before")
        else:
            with progress(run.console, "rows") as line:
                cards = build(specs, run.dataset_dir, on_rows=lambda name, rows: line.at(rows, note=name))
            for card in cards:
                run.console.print(f"  {card.name}: {card.counts.law()}")
    require_datasets(run.recipe)
    _mix(run)
    render(run)


def _mix(run: Run) -> None:
    """Makes the one dataset that domain and general rows train as."""
    wish = mix_of(run.recipe)
    if wish is None:
        return
    tokenizer = base_model(run.recipe.model).tokenizer_json if wish.by == "tokens" else None
    for name in run.recipe.trained_on:
        drawn = mix(name, wish, run.dataset_dir, tokenizer)
        parts = " + ".join(f"{rows:,} {dataset}" for dataset, rows in drawn.items())
        run.console.print(f"  {name}: {parts} rows, mixed by {counted_in(wish, tokenizer)}")


def render(run: Run, tokenized: Path | None = None) -> None:
    """Writes `train.yaml`, `export.yaml` and `run.sh` into the run folder, and what DeepSpeed reads.

    With `tokenized`, training loads the rows that lie there.
    """
    write_deepspeed(run.recipe, run.folder.path)
    environment = launch_environment(run.recipe, run.hardware)
    write_script(run.folder, run.before, environment, run.recipe_path, run.hardware.world_size)
    origin = shown(run.recipe_path)
    train = train_settings(run.recipe, run.hardware, run.folder.path)
    if tokenized:
        train = with_tokenized(train, tokenized)
    for path, action, settings in (
        (run.folder.train_yaml, "train", train),
        (run.folder.export_yaml, "export", export_settings(run.recipe, run.folder.path)),
    ):
        write_text(path, to_yaml(settings, origin, f"llamafactory-cli {action} {usable(path)}"))


def _left(run: Run) -> list[Path]:
    return [run.folder.train_yaml, run.folder.export_yaml, run.folder.script]


BUILD = Stage("build", _build_inputs, _left, _build)
