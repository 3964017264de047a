"""`lfw preview`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import datasets, recipes
from lf_wrap.cli.output import console, json_option, print_json, set_option

if TYPE_CHECKING:
    from rich.console import Console

    from lf_wrap.dataset.tokenized import Row, Span

STYLES = {"learned": "bold green", "read": "dim", "cut": "red strike"}
# Where there is no colour, marks around a span say the same.
MARKS = {"learned": ("⟦", "⟧"), "read": ("", ""), "cut": ("⟨cut: ", "⟩")}


@click.command("preview")
@click.argument("dataset", shell_complete=datasets)
@click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    shell_complete=recipes,
    help="Show the rows as this recipe trains on them.",
)
@set_option
@click.option("--model", help="Or with this model's tokenizer: a folder or hub id.")
@click.option("--template", help="LLaMA-Factory's chat template for --model; the tokenizer's own when left out.")
@click.option("--cutoff-len", type=click.IntRange(1), default=2048, show_default=True, help="For --model.")
@click.option(
    "--dataset-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="LLaMA-Factory's dataset_dir; the recipe's, or dataset_info.",
)
@click.option("--row", type=click.IntRange(1), default=1, show_default=True, help="The first row to show.")
@click.option("--rows", type=click.IntRange(1), default=3, show_default=True, help="How many rows to show.")
@json_option
def command(
    dataset: str,
    recipe: Path | None,
    overrides: tuple[str, ...],
    model: str | None,
    template: str | None,
    cutoff_len: int,
    dataset_dir: Path | None,
    row: int,
    rows: int,
    as_json: bool,
) -> None:
    """Show rows of DATASET as the model will see them: what is learned, what is only read, what cutoff_len cuts.

    DATASET is a name in dataset_info.json. Learned text is green, or stands in ⟦ ⟧ without colour; all other has the
    label −100. Without a recipe or model the conversations are shown as turns; with one, its tokenizer is needed, not
    its weights.

    \b
    Examples:
      lfw preview med_norm
      lfw preview med_norm --recipe recipes/med_sft_lora.yaml
      lfw preview med_norm --model models/Qwen2.5-0.5B-Instruct --template qwen --row 17
    """
    from lf_wrap.dataset.tokenized import NotRepeated, open_registered
    from lf_wrap.errors import UserError

    if recipe and model:
        raise click.UsageError("give --recipe or --model, not both")
    screen = console(as_json)
    settings: dict[str, Any] = {"model_name_or_path": model, "template": template, "cutoff_len": cutoff_len}
    if recipe:
        settings = _of_recipe(recipe, overrides)
    folder = dataset_dir or Path(settings.get("dataset_dir") or "dataset_info")
    try:
        opened = open_registered(folder, dataset)
        if row > len(opened.lines):
            raise UserError(f"{dataset} has no row {row:,}", fix=f"it has {len(opened.lines):,}")
        numbered = enumerate(opened.lines[row - 1 :], row)
        read = ((number, opened.reader.read(line)) for number, line in islice(numbered, rows))
        if not settings["model_name_or_path"]:
            told = [_turns(number, one, screen) for number, one in read]
        else:
            told = list(_seen(read, {**settings, "dataset": dataset, "dataset_dir": str(folder)}, screen))
    except NotRepeated as reason:
        raise UserError(
            f"only LLaMA-Factory itself can read these rows: {reason}",
            fix="`lfw preview` shows conversations in JSON files; without --model and --recipe it shows turns",
        ) from None
    if as_json:
        print_json({"dataset": dataset, "rows_in_all": len(opened.lines), "rows": told})


def _of_recipe(recipe: Path, overrides: tuple[str, ...]) -> dict[str, Any]:
    """The train arguments that the recipe comes to."""
    from lf_wrap.recipe import detect_hardware, load_recipe, train_settings

    found = train_settings(load_recipe(recipe, overrides), detect_hardware(), Path("preview"))
    return {key: setting.value for key, setting in found.items()}


def _turns(number: int, row: Row | None, screen: Console) -> dict[str, Any]:
    """A row as turns."""
    screen.print(f"row {number}", style="bold")
    if row is None:
        screen.print("  LLaMA-Factory drops this row: its turns do not alternate, or it has no answer", style="red")
        return {"row": number, "dropped": True}
    said = ([("system", row.system)] if row.system else []) + [(one.role, one.content) for one in row.messages]
    for role, text in said:
        screen.print(f"  {role}", style="cyan")
        screen.print(text)
    return {"row": number, "messages": [{"role": role, "content": text} for role, text in said]}


def _seen(
    read: Iterator[tuple[int, Row | None]], settings: dict[str, Any], screen: Console
) -> Iterator[dict[str, Any]]:
    """Rows as the model of these train arguments sees them."""
    from lf_wrap.cli.check import ASKING
    from lf_wrap.dataset.tokenized import Encoder, view
    from lf_wrap.recipe import base_model, tokenizing

    how = tokenizing(settings, base_model(str(settings["model_name_or_path"])))
    described = how.described(lambda: screen.print(ASKING, style="dim"))
    encoder = Encoder(described.tokenizer)
    for number, row in read:
        if row is None:
            yield _turns(number, row, screen)
            continue
        spans = view(row, described.template, encoder, how.arguments.masking)
        counts = {kind: sum(span.tokens for span in spans if span.kind == kind) for kind in STYLES}
        told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
        screen.print(f"row {number}: {told} (tokens; cutoff_len {how.arguments.masking.cutoff_len:,})", style="bold")
        _paint(spans, screen)
        yield {"row": number, "tokens": counts, "spans": [vars(span) for span in spans]}


def _paint(spans: list[Span], screen: Console) -> None:
    from rich.text import Text

    plain = screen.no_color or not screen.is_terminal
    text = Text()
    for span in spans:
        before, after = MARKS[span.kind] if plain else ("", "")
        text.append(before + span.text + after, STYLES[span.kind])
    screen.print(text)
