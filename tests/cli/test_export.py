"""`lfw export` on a run that the real llamafactory-cli trained, on a tiny model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lf_wrap.cli.export import NAMES
from lf_wrap.model.forms import FORMS, MERGED
from lf_wrap.pipeline import lay_out
from tests.conftest import Lfw

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def trained(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run `runs/one` that is trained and not yet exported."""
    import os
    import subprocess
    import sys

    workspace = tmp_path_factory.mktemp("workspace")
    lay_out(workspace)
    settings = ("template=qwen", "train.default_system=null", "train.max_steps=2", "train.learning_rate=1e-3")
    overrides = [f"--set={setting}" for setting in (f"model={tiny_model}", *settings)]
    command = [sys.executable, "-m", "lf_wrap", "run", "recipes/demo.yaml", *overrides]
    subprocess.run([*command, "--to", "train", "--run-dir", "runs/one"], cwd=workspace, check=True, env=os.environ)
    return workspace


def test_the_export_is_proved_and_put_into_other_forms(lfw: Lfw, trained: Path) -> None:
    ran = lfw("export", "runs/one", "--form", "adapter", "--form", "gguf-f16", "--json", cwd=trained)
    assert ran.code == 0, ran.err
    assert "the export is the tuned model" in ran.err
    assert ran.json["model_dir"] == "runs/one/model"
    parity = ran.json["parity"]
    assert (parity["ok"], parity["same_greedy"], parity["template_tokens_equal"]) == (True, True, True)
    assert 0 <= parity["max_abs_logit_diff"] < parity["largest_allowed"]
    forms = ran.json["forms"]
    assert forms["gguf-f16"]["same_greedy"] is True
    adapter = trained / forms["adapter"]["dir"]
    assert str(Path.home()) not in (adapter / "adapter_config.json").read_text(encoding="utf-8")
    assert not list(adapter.glob("checkpoint-*"))
    assert not list((trained / "runs/one").glob("**/.*.part"))
    ledger = [json.loads(line) for line in (trained / "runs/one/ledger.jsonl").read_text().splitlines()]
    assert [event["stage"] for event in ledger if event["event"] == "end"][-3:] == [
        "export",
        "form adapter",
        "form gguf-f16",
    ]

    before = (trained / forms["gguf-f16"]["dir"] / "model-f16.gguf").stat().st_mtime_ns
    again = lfw("export", "runs/one", "--form", "gguf-f16", "--json", cwd=trained)
    assert again.json["forms"]["gguf-f16"] == forms["gguf-f16"]
    assert (trained / forms["gguf-f16"]["dir"] / "model-f16.gguf").stat().st_mtime_ns == before


def test_weights_that_are_no_numbers_stop_it_before_it_begins(lfw: Lfw, trained: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    workspace = Path(shutil.copytree(trained, tmp_path / "work"))
    shutil.rmtree(workspace / "runs/one/model", ignore_errors=True)
    file = workspace / "runs/one/adapter/adapter_model.safetensors"
    tensors = load_file(file)
    next(iter(tensors.values())).view(-1)[0] = float("nan")
    save_file(tensors, file, metadata={"format": "pt"})
    ran = lfw("export", "runs/one", cwd=workspace)
    assert ran.code == 1
    assert "hold NaN or infinity" in ran.err
    assert not (workspace / "runs/one/model").exists()
    assert not (workspace / "runs/one/.model.part").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["recipes/demo.yaml"], "has no run whose training is done"),
        (["recipes"], "is no run folder"),
        (["runs/one", "--form", "gguf"], "there is no form 'gguf'"),
        (["runs/one", "--form", "gguf-q4_k_m"], "needs llama.cpp's llama-quantize"),
        (["runs/one", "--push", "nowhere:me/x"], "names no hub"),
        (["runs/one", "--push", "huggingface:me/x"], "HF_TOKEN is not set"),
    ],
)
def test_what_cannot_be_is_said_at_once(lfw: Lfw, trained: Path, arguments: list[str], told: str) -> None:
    ran = lfw("export", *arguments, cwd=trained, env={"HF_TOKEN": "", "PATH": ""})
    assert ran.code == 1
    assert told in ran.err
    assert ran.out == "", "nothing was begun"
    assert "Traceback" not in ran.err


def test_the_help_names_every_form() -> None:
    assert set(NAMES) == {MERGED, *FORMS}
