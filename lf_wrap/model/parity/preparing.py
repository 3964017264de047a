"""What the proof needs takes longer to import than a small model to be proved: it is imported while others work."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from threading import Thread

NEEDED = ("torch", "transformers.models.auto.modeling_auto", "peft")


def import_meanwhile() -> None:
    """Begins to import it, and returns. What cannot be imported is told by the proof itself."""

    def import_all() -> None:
        for name in NEEDED:
            with suppress(ImportError, OSError, RuntimeError):
                import_module(name)

    Thread(target=import_all, daemon=True).start()
