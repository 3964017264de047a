"""Flash attention as LLaMA-Factory calls it: what would stop it in the first step is told before."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.recipe.checks.conftest import Checked, errors

FA2 = ("train.flash_attn=fa2", "train.cutoff_len=256")


@pytest.fixture
def flash_attn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """flash-attn is installed, as far as its metadata go: it cannot be built where there is no CUDA compiler."""
    folder = tmp_path / "site" / "flash_attn-2.8.3.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: flash-attn\nVersion: 2.8.3\n")
    monkeypatch.syspath_prepend(folder.parent)


@pytest.mark.skipif(version("transformers") != "5.6.0", reason="another transformers is installed")
@pytest.mark.usefixtures("flash_attn")
def test_the_transformers_that_cannot_call_it_is_told(checked: Checked) -> None:
    told = [what for what in errors(checked(*FA2)) if "flash attention" in what]
    assert told == ["transformers 5.6.0 fails in the first step with flash attention: 'NoneType' has no attribute 'to'"]
    assert not errors(checked(FA2[1]))


@pytest.mark.usefixtures("flash_attn")
@pytest.mark.parametrize(
    ("more", "stops"),
    [
        (("train.per_device_train_batch_size=2",), "per_device_train_batch_size: 2"),
        (("train.per_device_train_batch_size=1",), None),
        (("train.per_device_train_batch_size=1", "train.val_size=0.1"), "per_device_eval_batch_size: 8"),
    ],
)
def test_more_than_one_pack_a_step_is_told(checked: Checked, more: tuple[str, ...], stops: str | None) -> None:
    told = [what for what in errors(checked(*FA2, "train.neat_packing=true", *more)) if "one pack a step" in what]
    assert [what.rpartition(" at ")[2] for what in told] == ([stops] if stops else [])


def test_without_it_the_usual_attention_is_taken_and_nothing_stops(checked: Checked) -> None:
    assert not errors(checked(*FA2, "train.neat_packing=true", "train.per_device_train_batch_size=2"))
