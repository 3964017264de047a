"""A child program: its output is kept, its failure explained, and nothing it started outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lf_wrap.errors import ChildFailed
from lf_wrap.pipeline.family import Leave
from lf_wrap.pipeline.launch import POLL_SECONDS, launch, llamafactory_cli

PYTHON = sys.executable
# A child that starts a grandchild, tells both pids, and waits. The grandchild does not heed SIGTERM; the child does,
# unless it is STUBBORN. With RANK the grandchild has a session of its own, as torchrun gives to each GPU's process.
CHILD = """
import os, signal, subprocess, sys, time
from pathlib import Path
def on_term(*_):
    Path("asked to stop").touch()
    if "STUBBORN" not in os.environ:
        sys.exit(0)
signal.signal(signal.SIGTERM, on_term)
code = "import signal, time; signal.signal(15, signal.SIG_IGN); open('grandchild is up', 'w').close(); time.sleep(600)"
grandchild = subprocess.Popen([sys.executable, "-c", code], start_new_session="RANK" in os.environ)
while not Path("grandchild is up").exists():
    time.sleep(0.01)
Path("pids.new").write_text(f"{os.getpid()} {grandchild.pid}")
Path("pids.new").rename("pids")
if "LEAVE" in os.environ:
    os._exit(0)
while True:
    time.sleep(0.1)
"""
PARENT = f"""
import os, signal, sys
from pathlib import Path
from lf_wrap.errors import Interrupted
from lf_wrap.pipeline import launch
from lf_wrap.pipeline.family import Leave
signal.signal(signal.SIGHUP, signal.SIG_IGN if "NOHUP" in os.environ else signal.SIG_DFL)
leave = Leave(float(os.environ.get("GRACE", 1)))
try:
    launch.launch([sys.executable, "-c", {CHILD!r}], Path("log"), lambda: None, leave=lambda: leave)
except Interrupted as stop:
    print(stop)
    sys.exit(stop.exit_code)
"""


def run(code: str, log: Path, on_poll: Callable[[], None] = lambda: None, **environment: str) -> None:
    launch([sys.executable, "-c", code], log, on_poll, environment)


def until(true: Callable[[], bool], seconds: int = 60) -> None:
    """Waits until it is `true`; gives up after far longer than it ever takes."""
    for _ in range(10 * seconds):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it never came true")


def alive(pid: int) -> bool:
    """Whether the process runs: one that is dead and only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory; what a failed test left running there is ended by its pid."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lf_wrap.pipeline.launch.Leave", lambda: Leave(1))
    yield tmp_path
    for pid in pids(tmp_path) if (tmp_path / "pids").exists() else []:
        if alive(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def pids(folder: Path) -> list[int]:
    """The child and the grandchild, once both are up."""
    until((folder / "pids").exists)
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def test_the_output_is_kept_in_the_log_and_a_second_run_adds_to_it(tmp_path: Path) -> None:
    log = tmp_path / "logs/train.log"
    run("import sys; print('out', flush=True); print('err', file=sys.stderr)", log)
    run("print('again')", log)
    assert log.read_text().split() == ["out", "err", "again"]


def test_the_child_gets_our_environment_and_what_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "one")
    monkeypatch.setenv("CHANGED", "two")
    code = "import os; print(*(os.environ[name] for name in ('OURS', 'CHANGED', 'ADDED')))"
    run(code, tmp_path / "log", CHANGED="three", ADDED="值")
    assert (tmp_path / "log").read_text().split() == ["one", "three", "值"]


def test_the_child_cannot_wait_for_the_keyboard(tmp_path: Path) -> None:
    run("import sys; print(repr(sys.stdin.read()))", tmp_path / "log")
    assert (tmp_path / "log").read_text() == "''\n"


def test_the_caller_is_polled_while_the_child_runs(folder: Path) -> None:
    run("import os, time\nwhile not os.path.exists('seen'): time.sleep(0.01)", folder / "log", Path("seen").touch)


