"""A training that is killed, orphaned and interrupted ends as if nothing had happened."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from lf_wrap.pipeline.family import started_for
from scripts import kill_table
from scripts.kill_table import furthest, lfw, log_right, logged, prepare, wait_until, went_on_from

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one undisturbed run."""
    workspace = tmp_path_factory.mktemp("kills")
    prepare(workspace)
    return workspace


def test_killed_orphaned_and_interrupted_it_ends_with_the_same_weights_and_loss_curve(workspace: Path) -> None:
    adapter, out = workspace / "runs/killed/adapter", workspace / "killed.out"

    def at_step(step: int) -> bool:
        return logged(adapter) >= step

    first = lfw(workspace, "killed")
    wait_until(lambda: at_step(10) or first.poll() is not None)
    first.kill()
    first.wait()
    (orphan,) = started_for(adapter.parent)
    orphan.suspend()  # or it might be done before the next lfw is up

    second = lfw(workspace, "killed")
    wait_until(lambda: "an earlier lfw was killed" in out.read_text() or second.poll() is not None)
    orphan.resume()
    wait_until(lambda: "going on from step" in out.read_text() or second.poll() is not None)
    assert "an earlier lfw was killed, and 1 of its processes still run: stopping them" in out.read_text()
    assert orphan not in started_for(adapter.parent)
    saved = went_on_from(out)
    assert saved >= 8
    wait_until(lambda: at_step(min(saved + 4, kill_table.STEPS)) or second.poll() is not None)
    for trainer in started_for(adapter.parent):
        trainer.kill()
    assert second.wait() == 3
    assert "it was killed from outside" in out.read_text()

    third = lfw(workspace, "killed")
    wait_until(lambda: out.read_text().count("going on from step") == 2 or third.poll() is not None)
    wait_until(lambda: bool(started_for(adapter.parent)) or third.poll() is not None)
    third.send_signal(signal.SIGINT)
    assert third.wait() == 130
    assert started_for(adapter.parent) == []

    assert lfw(workspace, "killed").wait() == 0, out.read_text()
    assert furthest(workspace, "killed") == 0
    assert log_right(adapter)
