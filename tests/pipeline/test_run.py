"""The main job on a tiny model: every stage real, `llamafactory-cli` included."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Lfw

pytestmark = pytest.mark.trains

FAST = (
    "--set=template=qwen",
    "--set=train.default_system=null",
    "--set=train.max_steps=2",
    "--set=train.learning_rate=1e-3",
    "--set=evaluate.limit=3",
    "--set=evaluate.max_new_tokens=4",
)


def run(lfw: Lfw, workspace: Path, model: Path, *more: str) -> Any:
    return lfw("run", "recipes/demo.yaml", f"--set=model={model}", *FAST, "--json", *more, cwd=workspace)


def test_one_command_goes_from_raw_rows_to_a_report_and_a_second_one_has_nothing_to_do(
    lfw: Lfw, workspace: Path, tiny_model: Path
) -> None:
    ran = run(lfw, workspace, tiny_model)
    assert ran.code == 0, ran.err
    folder = workspace / ran.json["run_dir"]
    assert ran.json["stages"] == dict.fromkeys(("build", "tokenize", "train", "export", "evaluate", "report"), "done")
    assert ran.json["scores"]["demo_norm"]["exact match"]["n"] == 3
    assert (folder / "adapter/adapter_model.safetensors").is_file()
    assert (folder / "model/model.safetensors").is_file()
    assert (folder / "model/Modelfile").is_file()
    parity = json.loads((folder / "parity.json").read_text(encoding="utf-8"))
    assert parity["ok"] is True
    assert (parity["same_greedy"], parity["template_tokens_equal"]) == (True, True)
    assert not (folder / ".model.part").exists()
    for model in ("base", "tuned"):
        answers = (folder / f"evaluation/{model}.demo_norm.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["row"] for line in answers] == [1, 2, 3]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["datasets"]["demo_norm"]["law"] == "180 read = 140 train + 40 test"
    assert "demo_norm" in (folder / "report.html").read_text(encoding="utf-8")
    for file in folder.glob("*.*"):
        assert str(Path.home()) not in file.read_text(encoding="utf-8"), file

    again = run(lfw, workspace, tiny_model)
    assert again.json["run_dir"] == ran.json["run_dir"]
    assert {stage for stage, what in again.json["stages"].items() if what == "done"} == {"build", "tokenize"}

    redone = run(lfw, workspace, tiny_model, "--from", "evaluate")
    assert redone.json["stages"] == {
        "build": "done",
        "tokenize": "done",
        "train": "skipped",
        "export": "skipped",
        "evaluate": "done",
        "report": "done",
    }

    (folder / "adapter/adapter_model.safetensors").unlink()
    mended = run(lfw, workspace, tiny_model, "--to", "train")
    assert mended.json["stages"] == {"build": "done", "tokenize": "done", "train": "done"}


def test_full_tuning_exports_the_tuned_weights(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    full = ("--set=train.finetuning_type=full", "--set=train.lora_rank=null", "--set=train.lora_alpha=null")
    ran = run(lfw, workspace, tiny_model, *full, "--to", "export")
    assert ran.code == 0, ran.err
    from safetensors.torch import load_file

    folder = workspace / ran.json["run_dir"]
    trained, exported, base = (
        load_file(path / "model.safetensors")["model.norm.weight"]
        for path in (folder / "weights", folder / "model", tiny_model)
    )
    assert exported.equal(trained)
    assert not exported.equal(base)


def test_multi_turn_rows_train_too(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    other = ("--set=data.train=[demo_roleplay,demo_report]", "--set=evaluate.test=[demo_roleplay,demo_report]")
    ran = run(lfw, workspace, tiny_model, *other)
    assert ran.code == 0, ran.err
    assert set(ran.json["scores"]["demo_report"]) >= {"fields right", "valid JSON", "主诉", "建议"}
    assert "chrF" in ran.json["scores"]["demo_roleplay"]


@pytest.mark.parametrize("template", [{"template": "qwen"}, {}], ids=["its template", "the tokenizer's template"])
def test_a_plain_llamafactory_yaml_is_a_recipe(
    lfw: Lfw, workspace: Path, tiny_model: Path, template: dict[str, str]
) -> None:
    assert lfw("build-data", "dataset_info/demo.yaml", cwd=workspace).code == 0
    plain = {
        "model_name_or_path": str(tiny_model),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "dataset": "demo_norm,demo_dialogue",
        "dataset_dir": "dataset_info",
        **template,
        "cutoff_len": 256,
        "output_dir": "saves/elsewhere",
        "max_steps": 1,
        "use_cpu": True,
    }
    (workspace / "train.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")
    ran = lfw("run", "train.yaml", "--to", "export", "--json", cwd=workspace)
    assert ran.code == 0, ran.err
    rendered = yaml.safe_load((workspace / ran.json["run_dir"] / "train.yaml").read_text(encoding="utf-8"))
    assert rendered["dataset"] == plain["dataset"]
    assert rendered["cutoff_len"] == 256
    assert rendered.get("template") == template.get("template")
    assert not (workspace / "saves").exists()


def test_general_rows_are_mixed_in_before_training(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    general = "--set=data.general={datasets: [demo_dialogue], ratio: 0.5}"
    ran = run(lfw, workspace, tiny_model, general, "--to", "train")
    assert ran.code == 0, ran.err
    assert "demo_mix: 140 demo_norm + 70 demo_dialogue" in ran.err
    rendered = yaml.safe_load((workspace / ran.json["run_dir"] / "train.yaml").read_text(encoding="utf-8"))
    assert rendered["dataset"] == "demo_mix"


def test_a_failed_child_is_quoted_and_its_log_is_named(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    ran = run(lfw, workspace, tiny_model, "--set=train.lora_target=no_such_layer")
    assert ran.code == 3
    assert "no_such_layer" in ran.err
    log = next(workspace.glob("runs/demo/*/logs/train.log"))
    assert log.relative_to(workspace).as_posix() in ran.err
    assert "Traceback" not in ran.err


def test_a_dry_run_prints_the_commands_and_writes_nothing(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    before = sorted(workspace.rglob("*"))
    ran = run(lfw, workspace, tiny_model, "--dry-run")
    assert ran.code == 0, ran.err
    assert [command[1] for command in ran.json["commands"]] == ["train", "export"]
    assert "### method" in ran.err
    assert sorted(workspace.rglob("*")) == before


def test_ctrl_c_stops_the_whole_tree_and_the_same_command_goes_on(workspace: Path, lfw: Lfw, tiny_model: Path) -> None:
    steps = "--set=train.max_steps=100000"
    command = [sys.executable, "-m", "lf_wrap", "run", "recipes/demo.yaml", f"--set=model={tiny_model}", *FAST, steps]
    child = subprocess.Popen(command, cwd=workspace, stderr=subprocess.PIPE, start_new_session=True, text=True)
    deadline = time.monotonic() + 120
    while not list(workspace.glob("runs/demo/*/adapter/trainer_log.jsonl")):
        assert time.monotonic() < deadline, "training never began"
        assert child.poll() is None
        time.sleep(0.5)
    os.kill(child.pid, signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "interrupted" in err
    trainers = subprocess.run(["pgrep", "-f", f"train runs/demo.*{workspace.name}"], capture_output=True, check=False)
    assert trainers.stdout == b""
    assert not [path for path in Path("/proc").glob("[0-9]*/cwd") if _is(path, workspace)]
    assert run(lfw, workspace, tiny_model, "--to", "train").code == 0


def _is(link: Path, folder: Path) -> bool:
    try:
        return link.readlink() == folder
    except OSError:
        return False
