"""A function over many parts of the data, on as many cores as are wished, in the parts' order."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from lf_wrap.dataset import fingerprint
from lf_wrap.errors import UserError

Result = TypeVar("Result")
# Half a megabyte and what is made of it stay in the processor's cache: larger parts take half as long again.
PART_BYTES, PART_ROWS = 1 << 19, 1000
AHEAD = 2  # parts handed out per worker: enough to keep them busy, few enough to keep memory flat

Submit = Callable[[Callable[..., Result], Iterable[tuple[Any, ...]]], Iterator[Result]]


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def crew(workers: int | None, *, worth_it: bool) -> Iterator[Submit[Any]]:
    """A function that maps another over argument tuples, lazily and in order: in this process or in several.

    What is mapped gets the same arguments either way, so the results do not depend on the number of workers. Without a
    wish there are as many as cores where the work is `worth_it`.
    """
    count = workers or (cores() if worth_it else 1)
    if count == 1:
        yield lambda function, arguments: (function(*one) for one in arguments)
        return
    # Forking is quickest, but the threads that rensa starts do not survive it: a process that has compared texts itself
    # must have its workers started afresh (0.3 s).
    may_fork = sys.platform == "linux" and not fingerprint.has_started_threads()
    method = "fork" if may_fork else "spawn"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(count, mp_context=context, initializer=gc.disable) as pool:  # rows hold no cycles

        def submit(function: Callable[..., Result], arguments: Iterable[tuple[Any, ...]]) -> Iterator[Result]:
            pending: deque[Future[Result]] = deque()
            for one in arguments:
                pending.append(pool.submit(function, *one))
                if len(pending) > AHEAD * count:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

        try:
            yield submit
        except BrokenProcessPool:
            raise UserError(
                "a worker process was killed, most likely because memory ran out", fix="try again with --workers 1"
            ) from None
