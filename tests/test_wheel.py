"""Installed from its wheel into another environment, lfw brings all it needs and works from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `lfw` of a new environment; its dependencies are borrowed from ours, the package is the wheel's."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True)
    venv.create(folder / "env", with_pip=False)
    python = folder / "env/bin/python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", *map(str, folder.glob("*.whl"))], check=True)
    here = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"], capture_output=True, text=True, check=True
    )
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    (Path(here.stdout.strip()) / "borrowed.pth").write_text(ours + "\n", encoding="utf-8")
    return python.with_name("lfw")


def test_init_then_every_step_up_to_the_rendered_recipe(installed: Path, tmp_path: Path, tiny_model: Path) -> None:
    def call(*args: str, cwd: Path) -> str:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run([installed, *args], cwd=cwd, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("init", "work", cwd=tmp_path)
    work = tmp_path / "work"
    assert (work / "recipes/med_sft_full.yaml").is_file()
    assert "180 read" in call("build-data", "dataset_info/demo.yaml", cwd=work)
    rendered = call("render", "recipes/demo.yaml", f"--set=model={tiny_model}", "--set=template=qwen", cwd=work)
    assert "### train" in rendered
    assert "dataset: demo_norm" in rendered


def test_the_packaged_files_are_the_checkouts_own(installed: Path) -> None:
    starter = next(installed.parent.parent.rglob("lf_wrap/starter"))
    packaged = {path.relative_to(starter): path.read_bytes() for path in starter.rglob("*") if path.is_file()}
    assert packaged
    for name, content in packaged.items():
        assert (ROOT / name).read_bytes() == content
    assert {path.name for path in (ROOT / "recipes").iterdir()} == {
        path.name for path in (starter / "recipes").iterdir()
    }
