"""Help in the reader's language: `LFW_LANG`, else the locale. What a catalogue lacks stays English."""

from __future__ import annotations

import copy
import importlib
import inspect
import os
import re
from collections.abc import Mapping

import click

CATALOGUES = {"zh": "help_zh"}  # language: the module here that holds its texts
Catalogue = Mapping[str, Mapping[str, str]]
EXIT_CODES = (
    "Exit codes: 0 done; 1 something about the input, which the message names; 2 wrong usage; "
    "3 a program that was started failed; 130 stopped by Ctrl-C."
)
COMMENT = re.compile(r"#.*")


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
    """The command with its help in the reader's language, and the exit codes below it.

    Of the examples, only headings and comments have words of a language.
    """
    said = catalogue(language())
    texts = {**said.get("*", {}), **said.get(name, {})}
    spoken = copy.copy(command)
    spoken.epilog = texts.get("epilog", EXIT_CODES)
    text, mark, examples = inspect.cleandoc(command.help or "").partition("\b\n")
    spoken.help = f"{texts.get('help', text).strip()}\n\n{mark}{_of_examples(examples, texts)}"
    spoken.params = [_translated(parameter, texts) for parameter in command.params]
    return spoken


def line(name: str, english: str) -> str:
    """The command's line in `lfw --help`."""
    return catalogue(language()).get(name, {}).get("line", english)


def key(option: click.Option) -> str:
    """What an option is called in a catalogue: its longest name."""
    return max(option.opts, key=len)


def headings(examples: str) -> list[str]:
    """The lines of a command's examples that head others, such as `Examples:`."""
    return [line.strip() for line in examples.splitlines() if line.rstrip().endswith(":")]


def comments(examples: str) -> list[str]:
    """What stands behind the examples, from each `#` on."""
    return [found.group() for line in examples.splitlines() if (found := COMMENT.search(line))]


def _of_examples(examples: str, texts: Mapping[str, str]) -> str:
    for said in (*headings(examples), *comments(examples)):
        examples = examples.replace(said, texts.get(said, said))
    return examples


def _translated(parameter: click.Parameter, texts: Mapping[str, str]) -> click.Parameter:
    if not isinstance(parameter, click.Option) or key(parameter) not in texts:
        return parameter
    spoken = copy.copy(parameter)
    spoken.help = texts[key(parameter)]
    return spoken
