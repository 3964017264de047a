"""bitsandbytes forms load with a plain `from_pretrained` and answer as their bits allow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.model.forms import Tuned, make_form
from lf_wrap.model.parity import TrainedTemplate
from tests.model.conftest import ASKED
from tests.model.forms.test_gguf_form import nothing


@pytest.fixture
def tuned(merged: Path, adapter: Path, template: TrainedTemplate) -> Tuned:
    return Tuned(merged, adapter, template, {"template": "qwen"}, ASKED, nothing, nothing)


@pytest.mark.parametrize("bits", [4, 8])
def test_a_bitsandbytes_form_is_loaded_back(tuned: Tuned, tmp_path: Path, bits: int) -> None:
    pytest.importorskip("bitsandbytes")
    figures = make_form(f"bnb-{bits}bit", tuned, tmp_path / "made")
    config = json.loads((tmp_path / "made/config.json").read_text(encoding="utf-8"))
    assert config["quantization_config"][f"load_in_{bits}bit"] is True
    assert (tmp_path / "made/chat_template.jinja").is_file()
    assert 0 < figures["max_abs_logit_diff"] < figures["largest_allowed"]


def test_without_bitsandbytes_the_command_that_installs_it_is_named(
    tuned: Tuned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lf_wrap.model.forms.form.find_spec", lambda _: None)
    with pytest.raises(UserError, match="needs bitsandbytes, which is not installed") as refused:
        make_form("bnb-4bit", tuned, tmp_path / "made")
    assert "pip install bitsandbytes" in str(refused.value)
    assert list(tmp_path.iterdir()) == []
