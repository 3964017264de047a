"""`lfw webui`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lf_wrap.cli.complete import recipes_and_runs, saved_configurations
from lf_wrap.cli.language import language
from lf_wrap.cli.output import console, json_option, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from lf_wrap.board import Prepared


@click.command("webui")
@click.argument(
    "opened", metavar="[RECIPE|RUN]", required=False, type=click.Path(path_type=Path), shell_complete=recipes_and_runs
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True, help="The port to listen on.")
@click.option(
    "--import",
    "imported",
    metavar="NAME",
    shell_complete=saved_configurations,
    help="Turn a configuration saved in the board into a recipe.",
)
@click.option("--prepare", "only_prepare", is_flag=True, help="Lay the workspace out and do not start the board.")
@json_option
def command(opened: Path | None, host: str, port: int, imported: str | None, only_prepare: bool, as_json: bool) -> None:
    """Open LLaMA Board on this workspace: datasets to preview, recipes that fill its form, finished runs to chat with.

    The form is filled with RECIPE, or with what RUN was trained with and RUN as checkpoint; for another, choose it
    under "Config path" and press "Load arguments". Runs until Ctrl-C. Leaves llamaboard_config/ (each recipe and run as
    a saved configuration), data, saves/Custom/ and llamaboard_cache/; what a person saved in the board stays. --import
    needs a configuration that was saved there with "Save arguments".

    \b
    Examples:
      lfw webui recipes/med_sft_lora.yaml
      lfw webui runs/med_sft_lora/20250101-120000-1a2b3c4d
      lfw webui --port 7861 --host 0.0.0.0  # for the whole network: the board asks for no password
      lfw webui --import my_settings        # llamaboard_config/my_settings.yaml becomes recipes/my_settings.yaml
    """
    from dataclasses import asdict

    from lf_wrap.board import import_config, installed_form, prepare, serve
    from lf_wrap.board.serve import refuse_taken
    from lf_wrap.files import shown
    from lf_wrap.recipe import detect_hardware

    screen = console(as_json)
    if imported:
        made = import_config(Path(), imported)
        screen.print(f"{shown(made)} written. Next: lfw check {shown(made)}")
        if as_json:
            print_json({"recipe": shown(made)})
        return
    if not only_prepare:
        refuse_taken(host, port)
    screen.print("asking LLaMA Board about its form (slow the first time)", style="dim")
    prepared = prepare(Path(), installed_form(), detect_hardware(), opened, language=language())
    _tell(prepared, screen)
    if as_json:
        filled = prepared.filled_with and shown(prepared.filled_with)
        print_json(
            {**asdict(prepared), "filled_with": filled, "url": None if only_prepare else f"http://{host}:{port}"}
        )
    if only_prepare:
        return
    if host not in {"127.0.0.1", "localhost", "::1"}:
        screen.print(
            "whoever reaches this address can train and read files here: it asks for no password", style="bold"
        )
    screen.print("starting the board (ten seconds or more); Ctrl-C stops it", style="dim")
    serve(host, port, lambda address: screen.print(f"LLaMA Board: {address}", style="bold"), prepared.filled_with)


def _tell(prepared: Prepared, screen: Console) -> None:
    screen.print(f"datasets  {', '.join(prepared.datasets) or 'none yet: lfw build-data makes some'}")
    screen.print(f"recipes   {', '.join(prepared.recipes) or 'none'}")
    screen.print(f"runs      {', '.join(prepared.runs) or 'none finished'}")
    for name in prepared.kept:
        screen.print(f"  {name}: changed in the board, kept (lfw webui --import {name} makes it a recipe)")
    for path, why in prepared.passed_over.items():
        screen.print(f"  {path} is not shown: {why}", style="yellow")
