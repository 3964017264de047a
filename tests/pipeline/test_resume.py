"""A training goes on from the last whole checkpoint of the same inputs, and from no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lf_wrap.pipeline.resume import RECORD, prepare, settings_that_matter
from tests.pipeline.test_checkpoints import lora, state

INPUTS = {"med_norm": "1234", "train.learning_rate": "0.0001"}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder in which a training on INPUTS left the checkpoints 10 and 20."""
    weights = tmp_path / "adapter"
    prepare(weights, INPUTS, 1, tmp_path / "aside")
    for step in (10, 20):
        (weights / f"checkpoint-{step}").mkdir()
        lora(weights / f"checkpoint-{step}")
        state(weights / f"checkpoint-{step}", step)
    return weights


def prepared(weights: Path, **changed: str) -> tuple[int | None, str]:
    checkpoint, told = prepare(weights, INPUTS | changed, 1, weights.parent / "aside")
    return checkpoint.step if checkpoint else None, " ".join(told)


def test_a_new_training_starts_from_nothing_and_writes_down_its_inputs(tmp_path: Path) -> None:
    assert prepared(tmp_path / "adapter") == (None, "")
    assert json.loads((tmp_path / "adapter" / RECORD).read_text()) == INPUTS


def test_it_goes_on_from_the_last_checkpoint(weights: Path) -> None:
    assert prepared(weights) == (20, "")


def test_a_half_written_one_is_set_aside_and_the_one_before_is_taken(weights: Path) -> None:
    (weights / "checkpoint-20/optimizer.pt").unlink()
    step, told = prepared(weights)
    assert step == 10
    assert "checkpoint-20 cannot be gone on from (it has no optimizer state): set aside" in told
    assert not (weights / "checkpoint-20").exists()
    assert (weights.parent / "aside/checkpoint-20/adapter_model.safetensors").exists()


def test_where_none_is_whole_it_starts_anew(weights: Path) -> None:
    for step in (10, 20):
        (weights / f"checkpoint-{step}/trainer_state.json").write_text("{")
    (weights / "trainer_log.jsonl").write_text("{}\n")
    assert prepared(weights)[0] is None
    assert [file.name for file in weights.iterdir()] == [RECORD]


@pytest.mark.parametrize(
    "changed", [{"med_norm": "5678"}, {"train.learning_rate": "0.001"}, {"model": "another"}], ids=str
)
def test_checkpoints_of_other_inputs_are_set_aside_whole(weights: Path, changed: dict[str, str]) -> None:
    step, told = prepared(weights, **changed)
    assert step is None
    assert f"of other inputs ({next(iter(changed))})" in told
    assert (weights.parent / "aside/adapter/checkpoint-20").exists()
    assert prepared(weights, **changed) == (None, "")


def test_checkpoints_of_which_nobody_knows_the_inputs_are_not_trusted(weights: Path) -> None:
    (weights / RECORD).unlink()
    assert prepared(weights)[0] is None


def test_final_weights_without_a_checkpoint_are_set_aside_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter/adapter_model.safetensors").write_text("a night's work")
    assert prepared(tmp_path / "adapter")[0] is None
    assert (tmp_path / "aside/adapter/adapter_model.safetensors").read_text() == "a night's work"


def test_only_settings_that_change_the_weights_count(tmp_path: Path) -> None:
    zero = tmp_path / "ds.json"
    zero.write_text("{}")
    common = {"learning_rate": 1e-4, "deepspeed": str(zero), "cutoff_len": 512}
    known = settings_that_matter({**common, "save_steps": 10, "output_dir": "here", "hub_token": "hf_secret"})
    assert known == settings_that_matter({**common, "save_steps": 99, "output_dir": "there", "logging_steps": 1})
    assert known != settings_that_matter({**common, "learning_rate": 2e-4})
    assert known != settings_that_matter({**common, "dataloader_drop_last": True})
    zero.write_text('{"zero_optimization": {"stage": 3}}')
    assert known != settings_that_matter(common)
    assert "hf_secret" not in str(known)
