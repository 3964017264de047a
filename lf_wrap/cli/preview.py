"""`lfw preview`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import datasets, recipes
from lf_wrap.cli.output import console, json_option, print_json, set_option

if TYPE_CHECKING:
    from rich.console import Console

    from lf_wrap.dataset.tokenized import Span
    from lf_wrap.recipe import Recipe
    from lf_wrap.report import Model, Shown

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
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the dataset as a page to look at instead: counts, lengths, these rows, rejects, duplicates, sources.",
)
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
    html: Path | None,
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
      lfw preview med_norm --recipe recipes/med_sft_lora.yaml --rows 12 --html med_norm.html
    """
    from lf_wrap.dataset.tokenized import NotRepeated, open_registered
    from lf_wrap.errors import UserError
    from lf_wrap.files import shown as shown_path
    from lf_wrap.files import write_text
    from lf_wrap.recipe import load_recipe
    from lf_wrap.report import dataset_html, dataset_page, seen

    if recipe and model:
        raise click.UsageError("give --recipe or --model, not both")
    screen = console(as_json)
    settings: dict[str, Any] = {"model_name_or_path": model, "template": template, "cutoff_len": cutoff_len}
    loaded = load_recipe(recipe, overrides) if recipe else None
    if loaded:
        settings = _of_recipe(loaded)
    folder = dataset_dir or Path(settings.get("dataset_dir") or "dataset_info")
    try:
        opened = open_registered(folder, dataset)
        if row > len(opened.lines):
            raise UserError(f"{dataset} has no row {row:,}", fix=f"it has {len(opened.lines):,}")
        reading = _model({**settings, "dataset": dataset, "dataset_dir": str(folder)}, screen)
        numbered = islice(enumerate(opened.lines[row - 1 :], row), rows)
        shown = (seen(number, opened.reader.read(line), reading) for number, line in numbered)
        if html:
            page = dataset_page(dataset, folder, opened, list(shown), reading, loaded)
            result: dict[str, Any] = {"html": str(html), "rows_measured": page.measured.rows, "rows_cut": page.cut}
            write_text(html, dataset_html(page))
            screen.print(f"wrote {shown_path(html)}")
        else:
            result = {"rows": [_told(one, reading, screen) for one in shown]}
    except NotRepeated as reason:
        raise UserError(
            f"only LLaMA-Factory itself can read these rows: {reason}",
            fix="`lfw preview` shows conversations in JSON files; without --model and --recipe it shows turns",
        ) from None
    if as_json:
        print_json({"dataset": dataset, "rows_in_all": len(opened.lines), **result})


def _of_recipe(recipe: Recipe) -> dict[str, Any]:
    """The train arguments that the recipe comes to."""
    from lf_wrap.recipe import detect_hardware, train_settings

    found = train_settings(recipe, detect_hardware(), Path("preview"))
    return {key: setting.value for key, setting in found.items()}


def _model(settings: dict[str, Any], screen: Console) -> Model | None:
    """The model of these train arguments, which name one or none."""
    from lf_wrap.cli.check import ASKING
    from lf_wrap.dataset.tokenized import Encoder
    from lf_wrap.recipe import base_model, tokenizing
    from lf_wrap.report import Model

    name = settings["model_name_or_path"]
    if not name:
        return None
    how = tokenizing(settings, base_model(str(name)))
    described = how.described(lambda: screen.print(ASKING, style="dim"))
    chat_template = settings.get("template") or "of the tokenizer"
    return Model(str(name), chat_template, described.template, Encoder(described.tokenizer), how.arguments.masking)


def _told(one: Shown, model: Model | None, screen: Console) -> dict[str, Any]:
    """Prints a row, and gives it as JSON."""
    if one.row is None:
        screen.print(f"row {one.number}", style="bold")
        screen.print("  LLaMA-Factory drops this row: its turns do not alternate, or it has no answer", style="red")
        return {"row": one.number, "dropped": True}
    if model and one.spans is not None:
        counts = one.tokens()
        told = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
        screen.print(f"row {one.number}: {told} (tokens; cutoff_len {model.masking.cutoff_len:,})", style="bold")
        _paint(one.spans, screen)
        return {"row": one.number, "tokens": counts, "spans": [vars(span) for span in one.spans]}
    screen.print(f"row {one.number}", style="bold")
    said = ([("system", one.row.system)] if one.row.system else []) + [(m.role, m.content) for m in one.row.messages]
    for role, text in said:
        screen.print(f"  {role}", style="cyan")
        screen.print(text)
    return {"row": one.number, "messages": [{"role": role, "content": text} for role, text in said]}


def _paint(spans: list[Span], screen: Console) -> None:
    from rich.text import Text

    plain = screen.no_color or not screen.is_terminal
    text = Text()
    for span in spans:
        before, after = MARKS[span.kind] if plain else ("", "")
        text.append(before + span.text + after, STYLES[span.kind])
    screen.print(text)
