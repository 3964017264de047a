"""`lfw init`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Lay out a workspace in FOLDER: dataset_info/ (specs and sample rows) and recipes/. What is there stays.

    \b
    Example:  lfw init work && cd work && lfw build-data dataset_info/demo.yaml
    """
    from lf_wrap.files import shown
    from lf_wrap.pipeline import lay_out

    written = lay_out(folder)
    for file in written:
        click.echo(f"  {shown(file)}")
    click.echo(f"{len(written)} files written. Next: cd {folder} && lfw build-data dataset_info/demo.yaml")
