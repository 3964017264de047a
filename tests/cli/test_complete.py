"""Tab completes commands and the names that are in the folder, through click's own mechanism, quickly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_startup import HEAVY


def offered(folder: Path, *words: str) -> tuple[list[str], str]:
    """What bash is offered for the last of the words, and what was imported for it."""
    asked = {"_LFW_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; sys.argv = ['lfw']; from lf_wrap.cli.main import run; run()"
    command = [sys.executable, "-X", "importtime", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **asked}, check=False)
    return [line.partition(",")[2] for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("lfw", "rend"), ["render"]),
        (("lfw", "run", "recipes/ro"), ["recipes/roleplay_sft_lora.yaml"]),
        (("lfw", "fetch", "da"), ["dataset"]),
        (("lfw", "fetch", "dataset", "chin"), ["chinese-medical-dialogue"]),
        (("lfw", "fetch", "model", "qwen3"), ["qwen3-8b"]),
        (("lfw", "webui", "--import", "mi"), ["mine"]),
        (("lfw", "build-data", "dataset_info/de"), ["dataset_info/demo.yaml"]),
        (("lfw", "build-data", "--type", "pip"), ["pippa"]),
        (("lfw", "build-data", "--tokenizer", "mo"), ["models/tiny"]),
        (("lfw", "compare", "ru"), ["runs/named", "runs/med/two", "runs/med/one"]),
        (("lfw", "webui", "runs/n"), ["runs/named"]),
        (("lfw", "judge", "runs/med/o"), ["runs/med/one"]),
        (("lfw", "export", "runs/med/o"), ["runs/med/one"]),
        (("lfw", "export", "recipes/de"), ["recipes/demo.yaml"]),
        (("lfw", "export", "--form", "gguf-q"), ["gguf-q8_0", "gguf-q4_k_m"]),
        (("lfw", "chat", "mo"), ["models/tiny"]),
        (("lfw", "chat", "runs/med/t"), ["runs/med/two"]),
        (("lfw", "eval", "--model", "runs/"), ["runs/med/two/model"]),
        (("lfw", "eval", "--test", "nor"), ["norm"]),
    ],
)
def test_names_are_completed_and_nothing_heavy_is_loaded(
    workspace: Path, words: tuple[str, ...], expected: list[str]
) -> None:
    (workspace / "llamaboard_config").mkdir()
    (workspace / "llamaboard_config/mine.yaml").touch()
    for folder in ("models/tiny", "runs/med/one", "runs/med/two/model", "runs/named/model"):
        (workspace / folder).mkdir(parents=True)
    for run in ("runs/med/one", "runs/med/two", "runs/named"):
        (workspace / run / "recipe.yaml").touch()
    (workspace / "dataset_info/dataset_info.json").write_text('{"norm": {}}')
    found, imported = offered(workspace, *words)
    assert found == expected
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in imported.splitlines()}
    assert modules.isdisjoint(HEAVY)
