"""The adapter alone answers, on its base, like the merged model."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.model.adapter import Adapter
from lf_wrap.model.forms import Tuned, make_form
from lf_wrap.model.parity import TrainedTemplate
from lf_wrap.model.parity.logits import Place, load, logit_parity
from tests.model.conftest import ASKED
from tests.model.forms.test_gguf_form import nothing


@pytest.fixture
def tuned(merged: Path, adapter: Path, template: TrainedTemplate) -> Tuned:
    return Tuned(merged, adapter, template, {"template": "qwen"}, ASKED, nothing, nothing)


def test_it_answers_like_the_merged_model(tuned: Tuned, tiny_model: Path, tmp_path: Path) -> None:
    (tuned.trained / "checkpoint-1").mkdir(exist_ok=True)
    make_form("adapter", tuned, tmp_path / "made")
    names = {file.name for file in (tmp_path / "made").iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "chat_template.jinja"} <= names
    assert "checkpoint-1" not in names
    place = Place("cpu", "float32")
    parity = logit_parity(
        partial(load, tuned.model, place),
        partial(load, tiny_model, place, Adapter(tmp_path / "made")),
        tuned.prompts(),
    )
    assert parity.same_greedy
    assert parity.max_abs_diff < 1e-3 * parity.spread


def test_no_path_of_this_machine_goes_out(tuned: Tuned, tiny_model: Path, tmp_path: Path) -> None:
    make_form("adapter", tuned, tmp_path / "made")
    config = json.loads((tmp_path / "made/adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == tiny_model.name


def test_a_model_that_was_tuned_whole_has_none(tuned: Tuned, tmp_path: Path) -> None:
    whole = Tuned(tuned.model, tuned.model, tuned.template, {}, ASKED, nothing, nothing)
    with pytest.raises(UserError, match="is no adapter"):
        make_form("adapter", whole, tmp_path / "made")
    assert list(tmp_path.iterdir()) == []
