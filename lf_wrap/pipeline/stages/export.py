"""Export: the adapter merged into the base model, or the tuned weights put into final form, and proved to be them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lf_wrap.conversation import Conversation
from lf_wrap.dataset import conversations
from lf_wrap.errors import ChildFailed, UserError
from lf_wrap.files import sha256, shown, take_place, usable, write_text
from lf_wrap.model import local_folder, require_mergeable
from lf_wrap.pipeline.launch import launch, llamafactory_cli
from lf_wrap.pipeline.stages.stage import Run, Stage
from lf_wrap.progress import Line, progress

if TYPE_CHECKING:
    from lf_wrap.model.parity import Prepared

PROMPTS = 4
PART = ".model.part"


def _export_inputs(run: Run) -> dict[str, str]:
    return {**run.left_by("train"), "export.yaml": sha256(run.folder.export_yaml)}


def _export(run: Run) -> None:
    """Merges aside, proves there, and only then puts the model where it is looked for."""
    arguments = read_yaml(run.folder.export_yaml)
    if arguments.get("export_quantization_bit"):
        raise UserError(
            "export_quantization_bit: a run exports the model in full, so that it can be compared",
            where="export: in the recipe",
            fix="leave it out, and then: lfw export RECIPE --form gptq-4bit",
        )
    from lf_wrap.model.parity import prepared_meanwhile

    base, part, wanted = local_folder(run.recipe.begins), run.folder.path / PART, arguments.get("infer_dtype")
    asked = rows_to_ask(run)
    require_mergeable(base, run.exported, run.folder.path, wanted)
    shutil.rmtree(part, ignore_errors=True)
    prepared = prepared_meanwhile(base, run.exported, read_yaml(run.folder.train_yaml), asked)
    try:
        with progress(run.console, "export") as line:
            launch(
                llamafactory_cli("export", usable(run.folder.export_yaml), f"export_dir={usable(part)}"),
                run.folder.log("export"),
                lambda: line.at(0, note="merging"),
                run.environment(),
            )
            _prove(run, base, part, prepared, asked, None if wanted == "auto" else wanted, line)
        take_place(part, run.folder.model)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _prove(
    run: Run,
    base: Path,
    part: Path,
    prepared: Callable[[], Prepared],
    asked: Sequence[Conversation],
    wanted_dtype: str | None,
    line: Line,
) -> None:
    """Mends what stands beside the weights, holds the export against training, and writes `parity.json`.

    Raises:
        ChildFailed: the export is not the tuned model; the message names the cause.
    """
    from lf_wrap.model.parity import prove
    from lf_wrap.model.serving import serve_as_trained

    trained_with = read_yaml(run.folder.train_yaml)
    template, answered = prepared()
    mended = serve_as_trained(part, template, trained_with, asked)
    parity = prove(
        part,
        base,
        run.exported,
        template,
        asked,
        wanted_dtype=wanted_dtype,
        answered=answered,
        say=lambda words: line.at(0, note=words),
    )
    figures = parity.to_json() | {"mended": mended}
    write_text(run.folder.parity, json.dumps(figures, ensure_ascii=False, indent=2) + "\n")
    if not parity.ok:
        raise ChildFailed(
            f"the export is not the model that was trained: {parity.cause}",
            where=shown(run.folder.parity),
            fix="mend the cause and run the same command again; the trained weights are untouched",
        )
    for words in (*mended, *parity.notes, parity.in_words()):
        run.console.print(f"  {words}")


def rows_to_ask(run: Run) -> list[Conversation]:
    """A few test rows, from each test set in turn; training rows where the recipe has no test sets."""
    names = list(run.tests().values()) or run.recipe.trained_on
    each: list[Iterator[Conversation]] = [islice(conversations(run.dataset_dir, name), PROMPTS) for name in names]
    in_turn = (row for row in chain.from_iterable(zip_longest(*each)) if row is not None)
    return list(islice((row for row in in_turn if len(row.turns) % 2 == 0), PROMPTS))


def read_yaml(path: Path) -> dict[str, Any]:
    """The arguments in a YAML file that lfw rendered."""
    arguments: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return arguments


EXPORT = Stage("export", _export_inputs, lambda run: [run.folder.model, run.folder.parity], _export)
