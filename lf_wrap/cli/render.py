"""`lfw render`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lf_wrap.cli.complete import recipes
from lf_wrap.cli.devices import devices_options
from lf_wrap.cli.output import console, json_option, print_json, set_option


@click.command("render")
@click.argument("recipe", type=click.Path(path_type=Path), shell_complete=recipes)
@set_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files and the weights; rendered/<recipe> when left out.",
)
@devices_options
@json_option
def command(recipe: Path, overrides: tuple[str, ...], out: Path | None, as_json: bool, **devices: Any) -> None:
    """Write train.yaml, export.yaml and run.sh: what `lfw run` would have llamafactory-cli do.

    The files are plain LLaMA-Factory and run without lfw, here or on another machine that has the datasets and the
    model. They are also printed, and nothing is started.

    \b
    Examples:
      lfw render recipes/med_sft_lora.yaml --set train.lora_rank=16
      lfw render recipes/med_sft_full.yaml --gpus 0,1 --out job && bash job/run.sh
    """
    from lf_wrap.files import shown
    from lf_wrap.pipeline import Run, RunFolder, render
    from lf_wrap.recipe import choose, detect_hardware, load_recipe, require_datasets

    loaded = load_recipe(recipe, overrides)
    hardware = choose(loaded, detect_hardware(), **devices)
    folder = RunFolder(out or Path("rendered") / loaded.name)
    screen = console(as_json)
    if not loaded.data.build:
        require_datasets(loaded)
    for run in Run(loaded, recipe, folder, hardware, screen).phases():
        render(run)
        for path in (run.folder.train_yaml, run.folder.export_yaml, run.folder.script):
            screen.print(shown(path), style="bold")
            screen.print(path.read_text(encoding="utf-8"))
    if as_json:
        written = {"train": folder.train_yaml, "export": folder.export_yaml, "script": folder.script}
        print_json({name: shown(path) for name, path in written.items()})
