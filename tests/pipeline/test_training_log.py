"""The loss curve stays right: read while it grows, brought back to the checkpoint that a training goes on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lf_wrap.pipeline.training_log import LOG, TrainingLog, read_steps, rewind


def line(step: int, **more: Any) -> str:
    return json.dumps({"current_steps": step, "total_steps": 9, "elapsed_time": "0:00:01", **more}) + "\n"


def state(step: int) -> dict[str, Any]:
    history = [{"step": past, "loss": past / 10, "epoch": 0.1} for past in range(1, step + 1)]
    return {"global_step": step, "max_steps": 9, "log_history": [*history, {"step": step, "eval_loss": 3.0}]}


def losses(folder: Path) -> list[tuple[int, float | None]]:
    return [(step.step, step.loss) for step in read_steps(folder)]


def test_a_line_that_is_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    log, file = TrainingLog(tmp_path), tmp_path / LOG
    assert log.update() == []
    file.write_text(line(1, loss=2.0) + line(2, loss=1.5)[:20])
    assert [step.loss for step in log.update()] == [2.0]
    with file.open("a") as handle:
        handle.write(line(2, loss=1.5)[20:] + line(9))
    assert [(step.step, step.loss) for step in log.update()] == [(1, 2.0), (2, 1.5), (9, None)]
    assert log.update() == read_steps(tmp_path)


def test_nan_is_read_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text(line(1, loss=float("nan")))
    (step,) = read_steps(tmp_path)
    assert step.loss != step.loss


def test_what_came_after_the_checkpoint_is_taken_back(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("".join(line(step, loss=step / 10) for step in range(1, 8)) + line(8)[:9])
    rewind(tmp_path, state(5))
    assert losses(tmp_path) == [(step, step / 10) for step in range(1, 6)]


def test_what_was_lost_before_it_is_written_again(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text(line(1, loss=0.1) + line(3, loss=0.3) + line(3, eval_loss=3.0))
    rewind(tmp_path, state(5))
    assert [loss for loss in losses(tmp_path) if loss[1] is not None] == [(step, step / 10) for step in range(1, 6)]
    (tmp_path / LOG).unlink()
    rewind(tmp_path, state(4))
    assert losses(tmp_path) == [(step, step / 10) for step in range(1, 5)]
