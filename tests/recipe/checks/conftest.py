"""A workspace whose demo datasets are built, and a way to check a recipe in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest

from lf_wrap.dataset import build, load_spec
from lf_wrap.pipeline import lay_out
from lf_wrap.recipe import Hardware, load_recipe
from lf_wrap.recipe.checks import Problem, check

CPU = Hardware((), cores=2)
Checked = Callable[..., list[Problem]]


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose demo datasets are built."""
    folder = tmp_path_factory.mktemp("built")
    lay_out(folder)
    with chdir(folder):
        build(load_spec(Path("dataset_info/demo.yaml")), Path("dataset_info"))
    return folder


@pytest.fixture
def built(built_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Works in a copy of that workspace."""
    folder = shutil.copytree(built_once, tmp_path / "built")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def checked(built: Path, tiny_model: Path) -> Checked:
    """The problems of the demo's recipe on the tiny model with these overrides, without the demo's own arguments."""

    def call(*overrides: str, hardware: Hardware = CPU, bare: bool = True) -> list[Problem]:
        path = Path("recipes/demo.yaml")
        given = [f"model={tiny_model}", "template=qwen", *(["train={}"] if bare else []), *overrides]
        return check(load_recipe(path, given), path, hardware, quick=True).problems

    return call


def errors(problems: list[Problem]) -> list[str]:
    """What the errors among them say."""
    return [problem.what for problem in problems if problem.level == "error"]


def warnings(problems: list[Problem]) -> list[str]:
    """What the warnings among them say."""
    return [problem.what for problem in problems if problem.level == "warning"]
