"""Python imports this when it starts. In a rank of torchrun it waits for transformers' JIT checkpoints to be imported.

Python imports only one module of this name: the one that would have been found without us is run afterwards.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

HERE = str(Path(__file__).parent)
AWAITED = "transformers.trainer_jit_checkpoint"


class _Then(Loader):
    """Loads as `loader` does, then changes what was loaded."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        # Both lie in this folder, which is on the PYTHONPATH.
        from from_cpu import understand_numbered_cpus  # type: ignore[import-not-found]
        from stop_together import together  # type: ignore[import-not-found]

        module.JITCheckpointCallback = together(module.JITCheckpointCallback)  # type: ignore[attr-defined]
        understand_numbered_cpus()


class _Waiting(MetaPathFinder):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname != AWAITED:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            spec.loader = _Then(spec.loader)
        return spec


def _the_other() -> None:
    """Runs the `sitecustomize` that stands behind this one."""
    found = PathFinder.find_spec("sitecustomize", [place for place in sys.path if place != HERE])
    if found and found.loader:
        found.loader.exec_module(importlib.util.module_from_spec(found))


if __name__ == "sitecustomize":
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ:
        sys.meta_path.insert(0, _Waiting())
    _the_other()