@pytest.mark.parametrize(
    ("code", "exit_", "said"),
    [
        ("print('loading'); raise ValueError('no such column: 主诉')", 1, "ValueError: no such column: 主诉"),
        ("import sys; print('disk full'); sys.exit(7)", 7, "disk full"),
        ("import os; os._exit(3)", 3, "it printed nothing"),
        ("import os; print('step 5', flush=True); os.kill(os.getpid(), 9)", -9, "step 5"),
    ],
)
def test_a_failure_says_its_exit_code_its_last_error_and_its_log(
    folder: Path, code: str, exit_: int, said: str
) -> None:
    with pytest.raises(ChildFailed) as error:
        run(code, folder / "logs/train.log")
    assert error.value.what == f"{Path(sys.executable).name} -c failed (exit {exit_}): {said}"
    assert (error.value.where, error.value.exit_code) == ("logs/train.log", 3)


def test_a_failure_is_not_explained_with_an_earlier_runs_error(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="no such column"):
        run("raise ValueError('no such column')", tmp_path / "log")
    with pytest.raises(ChildFailed, match="step 5"):
        run("import os; print('step 5', flush=True); os.kill(os.getpid(), 9)", tmp_path / "log")


def test_what_a_finished_child_left_running_is_ended(folder: Path) -> None:
    run(CHILD, folder / "log", LEAVE="1")
    until(lambda: not any(map(alive, pids(folder))))


def test_a_child_is_ended_when_the_caller_fails(folder: Path) -> None:
    def fail_once_it_is_up() -> None:
        if (folder / "pids").exists():
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        run(CHILD, folder / "log", fail_once_it_is_up)
    until(lambda: not any(map(alive, pids(folder))))


@pytest.mark.parametrize("rank", [{}, {"RANK": "0"}], ids=["in our group", "in a session of its own"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_child_and_all_it_started(folder: Path, number: signal.Signals, rank: dict[str, str]) -> None:
    environment = {**os.environ, **rank}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        family = pids(folder)
        parent.send_signal(number)
        assert parent.communicate()[0].startswith("interrupted\n")
    assert parent.returncode == 130
    until(lambda: not any(map(alive, family)))


def test_after_nohup_a_closed_terminal_is_no_reason_to_stop(folder: Path) -> None:
    environment = {**os.environ, "NOHUP": "1"}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.DEVNULL) as parent:
        family = pids(folder)
        parent.send_signal(signal.SIGHUP)
        time.sleep(3 * POLL_SECONDS)
        assert parent.poll() is None
        assert all(map(alive, family))
        parent.send_signal(signal.SIGTERM)
    until(lambda: not any(map(alive, family)))


def test_an_impatient_second_signal_leaves_nobody_behind(folder: Path) -> None:
    environment = {**os.environ, "STUBBORN": "1", "RANK": "0", "GRACE": "60"}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stderr=subprocess.DEVNULL) as parent:
        family = pids(folder)
        parent.send_signal(signal.SIGINT)
        until((folder / "asked to stop").exists)
        parent.send_signal(signal.SIGINT)
        parent.communicate(timeout=30)
    until(lambda: not any(map(alive, family)), seconds=2)


def test_children_find_the_commands_of_an_environment_that_is_not_activated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    run("import shutil, sys; sys.exit(not shutil.which('torchrun'))", tmp_path / "log")


def test_llamafactory_without_its_command_is_run_as_a_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As `pip install --target` leaves it: the package can be imported, its command is in a folder nobody looks in."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert llamafactory_cli("version") == [str(tmp_path / "python"), "-m", "llamafactory.cli", "version"]
    done = subprocess.run([PYTHON, *llamafactory_cli("version")[1:]], capture_output=True, text=True, check=True)
    assert "Welcome to LLaMA Factory" in done.stdout
