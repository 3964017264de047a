"""`lfw run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.output import console, json_option, print_json, set_option

if TYPE_CHECKING:
    from rich.console import Console

    from lf_wrap.pipeline import Run


@click.command("run")
@click.argument("recipe", type=click.Path(path_type=Path))
@set_option
@click.option("--from", "first", metavar="STAGE", help="Do this stage and all after it again.")
@click.option("--to", "last", metavar="STAGE", help="Stop after this stage.")
@click.option("--dry-run", is_flag=True, help="Print the plan and the exact commands; do nothing.")
@click.option("--fresh", is_flag=True, help="Start a new run folder instead of going on in this recipe's last one.")
@click.option(
    "--run-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The run folder itself; runs/<recipe>/<time>-<hash> when left out.",
)
@json_option
def command(
    recipe: Path,
    overrides: tuple[str, ...],
    first: str | None,
    last: str | None,
    dry_run: bool,
    fresh: bool,
    run_dir: Path | None,
    as_json: bool,
) -> None:
    """Build the data, train, export, ask base and tuned model the same questions, and report.

    Stages: build, train, export, evaluate, report. What is done and still holds is skipped.

    \b
    Examples:
      lfw run recipes/med_sft_lora.yaml --dry-run
      lfw run recipes/med_sft_lora.yaml --set train.learning_rate=5e-5
    """
    from lf_wrap.pipeline import Run, RunFolder, perform, run_folder
    from lf_wrap.recipe import base_model, detect_hardware, load_recipe

    loaded = load_recipe(recipe, overrides)
    base_model(loaded.model)
    folder = RunFolder(run_dir) if run_dir else run_folder(loaded, Path("runs"), fresh=fresh)
    screen = console(as_json)
    started = Run(loaded, recipe, folder, detect_hardware(), screen)
    if dry_run:
        plan = _plan(started)
        for line in plan["lines"]:
            screen.print(line)
        if as_json:
            print_json(
                {"run_dir": plan["run_dir"], "stages": {}, "scores": {}, "report": None, "commands": plan["commands"]}
            )
        return
    result = perform(started, first=first, last=last)
    tell(result, screen)
    if as_json:
        print_json(result)


def tell(result: dict[str, Any], screen: Console) -> None:
    """The run's outcome: one line a metric, and where the report is."""
    from rich.text import Text

    for dataset, scores in result["scores"].items():
        for metric, score in scores.items():
            low, high = (f"{100 * end:+.1f}" if end is not None else "?" for end in score["interval"])
            change = f"{100 * score['base']:.1f} % → {100 * score['tuned']:.1f} %"
            sure = f"({low} … {high} points, n = {score['n']})"
            verdict = (score["verdict"], "bold")
            screen.print(Text.assemble(f"  {dataset}  {metric:12}  {change}  {sure}  ", verdict, f": {score['why']}"))
    if result["report"]:
        screen.print(f"report: {result['report']}")


def _plan(run: Run) -> dict[str, Any]:
    """What `lfw run` would do, in words and commands, without doing it."""
    import shlex

    from lf_wrap.files import shown, usable
    from lf_wrap.pipeline import llamafactory_cli
    from lf_wrap.recipe import export_settings, to_yaml, train_settings

    cli, recipe, folder = llamafactory_cli(), run.recipe, run.folder
    commands = [[cli, "train", usable(folder.train_yaml)], [cli, "export", usable(folder.export_yaml)]]
    origin = shown(run.recipe_path)
    lines = [f"run folder  {shown(folder.path)}", f"hardware    {run.hardware}"]
    lines.append(
        f"build       {recipe.data.build or 'nothing'} → {', '.join(recipe.data.train)} in {recipe.data.dataset_dir}/"
    )
    lines.append(f"train       {shlex.join(commands[0])}")
    lines += [
        "            " + line
        for line in to_yaml(train_settings(recipe, run.hardware, folder.path), origin, "see above").splitlines()
    ]
    lines.append(f"export      {shlex.join(commands[1])}")
    lines += [
        "            " + line
        for line in to_yaml(export_settings(recipe, folder.path), origin, "see above").splitlines()
    ]
    lines.append(f"evaluate    {', '.join(recipe.evaluate.test) or 'nothing'}, asked of base and tuned")
    lines.append(f"report      {shown(folder.report)}")
    return {"run_dir": shown(folder.path), "commands": commands, "lines": lines}
