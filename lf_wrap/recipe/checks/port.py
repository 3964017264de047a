"""The port at which the processes of a training meet is free."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem


def problems(case: Case) -> Iterator[Problem]:
    """LLaMA-Factory looks for a free port itself unless one is named (0.9.5, `launcher.py`); node 0 listens there."""
    nodes = case.hardware.nodes
    if case.hardware.world_size == 1 or nodes.rank:
        return
    where, said = "the environment: MASTER_PORT", os.environ.get("MASTER_PORT")
    if nodes.count > 1:
        where, said = "--master, or MASTER_PORT", str(nodes.port)
    if said is None:
        return
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
