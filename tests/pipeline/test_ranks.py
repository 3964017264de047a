"""Ranks agree on the step in which they stop, whoever is asked and whoever is ahead."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lf_wrap.pipeline.ranks import HERE, agreeing, stop_together
from lf_wrap.pipeline.ranks.stop_together import Agreement

RANKS, STEPS = 3, 40


@pytest.fixture
def store() -> Any:
    from torch.distributed import HashStore

    return HashStore()


def stops_at(store: Any, rank: int, asked_at: int | None) -> int | None:
    """The step in which this rank stops; it takes its time for each, and is asked at one of them, or never."""
    dice, agreement = Random(rank), Agreement(store, rank, RANKS)
    assert agreement.holds
    for step in range(5, STEPS):  # from a checkpoint of step 4
        time.sleep(dice.uniform(0, 0.004))
        if agreement.is_last(step, asked=asked_at is not None and step >= asked_at):
            return step
    return None


@pytest.mark.parametrize(
    "asked", [(5, 5, 5), (20, 21, 19), (None, 20, None), (30, None, None), (None, None, None), (None, None, 7)]
)
def test_all_stop_in_one_step_soon_after_the_first_is_asked(store: Any, asked: tuple[int | None, ...]) -> None:
    with ThreadPoolExecutor(RANKS) as pool:
        stopped = list(pool.map(lambda rank: stops_at(store, rank, asked[rank]), range(RANKS)))
    assert len(set(stopped)) == 1
    first = min((step for step in asked if step is not None), default=None)
    if first is None:
        assert stopped == [None] * RANKS
    else:
        assert stopped[0] is not None
        assert first < stopped[0]


def test_where_a_rank_was_started_without_lfw_nobody_waits_for_it(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_together, "MEETING", timedelta(seconds=0.2))
    with ThreadPoolExecutor(RANKS) as pool:
        assert not any(pool.map(lambda rank: Agreement(store, rank, RANKS).holds, (0, 1)))


def test_a_single_process_is_left_as_it_is() -> None:
    assert agreeing(1) == {}


def test_only_ranks_are_changed_and_another_sitecustomize_still_has_its_say(tmp_path: Path) -> None:
    """A stand-in for transformers, which takes ten seconds to import; the real one is in test_processes.py."""
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.theirs = True", encoding="utf-8")
    (tmp_path / "transformers").mkdir()
    (tmp_path / "transformers/__init__.py").touch()
    (tmp_path / "transformers/trainer_jit_checkpoint.py").write_text("class JITCheckpointCallback: ...")
    code = (
        "import builtins; from transformers.trainer_jit_checkpoint import JITCheckpointCallback as one;"
        "print(builtins.theirs, one.__name__)"
    )
    path = os.pathsep.join([str(HERE), str(tmp_path)])
    for ranks, named in (("2", "Together"), ("1", "JITCheckpointCallback")):
        environment = os.environ | {"PYTHONPATH": path, "RANK": "1", "WORLD_SIZE": ranks}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["True", named]
