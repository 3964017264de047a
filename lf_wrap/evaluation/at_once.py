"""Servers are asked several questions at once, by threads that nobody waits for when it is over."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

Asked = TypeVar("Asked")
Said = TypeVar("Said")


def at_once(
    ask: Callable[[Asked], Said], questions: Sequence[Asked], threads: int
) -> Generator[tuple[int, Said], None, None]:
    """Each question's place and what `ask` said of it, as soon as it is there.

    Close it, or leave it by an exception, and nothing more is begun. What still waits for a server that hangs is left
    behind: a pool of `concurrent.futures` would be waited for, by Ctrl-C too, until its last request ran out of time.
    An exception in `ask` is raised here.
    """
    waiting: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[tuple[int, Said] | Exception] = SimpleQueue()
    over = Event()
    for place in range(len(questions)):
        waiting.put(place)

    def work() -> None:
        while not over.is_set():
            try:
                place = waiting.get_nowait()
            except Empty:
                return
            try:
                done.put((place, ask(questions[place])))
            except Exception as error:  # noqa: BLE001  (it is raised where the answers are waited for)
                done.put(error)

    for _ in range(min(threads, len(questions))):
        Thread(target=work, daemon=True).start()
    try:
        for _ in questions:
            found = done.get()
            if isinstance(found, Exception):
                raise found
            yield found
    finally:
        over.set()
