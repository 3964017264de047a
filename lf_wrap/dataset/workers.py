"""A function over many parts of the data, on as many cores as are wished, in the parts' order."""

from __future__ import annotations

import gc
import mmap
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lf_wrap.dataset import fingerprint
from lf_wrap.errors import UserError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Result = TypeVar("Result")
# Half a megabyte and what is made of it stay in the processor's cache: larger parts take half as long again.
PART_BYTES, PART_ROWS = 1 << 19, 1000
RANGES_TOGETHER = 4  # parts of which a worker hears only where they lie are so small that messages would cost as much
AHEAD = 2  # messages to each worker: enough to keep them busy, few enough to keep memory flat
SHELF = 2 * PART_BYTES * RANGES_TOGETHER  # what parts become seldom needs more


class Submit(Protocol[Result]):
    """Maps a function over argument tuples, lazily and in order, so many `together` in one message to a worker."""

    def __call__(
        self, function: Callable[..., Result], arguments: Iterable[tuple[Any, ...]], together: int = 1
    ) -> Iterator[Result]: ...


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def crew(workers: int | None, *, worth_it: bool) -> Iterator[Submit[Any]]:
    """A function that maps another over argument tuples: in this process or in several.

    What is mapped gets the same arguments either way, so the results do not depend on the number of workers. Without a
    wish there are as many as cores where the work is `worth_it`. Bytes that a result hands out of its pickle
    (`pickle.PickleBuffer`) lie in shared memory, and only until the next result is asked for.
    """
    count = workers or (cores() if worth_it else 1)
    if count == 1:
        yield _here
        return
    may_fork = _may_fork()
    context = multiprocessing.get_context("fork" if may_fork else "spawn")
    shelves = _Shelves(AHEAD * count + 1) if may_fork else None
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(shelves,)) as pool:
        pool.submit(int)  # forks them all here and now: threads that are started from now on are none of theirs

        def submit(
            function: Callable[..., Result], arguments: Iterable[tuple[Any, ...]], together: int = 1
        ) -> Iterator[Result]:
            pending: deque[Future[Any]] = deque()
            taken: Callable[[Any], list[Result]] = shelves.taken if shelves else lambda results: results
            rest = iter(arguments)
            for number, some in enumerate(iter(lambda: list(islice(rest, together)), [])):
                called = partial(_shelved, number) if shelves else _each
                pending.append(pool.submit(called, function, some))
                if len(pending) > AHEAD * count:
                    yield from taken(pending.popleft().result())
            while pending:
                yield from taken(pending.popleft().result())

        try:
            yield submit
        except BrokenProcessPool:
            raise UserError(
                "a worker process was killed, most likely because memory ran out", fix="try again with --workers 1"
            ) from None


def _here(function: Callable[..., Result], arguments: Iterable[tuple[Any, ...]], together: int = 1) -> Iterator[Result]:
    return (function(*one) for one in arguments)


@contextmanager
def apart(function: Callable[[], Result], workers: int | None) -> Iterator[Callable[[], Result | None] | None]:
    """Has a process of its own work out the function's result; gives a function that waits for it, once.

    That gives None when the process failed. There is none where it would have to be started afresh, or where one
    process does all the work: on one core, or with a wish for one worker.
    """
    if (workers or cores()) == 1 or not _may_fork():
        yield None
        return
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(function, sender), daemon=True)
    process.start()
    sender.close()

    def told() -> Result | None:
        try:
            result: Result | None = receiver.recv()
        except EOFError:
            return None
        return result

    try:
        yield told
    finally:
        process.kill()
        process.join()
        receiver.close()


def _tell(function: Callable[[], Any], sender: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who waits for us is asked too, and ends us
    gc.disable()
    with suppress(Exception):
        sender.send(function())
    sender.close()


def _may_fork() -> bool:
    """Forking is quickest, but the threads that rensa starts do not survive it: a process that has compared texts
    itself must have its workers started afresh (0.3 s).
    """
    return sys.platform == "linux" and not fingerprint.has_started_threads()


class _Shelves:
    """Memory in which forked workers leave what is large: through a pipe it would be copied twice more, bit by bit.

    There are as many as there can be messages that are worked on, waiting or looked at; they are used in turn.
    """

    def __init__(self, count: int) -> None:
        self._memory, self._count = mmap.mmap(-1, count * SHELF), count

    def put(self, number: int, result: Any) -> tuple[bytes, int, list[int]]:
        """In a worker: results `number` without their bytes, where these begin, and how many are in each piece."""
        begin = number % self._count * SHELF
        sizes, at = list[int](), begin

        def stays(buffer: pickle.PickleBuffer) -> bool:
            """Whether it stays in the pickle: arrays are small and are kept, and what is too large finds no place."""
            nonlocal at
            with buffer.raw() as raw:
                if not isinstance(raw.obj, bytes) or at + len(raw) > begin + SHELF:
                    return True
                self._memory[at : at + len(raw)] = raw
                sizes.append(len(raw))
                at += len(raw)
                return False

        return pickle.dumps(result, protocol=5, buffer_callback=stays), begin, sizes

    def taken(self, left: tuple[bytes, int, list[int]]) -> Any:
        """The result that `put` has left."""
        pickled, at, sizes = left
        memory, buffers = memoryview(self._memory), []
        for size in sizes:
            buffers.append(memory[at : at + size])
            at += size
        return pickle.loads(pickled, buffers=buffers)  # noqa: S301  (from a process of our own)


_inherited: list[_Shelves] = []  # of a worker


def _begin(shelves: _Shelves | None) -> None:
    _inherited[:] = [shelves] if shelves else []
    gc.disable()  # rows hold no cycles
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    os.environ.setdefault("RAYON_NUM_THREADS", "1")  # rensa's: the processes are the parallelism


def _end_with(parent: Any) -> None:
    """A process that is killed outright tells its workers nothing: they would wait for ever for the next part."""
    parent.join()
    os._exit(1)


def _shelved(number: int, function: Callable[..., Any], arguments: list[Any]) -> tuple[bytes, int, list[int]]:
    return _inherited[0].put(number, _each(function, arguments))


def _each(function: Callable[..., Result], arguments: list[Any]) -> list[Result]:
    return [function(*one) for one in arguments]


def beside(function: Callable[[], Result]) -> Future[Result]:
    """The function's result to be, worked out in a thread; nobody waits for it who ends without asking for it."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except Exception as error:  # noqa: BLE001  (whoever asks for the result gets it)
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
