"""What LLaMA-Factory takes is read from its own dataclasses, once, in another process."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.recipe import inside_llamafactory
from lf_wrap.recipe.arguments import installed_arguments


def test_every_argument_has_its_type_choices_default_and_help() -> None:
    known = installed_arguments().train
    assert len(known) > 300
    rank, stage, rate, target = (known[name] for name in ("lora_rank", "stage", "learning_rate", "lora_target"))
    assert (rank.kinds, rank.default, rank.group, rank.exported) == (("integer",), 8, "FinetuningArguments", True)
    assert stage.choices == ("pt", "sft", "rm", "ppo", "dpo", "kto")
    assert (rate.kinds, rate.default, rate.exported) == (("number",), 5e-5, False)
    assert set(target.kinds) == {"string", "array"}, "split at commas, or a list"
    assert set(known["adapter_name_or_path"].kinds) == {"string", "null"}, "split at commas, but no list"
    assert "cosine" in known["lr_scheduler_type"].choices
    assert known["cutoff_len"].help
    assert "compute_dtype" not in known, "decided inside, not an argument"


def test_the_answer_is_kept_in_the_users_cache_and_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = installed_arguments()
    source = inside_llamafactory._cached("arguments", None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept = tmp_path / "lfw/inside_llamafactory" / source.name
    kept.parent.mkdir(parents=True)
    kept.write_bytes(source.read_bytes())
    asked: list[int] = []
    assert installed_arguments(lambda: asked.append(1)) == first
    assert asked == []


def test_another_version_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert inside_llamafactory.kept("arguments", None) is not None
    monkeypatch.setattr(inside_llamafactory, "versions", lambda: {"llamafactory": "0.9.6"})
    assert inside_llamafactory.kept("arguments", None) is None


def test_an_answer_that_was_cut_off_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    broken = inside_llamafactory._cached("arguments", None)
    broken.parent.mkdir(parents=True)
    broken.write_text('[{"name": "lora', encoding="utf-8")
    assert inside_llamafactory.kept("arguments", None) is None
