"""lm-evaluation-harness asks through the model that is loaded: once, and what is no number is no score."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.evaluation import engine_for, harness, harness_rows, refuse_harness
from lf_wrap.evaluation.engines.local import Local

TASK = {
    "task": "mine",
    "dataset_path": "csv",
    "validation_split": "validation",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}\n答案：",
    "doc_to_choice": ["A", "B"],
    "doc_to_target": "{{['A', 'B'].index(answer)}}",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
}


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """Six questions of our own in a local CSV, as a task of the harness."""
    with (tmp_path / "mine.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([("question", "answer"), *((f"第{n}题？", "AB"[n % 2]) for n in range(6))])
    data = {"data_files": {"validation": str(tmp_path / "mine.csv")}}
    (tmp_path / "mine.yaml").write_text(json.dumps({**TASK, "dataset_kwargs": data}), encoding="utf-8")
    return tmp_path / "mine.yaml"


@pytest.fixture
def opened(tiny_model: Path) -> Callable[[], Local]:
    def open_() -> Local:
        engine = engine_for(tiny_model)
        assert isinstance(engine, Local)
        return engine

    return open_


def test_what_a_model_replied_is_not_asked_again(task: Path, opened: Callable[[], Local], tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    first, again = opened(), opened()
    (better, rows) = harness_rows(first, [str(task)], None, None, tmp_path / "kept")["mine"]
    assert better == {"acc": True}
    assert [row.reference for row in rows] == ["A", "B"] * 3
    assert all(row.scores["acc"] == (row.answer == row.reference) for row in rows)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("asked again")

    again.model.forward = refuse
    assert harness_rows(again, [str(task)], None, None, tmp_path / "kept")["mine"] == (better, rows)
    with pytest.raises(UserError, match="asked again"):
        harness_rows(again, [str(task)], None, None, tmp_path / "empty")


def test_likelihoods_that_are_no_numbers_are_failures(task: Path, opened: Callable[[], Local], tmp_path: Path) -> None:
    """The harness itself takes the first option then, and scores it."""
    pytest.importorskip("lm_eval")
    broken = opened()
    broken.model.model.norm.weight.data.fill_(float("nan"))
    with pytest.raises(
        UserError, match=r"none of the 6 questions .* has an answer: the model's logits are not numbers"
    ):
        harness_rows(broken, [str(task)], None, None, tmp_path)


def test_without_the_harness_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "find_spec", lambda name: None)
    with pytest.raises(UserError) as error:
        refuse_harness(["ceval-valid"], "transformers")
    assert error.value.fix == "pip install 'lf_wrap[harness]'"
