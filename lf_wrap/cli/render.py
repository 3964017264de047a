"""`lfw render`."""

from __future__ import annotations

from pathlib import Path

import click

from lf_wrap.cli.complete import recipes
from lf_wrap.cli.output import console, json_option, print_json, set_option


@click.command("render")
@click.argument("recipe", type=click.Path(path_type=Path), shell_complete=recipes)
@set_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files and the weights; rendered/<recipe> when left out.",
)
@json_option
def command(recipe: Path, overrides: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Write train.yaml and export.yaml, as `lfw run` would hand them to llamafactory-cli.

    \b
    Example:  lfw render recipes/med_sft_lora.yaml --set train.lora_rank=16
    """
    from lf_wrap.files import shown
    from lf_wrap.pipeline import Run, RunFolder, render
    from lf_wrap.recipe import detect_hardware, load_recipe, require_datasets

    loaded = load_recipe(recipe, overrides)
    folder = RunFolder(out or Path("rendered") / loaded.name)
    screen = console(as_json)
    if not loaded.data.build:
        require_datasets(loaded)
    render(Run(loaded, recipe, folder, detect_hardware(), screen))
    for path in (folder.train_yaml, folder.export_yaml):
        screen.print(shown(path), style="bold")
        screen.print(path.read_text(encoding="utf-8"))
    if as_json:
        print_json({"train": shown(folder.train_yaml), "export": shown(folder.export_yaml)})
