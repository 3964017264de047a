"""The port at which the processes of a training meet is free."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.steps import devices


def problems(case: Case) -> Iterator[Problem]:
    """LLaMA-Factory looks for a free port itself unless MASTER_PORT names one (0.9.5, `launcher.py`)."""
    said = os.environ.get("MASTER_PORT")
    several = devices(case.hardware) > 1 or os.environ.get("FORCE_TORCHRUN", "0").lower() in {"true", "y", "1"}
    first = os.environ.get("NODE_RANK", "0") == "0"
    if said is None or not several or not first:
        return
    where = "the environment: MASTER_PORT"
    if not said.isdecimal() or not 0 < int(said) < 1 << 16:
        yield Problem("error", f"MASTER_PORT is no port: {said!r}", where, "take a number from 1024 to 65535")
    elif _taken(int(said)):
        fix = "unset it, and LLaMA-Factory looks for a free one; with several nodes, set another on all of them"
        yield Problem("error", f"port {said} is in use", where, fix)


def _taken(port: int) -> bool:
    """Whether nobody else can listen there; torch's store listens on every address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False
