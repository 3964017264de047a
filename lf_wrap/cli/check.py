"""`lfw check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import recipes
from lf_wrap.cli.devices import devices_options
from lf_wrap.cli.output import console, json_option, print_json, set_option

if TYPE_CHECKING:
    from rich.console import Console

    from lf_wrap.recipe.checks import Outcome, Problem


def _print_schema(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    import json

    from lf_wrap.recipe.json_schema import recipe_schema

    click.echo(json.dumps(recipe_schema(), ensure_ascii=False, indent=2))
    ctx.exit()


@click.command("check")
@click.argument("recipe", type=click.Path(path_type=Path), shell_complete=recipes)
@set_option
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print a JSON Schema of recipes, for editors.",
)
@click.option("--quick", is_flag=True, help="Start no child process for the template; take its answer if it is kept.")
@devices_options
@json_option
def command(recipe: Path, overrides: tuple[str, ...], quick: bool, as_json: bool, **devices: Any) -> None:
    """Say what would go wrong with RECIPE, before it costs GPU time.

    Looks at the keys, model, template, datasets, lengths, memory and disk of its training and of those before it, and
    asks the installed LLaMA-Factory how it would read them; trains nothing and writes nothing here. RECIPE may also be
    a train.yaml of LLaMA-Factory's. Exit code 1 when there is an error; warnings alone give 0. `lfw run` makes the same
    check first.

    \b
    Examples:
      lfw check recipes/med_sft_lora.yaml
      lfw check train.yaml --set train.cutoff_len=2048 --json
      lfw check recipes/med_sft_full.yaml --gpus 0,1 --set train.deepspeed=zero2
      lfw check --schema > recipe.schema.json       # for completion in an editor
    """
    from lf_wrap.pipeline import training_seconds
    from lf_wrap.recipe import choose, detect_hardware, load_recipe
    from lf_wrap.recipe.checks import check

    screen = console(as_json)
    loaded = load_recipe(recipe, overrides)
    hardware = choose(loaded, detect_hardware(), **devices)
    outcome = check(loaded, recipe, hardware, lambda: screen.print(ASKING, style="dim"), quick=quick)

    def seconds(one: Outcome) -> float | None:
        return training_seconds(loaded, one.values, one.steps, hardware, Path("runs"))

    tell_problems(outcome.problems, screen)
    for name, one in outcome.before.items():
        screen.print(f"before: {name}", style="bold")
        tell_size(one, seconds(one), screen)
    if outcome.before:
        screen.print("its own training", style="bold")
    tell_size(outcome, seconds(outcome), screen)
    tell_count(outcome.problems, screen)
    if as_json:
        own = seconds(outcome)
        print_json({**outcome.result(), "seconds": None if own is None else round(own)})
    if not outcome.ok:
        sys.exit(1)


ASKING = "asking the installed LLaMA-Factory (about ten seconds; the answer is kept)"


def tell_problems(problems: list[Problem], screen: Console) -> None:
    """Every problem with its place and what to do."""
    from rich.text import Text

    styles = {"error": "bold red", "warning": "bold yellow"}
    for problem in problems:
        screen.print(Text.assemble((f"{problem.level:7}", styles[problem.level]), "  ", problem.what))
        screen.print(f"         where: {problem.where}")
        screen.print(f"         fix:   {problem.fix}")


def tell_size(outcome: Outcome, seconds: float | None, screen: Console) -> None:
    """What a training will take."""
    if outcome.steps is not None:
        pace = "time unknown until the first run" if seconds is None else f"about {_span(seconds)} of training"
        screen.print(f"steps   {outcome.steps:,}: {pace}")
    if outcome.tokens is not None:
        screen.print(f"tokens  {outcome.tokens:,} in all epochs")
    if outcome.memory is not None:
        where = "" if outcome.values.get("use_cpu") else " a GPU"
        screen.print(f"memory  about {outcome.memory.needed / (1 << 30):,.1f} GiB{where} at the peak")
    if outcome.disk_bytes is not None:
        screen.print(f"disk    {outcome.disk_bytes / 1e9:,.2f} GB of weights and checkpoints at most")


def tell_count(problems: list[Problem], screen: Console) -> None:
    """How many problems there are, in one line."""
    levels = [problem.level for problem in problems]
    told = [f"{levels.count(level)} {level}s" for level in ("error", "warning") if level in levels]
    counted = ", ".join(text.removesuffix("s") if text.startswith("1 ") else text for text in told)
    screen.print(counted or "nothing to mend", style="bold" if counted else "bold green")


def _span(seconds: float) -> str:
    """A time in the two units that matter."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
