"""Children: `llamafactory-cli` in a process group of its own, its output in a log, stopped with all it started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lf_wrap.errors import ChildFailed, Interrupted, UserError
from lf_wrap.files import shown
from lf_wrap.pipeline.diagnosis import diagnose, last_error
from lf_wrap.pipeline.family import Leave, end, mark

POLL_SECONDS = 0.5


def llamafactory_cli() -> str:
    """The `llamafactory-cli` of this environment, else the one on PATH.

    Raises:
        UserError: there is none.
    """
    beside = Path(sys.executable).with_name("llamafactory-cli")
    found = str(beside) if beside.exists() else shutil.which("llamafactory-cli")
    if not found:
        raise UserError(
            "llamafactory-cli is not installed in this environment", fix="pip install 'llamafactory>=0.9.5,<0.10'"
        )
    return found


def launch(
    command: list[str],
    log: Path,
    on_poll: Callable[[], None],
    environment: Mapping[str, str] | None = None,
    leave: Callable[[], Leave] = Leave,
) -> None:
    """Runs `command` to its end with its output in `log`; `on_poll` is called twice a second meanwhile.

    When we are asked to stop, the child is asked too and may take the `leave` that is then given. When `on_poll`
    raises, the child is killed.

    Raises:
        ChildFailed: it ended with another exit code than 0; the message has its last error line.
        Interrupted: Ctrl-C, SIGTERM, or the terminal was closed; the child and all it started are stopped first.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output, _stop_signals_noted() as noted:
        began_at = output.tell()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {}), **mark(log)},
            start_new_session=True,
        )
        try:
            while not noted and _still_runs(child):
                on_poll()
        except BaseException:
            end(log, child.pid)
            child.wait()
            raise
        known = len(noted)
        end(log, child.pid, leave() if noted else Leave(), hurry=lambda: len(noted) > known)
        child.wait()
    if noted:
        raise Interrupted("interrupted", fix="the same command goes on from where this one stopped")
    on_poll()
    if child.returncode != 0:
        raise _failure(command, child.returncode, log, began_at)


def _failure(command: list[str], code: int, log: Path, began_at: int) -> ChildFailed:
    known = diagnose(log, code, began_at)
    said = f"{Path(command[0]).name} {command[1]} failed (exit {code}): {last_error(log, began_at)}"
    fix = (
        f"{known.means}: {known.fix}"
        if known
        else "read the log from its end; mend the cause and run the same command again"
    )
    return ChildFailed(said, where=shown(log), fix=fix)


@contextmanager
def _stop_signals_noted() -> Iterator[list[int]]:
    """The signals that asked us to stop within the block. They interrupt nothing there, or a child might be left.

    What was ignored before stays ignored: after `nohup`, a closed terminal is no reason to stop.
    """
    noted: list[int] = []
    asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in asking if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, lambda number, _: noted.append(number)) for number in heeded}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _still_runs(child: subprocess.Popen[bytes]) -> bool:
    """Whether the child has not ended `POLL_SECONDS` from now."""
    try:
        child.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False
