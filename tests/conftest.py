"""What the tests share: the real `lfw`, a workspace with the sample rows, a tiny model made on the spot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.pipeline import lay_out

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "dataset_info/raw/sample"
REAL_DATA = ROOT.parent / "shared/data"

# Tests must not reach for a hub, and two processes must not fight for two cores.
os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", NO_COLOR="1", OMP_NUM_THREADS="1")
# A shell that runs the tests in the background has them ignore Ctrl-C, and so would the children they send it to.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Ran:
    """A finished `lfw` process."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out.splitlines()[-1])


Lfw = Callable[..., Ran]


@pytest.fixture
def lfw(tmp_path: Path) -> Lfw:
    """Runs the real command in a process of its own: `lfw("run", "recipe.yaml", cwd=folder)`."""

    def call(*args: object, cwd: Path = tmp_path, env: dict[str, str] | None = None, stdin: str | None = None) -> Ran:
        command = [sys.executable, "-m", "lf_wrap", *map(str, args)]
        done = subprocess.run(
            command,
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder as `lfw init` lays it out."""
    lay_out(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Raw files that nobody here wrote."""
    if not REAL_DATA.is_dir():
        pytest.skip("../shared/data is not here")
    return REAL_DATA


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 of two narrow layers with random weights, and a small vocabulary of Qwen's kind, as a model folder."""
    from tests.tiny_model import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("model") / "tiny-qwen2", sorted(SAMPLE.glob("*.json*")))
