"""Help is there in English and Chinese, whole."""

from __future__ import annotations

import inspect

import click
import pytest

from lf_wrap.cli.help_zh import HELP
from lf_wrap.cli.language import EXIT_CODES, comments, headings, key, language
from lf_wrap.cli.main import COMMANDS
from lf_wrap.cli.main import lfw as lfw_group
from tests.conftest import Lfw


def english(name: str) -> click.Command:
    command = lfw_group.get_command(click.Context(lfw_group), name)
    assert command is not None
    return command


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFW_LANG", "en")


def test_every_command_and_option_has_its_chinese_text() -> None:
    """What is listed here is to be added to `lf_wrap/cli/help_zh.py`."""
    missing = []
    for name in COMMANDS:
        texts = {**HELP["*"], **HELP.get(name, {})}
        missing += [f"{name}: {part}" for part in ("line", "help") if part not in texts]
        options = (one for one in english(name).params if isinstance(one, click.Option) and one.help)
        missing += [f"{name}: {key(one)}" for one in options if key(one) not in texts]
    assert not missing


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_tells_more_than_its_line_and_gives_examples(name: str) -> None:
    text, _, examples = inspect.cleandoc(english(name).help or "").partition("\b\n")
    assert len(text.strip().split("\n\n")) >= 2, "what it does, then what it needs and leaves"
    assert f"  lfw {name}" in examples
    assert english(name).epilog == EXIT_CODES


@pytest.mark.parametrize("name", ["lfw", *COMMANDS])
def test_headings_and_comments_of_examples_are_chinese_too(name: str) -> None:
    command = lfw_group if name == "lfw" else english(name)
    examples = inspect.cleandoc(command.help or "").partition("\b\n")[2]
    texts = {**HELP["*"], **HELP[name]}
    assert {said for said in (*headings(examples), *comments(examples)) if said not in texts} == set()


def test_no_chinese_text_is_left_of_what_is_gone() -> None:
    left = [name for name in HELP if name not in {*COMMANDS, "*", "lfw"}]
    for name in set(HELP) & set(COMMANDS):
        options = {key(one) for one in english(name).params if isinstance(one, click.Option)}
        help_ = english(name).help or ""
        left += [f"{name}: {part}" for part in HELP[name] if part not in {*options, *comments(help_), "line", "help"}]
    assert not left


@pytest.mark.parametrize(
    ("variables", "spoken"),
    [
        ({"LFW_LANG": "zh"}, "zh"),
        ({"LFW_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_lfw_lang_else_the_locales(
    variables: dict[str, str], spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LFW_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == spoken


def test_chinese_help_has_the_same_examples_and_options(lfw: Lfw) -> None:
    ran = lfw("fetch", "--help", env={"LFW_LANG": "zh"})
    assert ran.code == 0
    assert "断点续传" in ran.out
    assert "lfw fetch model qwen2.5-0.5b-instruct" in ran.out
    assert "放到哪里" in ran.out
    assert "示例：" in ran.out
    assert "退出码" in ran.out
    assert "Examples" not in ran.out
    assert HELP["fetch"]["line"] in lfw("--help", env={"LFW_LANG": "zh"}).out
