"""Help in the reader's language: `LFW_LANG`, else the locale. What a catalogue lacks stays English."""

from __future__ import annotations

import copy
import importlib
import inspect
import os
from collections.abc import Mapping

import click

CATALOGUES = {"zh": "help_zh"}  # language: the module here that holds its texts
Catalogue = Mapping[str, Mapping[str, str]]


def language() -> str:
    """`en`, or another language that there is a catalogue for."""
    said = next(
        (os.environ[name] for name in ("LFW_LANG", "LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), ""
    )
    return next((known for known in CATALOGUES if said.lower().startswith(known)), "en")


def catalogue(wanted: str) -> Catalogue:
    """The texts of a language: {command: {"line" | "help" | option: text}}; none for English, which is in the code."""
    if wanted not in CATALOGUES:
        return {}
    texts: Catalogue = importlib.import_module(f"lf_wrap.cli.{CATALOGUES[wanted]}").HELP
    return texts


def translated(command: click.Command, name: str) -> click.Command:
    """The command with its help in the reader's language; its examples stay as they are."""
    said = catalogue(language())
    if name not in said:
        return command
    texts = {**said.get("*", {}), **said[name]}
    spoken = copy.copy(command)
    _, mark, examples = inspect.cleandoc(command.help or "").partition("\b\n")
    spoken.help = f"{texts['help']}\n\n{mark}{examples}" if "help" in texts else command.help
    spoken.params = [_translated(parameter, texts) for parameter in command.params]
    return spoken


def line(name: str, english: str) -> str:
    """The command's line in `lfw --help`."""
    return catalogue(language()).get(name, {}).get("line", english)


def key(option: click.Option) -> str:
    """What an option is called in a catalogue: its longest name."""
    return max(option.opts, key=len)


def _translated(parameter: click.Parameter, texts: Mapping[str, str]) -> click.Parameter:
    if not isinstance(parameter, click.Option) or key(parameter) not in texts:
        return parameter
    spoken = copy.copy(parameter)
    spoken.help = texts[key(parameter)]
    return spoken
