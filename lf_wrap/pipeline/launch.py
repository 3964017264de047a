"""Children: `llamafactory-cli` in a process group of its own, its output in a log, stopped with all it started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

from lf_wrap.errors import ChildFailed, Interrupted, UserError
from lf_wrap.files import shown
from lf_wrap.pipeline.diagnosis import last_error

POLL_SECONDS = 0.5
GRACE_SECONDS = 20.0


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
    command: list[str], log: Path, on_poll: Callable[[], None], environment: Mapping[str, str] | None = None
) -> None:
    """Runs `command` to its end with its output in `log`; `on_poll` is called twice a second meanwhile.

    Raises:
        ChildFailed: it ended with another exit code than 0; the message has its last error line.
        Interrupted: Ctrl-C or SIGTERM; the child and all it started are stopped first.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output, _sigterm_as_interrupt():
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            while True:
                try:
                    code = child.wait(POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    on_poll()
        except KeyboardInterrupt:
            raise Interrupted("interrupted", fix="the same command goes on from the last finished stage") from None
        finally:
            _stop(child)
    on_poll()
    if code != 0:
        raise ChildFailed(
            f"{Path(command[0]).name} {command[1]} failed (exit {code}): {last_error(log)}",
            where=shown(log),
            fix="read the log from its end; mend the cause and run the same command again",
        )


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Ends the child's whole process group: politely, then for good."""
    if child.poll() is None:
        _signal(child.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
    _signal(child.pid, signal.SIGKILL)
    child.wait()


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # nobody is left in the group


class _sigterm_as_interrupt:  # noqa: N801  (used like a function)
    """Within the block SIGTERM raises KeyboardInterrupt, so that both ways of stopping clean up alike."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGTERM, self._raise)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    @staticmethod
    def _raise(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt
