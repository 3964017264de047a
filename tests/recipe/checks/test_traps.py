"""Settings that LLaMA-Factory takes and that cost a night: told before."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest

from lf_wrap.recipe import Hardware
from lf_wrap.recipe.checks import disk, packages
from lf_wrap.recipe.hardware import Gpu
from tests.recipe.checks.conftest import Checked, errors, warnings

A100 = Hardware((Gpu("A100", 80 << 30, 8.0),), cores=16)
T4 = Hardware((Gpu("Tesla T4", 16 << 30, 7.5),), cores=8)
TWO = Hardware(A100.gpus * 2, cores=16)


@pytest.mark.parametrize("packing", ["packing", "neat_packing"])
@pytest.mark.parametrize(("cutoff_len", "sound"), [(256, True), (248, True), (250, False), (4097, False)])
def test_packed_rows_are_a_multiple_of_eight(checked: Checked, packing: str, cutoff_len: int, sound: bool) -> None:
    told = errors(checked(f"train.{packing}=true", f"train.cutoff_len={cutoff_len}"))
    assert [what for what in told if "multiple of 8" in what] == told
    assert bool(told) is not sound


def test_rows_that_are_not_packed_may_have_any_length(checked: Checked) -> None:
    assert errors(checked("train.cutoff_len=250")) == []


def test_a_cutoff_that_cuts_says_what_it_costs(checked: Checked) -> None:
    assert checked("train.cutoff_len=512") == []
    (what,) = warnings(checked("train.cutoff_len=24"))
    rows, answers, ends = re.search(
        r"cuts at most ([\d.]+)% .* ([\d.]+)% of its .*; at most (\d+) rows learn", what
    ).groups()  # type: ignore[union-attr]
    assert (float(rows), int(ends) > 100, 20 < float(answers) < 100) == (100.0, True, True)


def test_a_cutoff_beyond_the_models_positions_is_told(checked: Checked) -> None:
    (what,) = warnings(checked("train.cutoff_len=8192"))
    assert "beyond the 4,096 positions" in what
    assert warnings(checked("train.cutoff_len=8192", "train.rope_scaling=yarn")) == []


def test_a_filter_that_hides_nan_is_told(checked: Checked) -> None:
    assert checked("train.logging_nan_inf_filter=false") == []
    assert "hides a loss of NaN" in warnings(checked("train.logging_nan_inf_filter=true"))[0]


def checkpoint(step: int) -> Path:
    folder = Path("old/checkpoint-1")
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return folder


def test_a_checkpoint_to_resume_from_is_there_and_not_at_the_end(checked: Checked) -> None:
    assert "is no checkpoint" in errors(checked("train.resume_from_checkpoint=nowhere"))[0]
    said = f"train.resume_from_checkpoint={checkpoint(53)}"
    assert checked(said) == [], "the demo's three epochs of 140 rows have 54 steps"
    (what,) = errors(checked(said, "train.num_train_epochs=1"))
    assert "would end at once" in what


def test_tokenized_rows_that_lie_there_are_taken_for_the_datasets(checked: Checked) -> None:
    said = "train.tokenized_path=tokenized"
    assert checked(said) == [], "it will be written"
    Path("tokenized").mkdir()
    assert checked(said) == [], "an empty folder counts as none"
    Path("tokenized/dataset_dict.json").touch()
    (what,) = warnings(checked(said))
    assert "ignores datasets, template and cutoff_len" in what
    os.utime("tokenized", (0, 0))
    (what,) = errors(checked(said))
    assert "before demo_norm changed" in what


@pytest.mark.parametrize(
    ("hardware", "said", "level"),
    [
        (A100, "bf16=true", ""),
        (T4, "bf16=true", "warning"),
        (T4, "fp16=true", ""),
        (Hardware((), 2), "pure_bf16=true", "error"),
        (Hardware((), 2), "fp8=true", "error"),
        (Hardware((), 2), "bf16=true", ""),
        (A100, "use_cpu=true", "warning"),
    ],
)
def test_the_number_format_is_one_that_the_machine_has(
    checked: Checked, hardware: Hardware, said: str, level: str
) -> None:
    assert [problem.level for problem in checked(f"train.{said}", hardware=hardware)] == ([level] if level else [])


@pytest.mark.parametrize(
    ("said", "level", "package"),
    [
        ("enable_liger_kernel=true", "error", "liger-kernel"),
        ("use_unsloth=true", "error", "unsloth"),
        ("quantization_bit=4", "error", "bitsandbytes"),
        ("optim=paged_adamw_8bit", "error", "bitsandbytes"),
        ("flash_attn=fa2", "warning", "flash-attn"),
        ("report_to=[wandb, mlflow]", "error", "wandb"),
        ("use_galore=true", "error", "galore-torch"),
    ],
)
def test_an_option_needs_its_package(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, said: str, level: str, package: str
) -> None:
    installed = packages.installed
    monkeypatch.setattr(packages, "installed", lambda name: "" if name == package else installed(name) or "1.0")
    found = [problem for problem in checked(f"train.{said}") if package in problem.what]
    assert [problem.level for problem in found] == [level]
    assert f"pip install {package}" in found[0].fix
    monkeypatch.setattr(packages, "installed", lambda name: installed(name) or "1.0")
    assert not any("not installed" in problem.what for problem in checked(f"train.{said}"))


def test_the_versions_are_those_that_llamafactory_wants(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = packages.installed
    monkeypatch.setattr(packages, "installed", lambda name: "9.9" if name == "peft" else installed(name))
    (what,) = errors(checked())
    assert "LLaMA-Factory needs peft" in what
    monkeypatch.setenv("DISABLE_VERSION_CHECK", "1")
    assert checked() == []


def test_what_is_written_fits_the_disk(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1_000_000})())
    assert checked() == [], "an adapter and the exported model"
    (what,) = errors(checked("train.finetuning_type=full"))
    assert "1.0 MB" not in what
    assert "are free" in what


def test_a_port_in_use_is_told_where_several_processes_meet(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as held:
        held.bind(("", 0))
        held.listen()
        monkeypatch.setenv("MASTER_PORT", str(held.getsockname()[1]))
        assert checked(hardware=A100) == []
        (what,) = errors(checked(hardware=TWO))
        assert "is in use" in what
    assert checked(hardware=TWO) == []
    monkeypatch.setenv("MASTER_PORT", "many")
    assert "is no port" in errors(checked(hardware=TWO))[0]


def think(*answers: str) -> str:
    rows = [{"instruction": "q", "input": "", "output": answer} for answer in answers]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    Path("dataset_info/mine.jsonl").write_text(text, encoding="utf-8")
    Path("dataset_info/dataset_info.json").write_text('{"mine": {"file_name": "mine.jsonl"}}', encoding="utf-8")
    return "data={train: [mine], build: null}"


THOUGHT, PLAIN = "<think>\nhm\n</think>\n\nyes", "yes"


@pytest.mark.parametrize(
    ("template", "said", "answers", "told"),
    [
        ("qwen3", "true", [THOUGHT, THOUGHT], ""),
        ("qwen3", "true", [THOUGHT, PLAIN], "1 of 2 answers of 'mine' hold a thought: template qwen3 teaches an empty"),
        ("qwen3", "true", [PLAIN], "0 of 1"),
        ("qwen3", "false", [PLAIN], ""),
        ("qwen3", "false", [THOUGHT], "throws away"),
        ("qwen3_nothink", "true", [PLAIN], ""),
        ("qwen3_nothink", "true", [THOUGHT], "trains as part of the answer"),
        ("qwen", "true", [PLAIN], ""),
    ],
)
def test_a_template_that_thinks_wants_rows_that_do(
    checked: Checked, template: str, said: str, answers: list[str], told: str
) -> None:
    overrides = (think(*answers), f"template={template}", f"train.enable_thinking={said}", "evaluate.test=[]")
    found = warnings(checked(*overrides))
    assert [told in what for what in found] == ([True] if told else [])
