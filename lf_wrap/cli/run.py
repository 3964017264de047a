"""`lfw run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import recipes
from lf_wrap.cli.devices import devices_options
from lf_wrap.cli.output import console, json_option, print_json, set_option
from lf_wrap.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from lf_wrap.pipeline import Run


@click.command("run")
@click.argument("recipe", type=click.Path(path_type=Path), shell_complete=recipes)
@click.argument("more", nargs=-1, metavar="[KEY=V,V ...]")
@set_option
@click.option(
    "--sweep", "wishes", multiple=True, metavar="KEY=V,V ...", help="One run for every combination of these values."
)
@click.option("--from", "first", metavar="STAGE", help="Do this stage and all after it again.")
@click.option("--to", "last", metavar="STAGE", help="Stop after this stage.")
@click.option("--dry-run", is_flag=True, help="Print the plan and the exact commands; do nothing.")
@click.option("--fresh", is_flag=True, help="Start a new run folder instead of going on in this recipe's last one.")
@click.option(
    "--run-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The run folder itself; runs/<recipe>/<time>-<hash> when left out.",
)
@devices_options
@json_option
def command(
    recipe: Path,
    more: tuple[str, ...],
    overrides: tuple[str, ...],
    wishes: tuple[str, ...],
    first: str | None,
    last: str | None,
    dry_run: bool,
    fresh: bool,
    run_dir: Path | None,
    as_json: bool,
    **devices: Any,
) -> None:
    """Build the data, train, export, ask base and tuned model the same questions, and report.

    Stages: build, tokenize, train, export, evaluate, report. What is done and still holds is skipped: after a stop the
    same command goes on, training from its last checkpoint. Leaves a folder under runs/<recipe>: recipe.yaml,
    train.yaml and run.sh (what was done), the weights, model/ (merged), evaluation/, logs/, report.html, manifest.json.
    Exit code 3 when a program of LLaMA-Factory's failed: the message has its cause and its log.

    \b
    Examples:
      lfw run recipes/med_sft_lora.yaml --dry-run
      lfw run recipes/med_sft_lora.yaml --set train.learning_rate=5e-5
      lfw run recipes/med_sft_full.yaml --gpus 0,1 --set train.deepspeed=zero2
      lfw run recipes/med_sft_lora.yaml --sweep train.learning_rate=1e-4,5e-5 train.lora_rank=8,16
    """
    from lf_wrap.pipeline import Run, RunFolder, perform, plan, run_folder
    from lf_wrap.recipe import base_model, choose, detect_hardware, load_recipe

    screen, detected = console(as_json), detect_hardware()

    def start(more_overrides: Sequence[str] = ()) -> Run:
        loaded = load_recipe(recipe, [*overrides, *more_overrides])
        base_model(loaded.model)
        hardware = choose(loaded, detected, **devices)
        if hardware.nodes.count > 1 and not run_dir:
            raise UserError("several nodes need one name for their run folder", fix="give each the same --run-dir")
        folder = RunFolder(run_dir, hardware.nodes.rank) if run_dir else run_folder(loaded, Path("runs"), fresh=fresh)
        return Run(loaded, recipe, folder, hardware, screen)

    if more and not wishes:
        raise click.UsageError(f"unexpected argument {more[0]!r}: did you mean --set {more[0]} or --sweep {more[0]}?")
    if wishes:
        if run_dir or dry_run:
            raise click.UsageError("--sweep goes with neither --run-dir nor --dry-run: each run has its own folder")
        from lf_wrap.cli.sweep import run_sweep

        run_sweep((*wishes, *more), start, _refuse_what_would_fail, screen, first=first, last=last, as_json=as_json)
        return
    started = start()
    _refuse_what_would_fail(started)
    if dry_run:
        planned = plan(started)
        for line in planned.pop("lines"):
            screen.print(line)
        if as_json:
            print_json({"stages": {}, "scores": {}, "report": None, **planned})
        return
    result = perform(started, first=first, last=last)
    tell(result, screen)
    if as_json:
        print_json(result)


def _refuse_what_would_fail(run: Run) -> None:
    """What `lfw check` says, before anything costs time: warnings are shown, errors stop the run."""
    from lf_wrap.cli.check import ASKING, tell_problems
    from lf_wrap.files import shown
    from lf_wrap.recipe.checks import check, refusal

    def asking() -> None:
        run.console.print(ASKING, style="dim")

    problems = check(run.recipe, run.recipe_path, run.hardware, asking, quick=True).problems
    tell_problems([problem for problem in problems if problem.level == "warning"], run.console)
    if refused := refusal(problems, shown(run.recipe_path)):
        raise refused


def tell(result: dict[str, Any], screen: Console) -> None:
    """The run's outcome: one line a metric, and where the report is."""
    from rich.text import Text

    from lf_wrap.pipeline import change, interval

    for dataset, scores in result["scores"].items():
        for metric, score in scores.items():
            sure = f"({interval(score)}, n = {score['n']})"
            verdict = (score["verdict"], "bold")
            screen.print(
                Text.assemble(f"  {dataset}  {metric:14}  {change(score)}  {sure}  ", verdict, f": {score['why']}")
            )
    if result["report"]:
        screen.print(f"report: {result['report']}")
