"""What runs inside the processes of a training that torchrun started, so that they stop together and can go on.

This folder goes first on their PYTHONPATH; Python then imports its `sitecustomize` when each starts. It holds nothing
that needs lfw to be installed where they run.
"""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parent


def agreeing(processes: int) -> dict[str, str]:
    """What a training of so many processes is started with, beside all else; nothing for a single one."""
    if processes == 1:
        return {}
    path = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(path)}
