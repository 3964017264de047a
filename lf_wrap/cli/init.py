"""`lfw init`."""

from __future__ import annotations

from pathlib import Path

import click

from lf_wrap.cli.output import console, json_option, print_json


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Lay out a workspace in FOLDER: dataset_info/ (specs and sample rows) and recipes/. What is there stays.

    The other commands are called from inside the workspace: they look for these folders where they are.

    \b
    Example:
      lfw init work && cd work && lfw build-data dataset_info/demo.yaml
    """
    from lf_wrap.files import shown
    from lf_wrap.pipeline import lay_out

    screen = console(as_json)
    written = [shown(file) for file in lay_out(folder)]
    for file in written:
        screen.print(f"  {file}")
    screen.print(f"{len(written)} files written. Next: cd {folder} && lfw build-data dataset_info/demo.yaml")
    if as_json:
        print_json({"written": written})
