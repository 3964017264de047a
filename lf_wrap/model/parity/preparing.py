"""What the proof needs takes longer to load than a small model to be proved: it is made ready while others work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from lf_wrap.model.parity.trained_template import TrainedTemplate

NEEDED = ("torch", "transformers.models.auto.modeling_auto", "peft")


def template_meanwhile(base: Path, arguments: Mapping[str, Any]) -> Callable[[], TrainedTemplate]:
    """`TrainedTemplate.of`, begun now in a thread that imports the rest of what the proof needs too; waits for it.

    What cannot be imported is told by the proof itself.
    """
    template: Future[TrainedTemplate] = Future()

    def prepare() -> None:
        for name in NEEDED:
            with suppress(ImportError, OSError, RuntimeError):
                import_module(name)
        try:
            template.set_result(TrainedTemplate.of(base, arguments))
        except BaseException as error:  # noqa: BLE001  (whoever waits gets it)
            template.set_exception(error)

    Thread(target=prepare, daemon=True).start()
    return template.result
