"""The end of a run: its manifest (raw files → datasets → weights → scores) and its report."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from lf_wrap import __version__
from lf_wrap.dataset import Card, load_card
from lf_wrap.evaluation import Comparison, JudgedSet, all_scores
from lf_wrap.files import shown, write_text
from lf_wrap.pipeline.run_folder import RunFolder, now
from lf_wrap.pipeline.training_log import Step
from lf_wrap.recipe import Hardware, Recipe
from lf_wrap.report import Answer, Judged, ReportPage, write_report

PACKAGES = ("llamafactory", "torch", "transformers", "peft", "accelerate", "datasets", "tokenizers", "trl")
ANSWERS_SHOWN = 10

Comparisons = list[tuple[JudgedSet, dict[str, Comparison]]]


def write_summary(
    recipe: Recipe,
    folder: RunFolder,
    dataset_dir: Path,
    hardware: Hardware,
    steps: list[Step],
    judged: list[JudgedSet],
) -> None:
    """Writes `manifest.json` and `report.html` into the run folder."""
    compared = all_scores(judged)
    comparisons = [(one, compared[one.name]) for one in judged]
    manifest = _manifest(recipe, folder, dataset_dir, hardware, comparisons)
    write_text(folder.manifest, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    losses = [(step.step, step.loss) for step in steps if step.loss is not None]
    train_yaml = folder.train_yaml.read_text(encoding="utf-8")
    write_report(folder.report, ReportPage(manifest, losses, _judged(comparisons), train_yaml))


def _manifest(
    recipe: Recipe, folder: RunFolder, dataset_dir: Path, hardware: Hardware, comparisons: Comparisons
) -> dict[str, Any]:
    names = dict.fromkeys([*recipe.data.train, *recipe.evaluate.test])
    cards = {name: card for name in names if (card := load_card(dataset_dir, name))}
    ends = {stage: end for stage in ("build", "train", "export", "evaluate") if (end := folder.finished(stage))}
    resolved = yaml.safe_load((folder.path / "recipe.yaml").read_text(encoding="utf-8"))
    return {
        "recipe": resolved | {"model": shown(recipe.model) if Path(recipe.model).is_absolute() else recipe.model},
        "written": now(),
        "lfw": __version__,
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "hardware": str(hardware),
        "datasets": {name: _lineage(card) for name, card in cards.items()},
        "weights": {stage: ends[stage]["outputs"] for stage in ("train", "export") if stage in ends},
        "parity": json.loads(folder.parity.read_text(encoding="utf-8")) if folder.parity.is_file() else None,
        "seconds": {stage: end["seconds"] for stage, end in ends.items()},
        "scores": {
            judged.name: {metric: one.to_json() for metric, one in compared.items()} for judged, compared in comparisons
        },
    }


def _lineage(card: Card) -> dict[str, Any]:
    """From raw files to dataset files: what a dataset was made of and where every row went."""
    counts = vars(card.counts)
    return {
        "type": card.type,
        "sources": card.sources,
        "counts": counts,
        "law": card.counts.law(),
        "sha256": card.hashes,
    }


def _judged(comparisons: Comparisons) -> list[Judged]:
    """Every dataset's scores, with the first of its answers: the first, not the best, so that nobody chose them."""
    share = max(1, ANSWERS_SHOWN // max(1, len(comparisons)))
    judged = []
    for one, compared in comparisons:
        shown_answers = [
            Answer(
                row=base.row,
                question=base.messages[-1]["content"],
                reference=base.reference,
                base=base.answer,
                tuned=tuned.answer,
                base_score=base.scores[one.headline],
                tuned_score=tuned.scores[one.headline],
            )
            for base, tuned in one.pairs[:share]
        ]
        counted = frozenset(name for name, metric in one.metrics.items() if metric.counted)
        judged.append(Judged(one.name, one.headline, counted, compared, shown_answers))
    return judged


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
