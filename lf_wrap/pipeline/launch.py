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
from queue import Empty, SimpleQueue
from threading import Thread

from lf_wrap.errors import ChildFailed, Interrupted
from lf_wrap.files import shown
from lf_wrap.pipeline.diagnosis import diagnose, last_error
from lf_wrap.pipeline.family import Leave, end, mark
from lf_wrap.recipe.llamafactory import package_folder

POLL_SECONDS = 0.5
News = SimpleQueue[None]  # the child has ended, or we are asked to stop; a signal's handler may put into it


def llamafactory_cli(*arguments: str) -> list[str]:
    """The command `llamafactory-cli ARGUMENTS`: of this environment, else the one on PATH. Where the package was
    installed without its commands (`pip install --target`), the same module of it is run.

    Raises:
        UserError: LLaMA-Factory is not installed.
    """
    beside = _beside_python() / "llamafactory-cli"
    found = str(beside) if beside.exists() else shutil.which("llamafactory-cli")
    if found:
        return [found, *arguments]
    package_folder()
    return [sys.executable, "-m", "llamafactory.cli", *arguments]


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
    news: News = SimpleQueue()
    with log.open("ab") as output, _stop_signals_noted(news) as noted:
        began_at = output.tell()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": _path(), **(environment or {}), **mark(log)},
            start_new_session=True,
        )
        try:
            Thread(target=_tell_when_it_ends, args=(child, news), daemon=True).start()
            while _nothing_new(news):
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
    name = " ".join([Path(command[0]).name, *command[1 : 4 if command[1] == "-m" else 2]])
    said = f"{name} failed (exit {code}): {last_error(log, began_at)}"
    fix = (
        f"{known.means}: {known.fix}"
        if known
        else "read the log from its end; mend the cause and run the same command again"
    )
    return ChildFailed(said, where=shown(log), fix=fix)


def _beside_python() -> Path:
    return Path(sys.executable).parent


def _path() -> str:
    """PATH with this environment's commands first: LLaMA-Factory calls `torchrun` by its name, and lfw may have been
    started by its full path, in an environment that is not activated.
    """
    return os.pathsep.join([str(_beside_python()), *filter(None, [os.environ.get("PATH")])])


@contextmanager
def _stop_signals_noted(news: News) -> Iterator[list[int]]:
    """The signals that asked us to stop within the block. They interrupt nothing there, or a child might be left:
    each is noted, and is `news`.

    What was ignored before stays ignored: after `nohup`, a closed terminal is no reason to stop.
    """
    noted: list[int] = []
    asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in asking if signal.getsignal(number) != signal.SIG_IGN]

    def note(number: int, _: object) -> None:
        noted.append(number)
        news.put(None)

    before = {number: signal.signal(number, note) for number in heeded}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _nothing_new(news: News) -> bool:
    """Whether there has been none for `POLL_SECONDS`."""
    try:
        news.get(timeout=POLL_SECONDS)
    except Empty:
        return True
    return False


def _tell_when_it_ends(child: subprocess.Popen[bytes], news: News) -> None:
    child.wait()
    news.put(None)
