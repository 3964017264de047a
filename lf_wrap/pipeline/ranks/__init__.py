"""What runs inside the processes of a training that torchrun started, so that they stop together and can go on.

This folder goes first on their PYTHONPATH; Python then imports its `sitecustomize` when each starts. It holds nothing
that needs lfw to be installed where they run.
"""

from __future__ import annotations

import os
from pathlib import Path

from lf_wrap.files import write_text

HERE = Path(__file__).parent
ALONE = ("sitecustomize.py", "stop_together.py", "from_cpu.py")


def agreeing(processes: int) -> dict[str, str]:
    """What a training of so many processes is started with, beside all else; nothing for a single one."""
    if processes == 1:
        return {}
    path = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(path)}


def copy_into(folder: Path) -> None:
    """For who trains without lfw: what `agreeing` puts on the path, in a folder of its own."""
    for name in ALONE:
        write_text(folder / name, (HERE / name).read_text(encoding="utf-8"))
