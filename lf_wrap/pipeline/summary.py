"""The end of a run: its manifest (raw files → datasets → weights → scores) and its report."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from lf_wrap import __version__
from lf_wrap.dataset import Card, load_card
from lf_wrap.evaluation import Comparisons, JudgedSet, all_scores
from lf_wrap.files import shown, usable, write_text
from lf_wrap.pipeline.run_folder import RunFolder, now
from lf_wrap.pipeline.training_log import Step
from lf_wrap.recipe import Hardware, Recipe
from lf_wrap.report import Report, to_html, to_markdown

PACKAGES = ("llamafactory", "torch", "transformers", "peft", "accelerate", "datasets", "tokenizers", "trl")

Scores = dict[str, dict[str, dict[str, Any]]]


def write_summary(
    recipe: Recipe,
    folder: RunFolder,
    before: Sequence[RunFolder],
    dataset_dir: Path,
    hardware: Hardware,
    steps: list[Step],
    judged: list[JudgedSet],
) -> None:
    """Writes `manifest.json` and the report: `report.html`, `report.md`, `report.json`."""
    compared = all_scores(judged)
    manifest = _manifest(recipe, folder, before, dataset_dir, hardware, _scores(judged, compared))
    report = Report(
        manifest,
        losses=[(step.step, step.loss) for step in steps if step.loss is not None],
        judged=judged,
        scores=compared,
        train_yaml=folder.train_yaml.read_text(encoding="utf-8"),
        commands=_commands(folder),
        parity=_read(folder.parity) if folder.parity.exists() else None,
        opinions=_opinions(folder),
    )
    write_text(folder.manifest, _as_json(manifest))
    write_text(folder.report, to_html(report))
    write_text(folder.report.with_suffix(".md"), to_markdown(report))
    write_text(folder.report.with_suffix(".json"), _as_json(report.to_json()))


def _scores(judged: list[JudgedSet], compared: Comparisons) -> Scores:
    """Every comparison, with the unit it is read in."""
    return {
        one.name: {
            metric: found.to_json() | {"unit": one.metrics[metric].unit} for metric, found in compared[one.name].items()
        }
        for one in judged
    }


def _commands(folder: RunFolder) -> list[str]:
    """What gives this run again: as a whole, and LLaMA-Factory's own steps alone."""
    lfw, cli = ["lfw", "run", usable(folder.path / "recipe.yaml"), "--fresh"], "llamafactory-cli"
    steps = [[cli, "train", usable(folder.train_yaml)], [cli, "export", usable(folder.export_yaml)]]
    return [shlex.join(command) for command in (lfw, *steps, ["lfw", "compare", usable(folder.path)])]


def _opinions(folder: RunFolder) -> dict[str, Any]:
    """What `lfw judge` left about this run's base and tuned model."""
    return next((_read(file) for file in folder.opinions()), {})


def _read(file: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return told


def _as_json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=True, indent=2, allow_nan=False) + "\n"


def _manifest(
    recipe: Recipe,
    folder: RunFolder,
    before: Sequence[RunFolder],
    dataset_dir: Path,
    hardware: Hardware,
    scores: Scores,
) -> dict[str, Any]:
    resolved = yaml.safe_load((folder.path / "recipe.yaml").read_text(encoding="utf-8"))
    earlier = [name for phase in resolved.get("before", {}).values() for name in phase["data"]["train"]]
    names = dict.fromkeys([*earlier, *recipe.data.train, *recipe.evaluate.test])
    cards = {name: card for name in names if (card := load_card(dataset_dir, name))}
    return {
        "recipe": resolved | {"model": shown(recipe.model) if Path(recipe.model).is_absolute() else recipe.model},
        "written": now(),
        "lfw": __version__,
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "hardware": str(hardware),
        "datasets": {name: _lineage(card) for name, card in cards.items()},
        "before": {phase.path.name: _left(phase) for phase in before},
        **_left(folder),
        "parity": json.loads(folder.parity.read_text(encoding="utf-8")) if folder.parity.is_file() else None,
        "scores": scores,
    }


def _left(folder: RunFolder) -> dict[str, Any]:
    """The hashes of the weights that a training and its export left, and the seconds of every stage."""
    ends = {stage: end for stage in ("build", "train", "export", "evaluate") if (end := folder.finished(stage))}
    return {
        "weights": {stage: ends[stage]["outputs"] for stage in ("train", "export") if stage in ends},
        "seconds": {stage: end["seconds"] for stage, end in ends.items()},
    }


def _lineage(card: Card) -> dict[str, Any]:
    """From raw files to dataset files: what a dataset was made of and where every row went."""
    counts = vars(card.counts)
    return {
        "type": card.type,
        "sources": card.sources,
        "counts": counts,
        "law": card.counts.law(),
        "lengths": _lengths(card),
        "rejected": {
            reason: {"rows": rows, "examples": card.reject_examples.get(reason, [])}
            for reason, rows in card.counts.rejects.most_common()
        },
        "sha256": card.hashes,
    }


def _lengths(card: Card) -> dict[str, dict[str, int]]:
    """p50, p90, p99 and max of what is measured in a dataset."""
    measured = {"characters a row": card.characters, "characters an answer": card.answer_characters}
    measured |= {"turns": card.turns, **({"tokens a row": card.tokens} if card.tokens else {})}
    return {what: {at: lengths[at] for at in ("p50", "p90", "p99", "max")} for what, lengths in measured.items()}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The commit of the working directory, when it is a git checkout with one."""
    try:
        asked = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
