"""`lfw` answers at once: help loads nothing heavy, and says how each command is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lf_wrap.cli.main import COMMANDS
from tests.conftest import Lfw

HEAVY = {"torch", "transformers", "llamafactory", "pandas", "datasets", "pydantic", "matplotlib", "numpy", "tokenizers"}


def imported_by(arguments: list[str], cwd: Path | None = None) -> set[str]:
    """The packages that a command which ends well has loaded."""
    command = [sys.executable, "-X", "importtime", "-m", "lf_wrap", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join
)
def test_asking_for_help_loads_nothing_heavy(arguments: list[str]) -> None:
    imported = imported_by(arguments)
    assert "click" in imported
    assert imported.isdisjoint(HEAVY)


def test_plain_conversion_loads_only_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('[{"instruction": "a", "output": "b"}]', encoding="utf-8")
    off = "repair: false, clean: false, thoughts: keep, special_tokens: keep, turns: false, redact: false"
    (tmp_path / "plain.yaml").write_text(
        f"datasets: {{d: {{source: rows.json, test: 0, leaks: false, deduplicate: false, {off}}}}}"
    )
    imported = imported_by(["build-data", "plain.yaml"], tmp_path)
    assert "numpy" in imported
    assert imported.isdisjoint(HEAVY - {"numpy"} | {"rich", "scipy", "pyarrow", "rensa"})


def test_help_lists_every_command_with_what_it_does(lfw: Lfw) -> None:
    ran = lfw("--help")
    assert ran.code == 0
    listed = [line.split() for line in ran.out.partition("Commands:")[2].splitlines()]
    assert [words[0] for words in listed if words and words[0] in COMMANDS] == list(COMMANDS)
    assert ran.out == lfw("-h").out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_of_itself(lfw: Lfw, name: str) -> None:
    ran = lfw(name, "--help")
    assert (ran.code, ran.err) == (0, "")
    _, example, rest = ran.out.partition("Example")
    assert example
    assert f"lfw {name}" in rest


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "chat"])
def test_every_command_that_has_a_result_has_json(lfw: Lfw, name: str) -> None:
    assert "--json" in lfw(name, "--help").out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("rum", "run"), ("buid-data", "build-data"), ("build_data", "build-data"), ("dmeo", "demo"), ("rendr", "render")],
)
def test_a_mistyped_command_is_a_usage_error_with_the_nearest(lfw: Lfw, typed: str, meant: str) -> None:
    ran = lfw(typed, "anything")
    assert (ran.code, ran.out) == (2, "")
    assert f"no such command {typed!r}: did you mean {meant!r}?" in ran.err


def test_a_command_like_no_other_gets_the_list(lfw: Lfw) -> None:
    assert f"one of: {', '.join(sorted(COMMANDS))}" in lfw("xyzzy").err


def test_without_a_command_the_help_is_shown(lfw: Lfw) -> None:
    ran = lfw()
    assert "Commands:" in ran.out + ran.err
