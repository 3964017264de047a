"""What is made ready for the proof while the merge runs: it counts where it fits, and only there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lf_wrap.model.parity import TrainedTemplate, prepared_meanwhile, prove
from lf_wrap.model.parity.preparing import Answered
from tests.model.conftest import ASKED

ARGUMENTS = {"template": "qwen", "stage": "sft"}


@pytest.fixture
def answered(tiny_model: Path, adapter: Path) -> Answered:
    ready = prepared_meanwhile(tiny_model, adapter, ARGUMENTS, ASKED)().answered
    assert ready is not None
    return ready


def test_the_proof_comes_to_the_same_with_answers_given_before(
    answered: Answered, tiny_model: Path, adapter: Path, merged: Path, template: TrainedTemplate
) -> None:
    def proved(before: Answered | None) -> dict[str, object]:
        said = list[str]()
        device = answered.place.device
        parity = prove(
            merged, tiny_model, adapter, template, ASKED, device=device, answered=before, say=said.append
        ).to_json()
        assert said == ["comparing tensors", f"comparing logits in {answered.place}"]
        return parity

    assert answered.is_of(answered.place, [template.prompt(row) for row in ASKED])
    assert proved(answered) == proved(None)


def test_answers_to_other_prompts_or_of_another_place_do_not_count(
    answered: Answered, template: TrainedTemplate
) -> None:
    prompts = [template.prompt(row) for row in ASKED]
    assert not answered.is_of(answered.place, prompts[1:])
    assert not answered.is_of(replace(answered.place, dtype="bfloat16"), prompts)


def test_an_adapter_that_cannot_be_loaded_is_left_to_the_proof(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{", encoding="utf-8")
    assert prepared_meanwhile(tiny_model, tmp_path, ARGUMENTS, ASKED)().answered is None
