"""Where commands print: people's output on stdout, or on stderr when stdout carries JSON."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console


def console(as_json: bool) -> Console:
    """The console for people. It prints text as it is: a path or a name may look like rich's markup."""
    from rich.console import Console

    return Console(stderr=as_json, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(line: str, as_json: bool) -> None:
    """A line for people, styled by `click.style`: for commands that are done before rich would be there."""
    click.echo(line, err=as_json, color=False if os.environ.get("NO_COLOR") else None)


def print_json(result: Any) -> None:
    """The command's result as one line on stdout."""
    click.echo(json.dumps(result, ensure_ascii=False))


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON on the last line of stdout."
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a recipe value, e.g. train.learning_rate=5e-5.",
)
