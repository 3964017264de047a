"""The datasets that are trained and evaluated on are there, hold rows, and are as lfw built them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lf_wrap.dataset import files_in, load_card, raw_files, registered
from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import content_hash, shown
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem, from_error
from lf_wrap.recipe.datasets import build_spec


def problems(case: Case) -> Iterator[Problem]:
    try:
        entries = registered(case.dataset_dir)
        to_be_built = _to_be_built(case)
    except UserError as error:
        yield from_error(error, case.where("data"))
        return
    for key, name in named(case):
        if name in entries:
            yield from _of_file(case, key, name, entries[name].get("file_name"))
        elif name not in to_be_built:
            where = case.where(key)
            yield Problem(
                "error",
                f"dataset {name!r} is not registered in {shown(case.dataset_dir)}",
                where,
                _fix(name, {*entries, *to_be_built}),
            )
    for name in case.recipe.evaluate.test:
        if name not in {*entries, *to_be_built} and f"{name}_test" not in {*entries, *to_be_built}:
            fix = _fix(name, {known.removesuffix("_test") for known in (*entries, *to_be_built)})
            yield Problem("error", f"dataset {name!r} has no test rows", case.where("evaluate.test"), fix)


def named(case: Case) -> list[tuple[str, str]]:
    """The datasets that are trained and evaluated on, each with the key that names it; those mixed in, not the mix."""
    data, evaluated = case.recipe.data, case.values["eval_dataset"]
    general = data.general.datasets if data.general else []
    listed = evaluated.split(",") if isinstance(evaluated, str) else evaluated or []
    found = [("data.train", name) for name in data.train] + [("data.general", name) for name in general]
    return found + [("train.eval_dataset", name.strip()) for name in listed]


def _to_be_built(case: Case) -> set[str]:
    """What the recipe's spec will have built by the time of training; test rows are made unless the spec says 0."""
    specs = build_spec(case.recipe)
    for spec in specs.values():
        if not spec.from_hubs:  # what comes from a hub is fetched before the build
            raw_files(spec)  # the build reads them again, to see whether they have changed
    return set(specs) | {f"{name}_test" for name, spec in specs.items() if spec.test != 0}


def _of_file(case: Case, key: str, name: str, file_name: object) -> Iterator[Problem]:
    where = case.where(key)
    if not isinstance(file_name, str):
        fix = "`lfw fetch` it and build it with `lfw build-data`: a run records the hash of every row it trains on"
        yield Problem("error", f"dataset {name!r} is not a local file", where, fix)
        return
    path = case.dataset_dir / file_name
    if not path.exists():
        what = f"{shown(path)}, the file of dataset {name!r}, is missing"
        if case.recipe.data.build is None:
            yield Problem("error", what, where, "build it again with `lfw build-data`, or put it back")
    elif not any(file.stat().st_size for file in files_in(path)):
        yield Problem("error", f"dataset {name!r} holds no rows: {shown(path)} is empty", where, "build it again")
    else:
        yield from _as_built(case, where, name, path)


def _as_built(case: Case, where: str, name: str, path: Path) -> Iterator[Problem]:
    """A file that lfw built has the hash that its card says; what others made has no card."""
    try:
        card = load_card(case.dataset_dir, name.removesuffix("_test"))
    except UserError as error:
        yield from_error(error, where)
        return
    built = {Path(file).name: kind for kind, file in card.files.items()} if card else {}
    if card and path.name in built and content_hash(path) != card.hashes[built[path.name]]:
        what = f"{shown(path)} is not as lfw built it: its hash differs from the one on its card"
        if case.recipe.data.build:
            yield Problem(
                "warning", f"{what}; it will be built anew", where, "keep a copy if you changed it on purpose"
            )
        else:
            fix = "build it again, or register the changed file under a name of its own"
            yield Problem("error", what, where, fix)


def _fix(name: str, known: set[str]) -> str:
    return did_you_mean(name, known) if known else "build it with `lfw build-data`: nothing is registered there yet"
