"""Runs side by side: what their recipes did differently, and what their models answered to the same questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.errors import UserError
from lf_wrap.evaluation import Comparison, Comparisons, JudgedRow, JudgedSet, corrected, read_judged, scores
from lf_wrap.files import shown
from lf_wrap.pipeline.run_folder import RunFolder

BASE = "base"


@dataclass(frozen=True)
class Evaluated:
    """A run that was evaluated: its name on the page, its recipe as resolved, its answers."""

    name: str
    folder: RunFolder
    recipe: dict[str, Any]
    sets: dict[str, JudgedSet]


@dataclass(frozen=True)
class SideBySide:
    """Several models' answers to the questions that all of them were asked. The first is what others are held to."""

    models: list[str]
    sets: dict[str, JudgedSet]
    """The question sets that all runs share, as the first run describes them."""
    answers: dict[str, dict[str, list[JudgedRow]]]
    """By set and model; the same questions in the same order for every model."""
    against_first: dict[str, Comparisons]
    """By model: its scores against the first model's."""

    def ranking(self) -> list[tuple[str, float]]:
        """The models by their mean rank over the sets' headline metrics, the best first; equal scores share a rank."""
        places: dict[str, list[float]] = {model: [] for model in self.models}
        for name, one in self.sets.items():
            direction = one.metrics[one.headline].higher_is_better
            found = {model: self.score(model, name, one.headline) for model in self.models}
            known = {model: value if direction else -value for model, value in found.items() if value is not None}
            for model, value in known.items():
                better = sum(other > value for other in known.values())
                equal = sum(other == value for other in known.values())
                places[model].append(better + (equal + 1) / 2)
        means = [(model, sum(ranks) / len(ranks)) for model, ranks in places.items() if ranks]
        return sorted(means, key=lambda one: one[1])

    def score(self, model: str, set_name: str, metric: str) -> float | None:
        """One model's mean; None where it has none."""
        if model == self.models[0]:
            others = [found[set_name].get(metric) for found in self.against_first.values()]
            return next((one.base for one in others if one), None)
        one = self.against_first[model][set_name].get(metric)
        return one.tuned if one else None


def read_run(path: Path) -> Evaluated:
    """The run in folder `path`.

    Raises:
        UserError: it is no run folder, or was not evaluated.
    """
    folder = RunFolder(path)
    recipe = path / "recipe.yaml"
    if not recipe.is_file():
        raise UserError(f"{shown(path)} is no run folder", fix="name one below runs/, as `lfw run` printed it")
    if not folder.evaluation.is_dir():
        raise UserError(f"{shown(path)} was not evaluated", fix="finish it: lfw run RECIPE --from evaluate")
    sets = {one.name: one for one in read_judged(folder.evaluation)}
    name = path.resolve().name
    return Evaluated(name, folder, yaml.safe_load(recipe.read_text(encoding="utf-8")), sets)


def read_runs(paths: Sequence[Path]) -> list[Evaluated]:
    """The runs, each under a name of its own: the recipe's where that tells them apart, else with the folder's.

    Raises:
        UserError: a folder is no evaluated run, or is named twice.
    """
    runs = [read_run(path) for path in paths]
    if len({run.folder.path.resolve() for run in runs}) < len(runs):
        raise UserError("the same run is named twice", fix="name each run folder once")
    names = [str(run.recipe.get("name", run.name)) for run in runs]
    if len(set(names)) < len(names):
        names = [f"{name}/{run.name}" for name, run in zip(names, runs, strict=True)]
    return [replace(run, name=name) for name, run in zip(names, runs, strict=True)]


def side_by_side(runs: Sequence[Evaluated]) -> SideBySide:
    """The tuned models of several runs, the first run's held to be the base; one run's base and tuned models.

    Raises:
        UserError: the runs were not asked one question in common.
    """
    first = runs[0]
    sources: dict[str, Callable[[str], list[JudgedRow]]] = {}
    if len(runs) == 1:
        sources[BASE] = lambda name: first.sets[name].base
    for run in runs:
        sources[run.name] = lambda name, run=run: run.sets[name].tuned  # type: ignore[misc]
    shared = [name for name in first.sets if all(name in run.sets for run in runs)]
    answers = {name: _shared_rows({model: rows(name) for model, rows in sources.items()}) for name in shared}
    answers = {name: found for name, found in answers.items() if all(found.values())}
    if not answers:
        asked = "; ".join(f"{run.name}: {', '.join(run.sets) or 'nothing'}" for run in runs)
        raise UserError(
            "these runs were not asked one question in common", where=asked, fix="evaluate them on the same test rows"
        )
    models = list(sources)
    sets = {name: first.sets[name] for name in answers}
    return SideBySide(models, sets, answers, _against_first(models, sets, answers))


def differing_settings(runs: Sequence[Evaluated]) -> dict[str, list[Any]]:
    """The recipes' values that are not the same in all runs, by dotted key, in the order of the runs."""
    flat = [dict(_flat(run.recipe)) for run in runs]
    keys = sorted({key for one in flat for key in one} - {"name"})
    values = {key: [one.get(key) for one in flat] for key in keys}
    return {key: found for key, found in values.items() if any(value != found[0] for value in found)}


def _against_first(
    models: list[str], sets: dict[str, JudgedSet], answers: dict[str, dict[str, list[JudgedRow]]]
) -> dict[str, Comparisons]:
    """Every model's scores against the first one's. All headline metrics of all models are corrected together."""
    found: dict[str, Comparisons] = {}
    headlines: dict[tuple[str, str], Comparison] = {}
    for model in models[1:]:
        found[model] = {
            name: scores(replace(one, base=answers[name][models[0]], tuned=answers[name][model]))
            for name, one in sets.items()
        }
        headlines |= {(model, name): found[model][name][one.headline] for name, one in sets.items()}
    for (model, name), one in corrected(headlines).items():
        found[model][name][sets[name].headline] = one
    return found


def _shared_rows(rows: dict[str, list[JudgedRow]]) -> dict[str, list[JudgedRow]]:
    """Of each model's rows those whose question all models were asked, in the first model's order."""
    by_question = {model: {_question(row): row for row in some} for model, some in rows.items()}
    first = next(iter(by_question.values()), {})
    common = [key for key in first if all(key in some for some in by_question.values())]
    return {model: [some[key] for key in common] for model, some in by_question.items()}


def _question(row: JudgedRow) -> str:
    return json.dumps([row.messages, row.references], sort_keys=True)


def _flat(value: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
