"""A training that is asked to stop is waited for as long as it may yet write its checkpoint, and no longer."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from lf_wrap.pipeline import leaving
from lf_wrap.pipeline.leaving import leave_to_save


@pytest.fixture
def told() -> Console:
    return Console(file=io.StringIO(), width=200)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_sign_of_a_checkpoint_it_is_ended_and_that_is_told(
    tmp_path: Path, told: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkpoint-8").mkdir()
    os.utime(tmp_path / "checkpoint-8", (0, 0))  # it is from before
    monkeypatch.setattr(leaving, "SECONDS_TO_BEGIN", 0.0)
    assert leave_to_save(tmp_path, 1, told).over()
    assert "begun within 0 s and whole within 600 s" in text(told)
    assert "the checkpoint before counts" in text(told)


def test_one_that_is_begun_may_be_finished(tmp_path: Path, told: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "SECONDS_TO_BEGIN", 0.0)
    leave = leave_to_save(tmp_path, 1, told)
    (tmp_path / "checkpoint-9").mkdir()
    assert not leave.over()
    assert leave.seconds == leaving.SECONDS_TO_WRITE


@pytest.mark.parametrize(
    ("elapsed", "seconds"), [(["0:20:00", "1:00:00"], 3600), (["23:59:50", "1 day, 0:00:10"], leaving.SECONDS_TO_BEGIN)]
)
def test_long_steps_have_the_time_of_three(tmp_path: Path, told: Console, elapsed: list[str], seconds: float) -> None:
    """They are logged every second step."""
    lines = [
        {"current_steps": 2 * number, "total_steps": 9, "loss": 1.0, "elapsed_time": each}
        for number, each in enumerate(elapsed, 1)
    ]
    (tmp_path / "trainer_log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    leave = leave_to_save(tmp_path, 1, told)
    assert leave.seconds == seconds + leaving.SECONDS_TO_WRITE
    assert not leave.over()
