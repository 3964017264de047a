"""The options that say where a training runs. LLaMA-Factory's own variables (NNODES, MASTER_ADDR ...) say it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

AT_LEAST_1 = click.IntRange(min=1)
OPTIONS = (
    click.option("--gpus", metavar="0,1", help="The GPUs that train: numbers, or `all`; all visible when left out."),
    click.option(
        "--nproc-per-node",
        type=AT_LEAST_1,
        envvar="NPROC_PER_NODE",
        help="Processes on this machine; one a GPU when left out. Without a GPU they share the CPU.",
    ),
    click.option("--nnodes", type=AT_LEAST_1, default=1, envvar="NNODES", help="How many machines train as one."),
    click.option("--node-rank", type=int, default=0, envvar="NODE_RANK", help="Which of them this is, from 0."),
    click.option("--master", metavar="HOST[:PORT]", help="Where node 0 is; port 29500 when left out."),
)


def devices_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options, in the order above, to a command; their values are the arguments of `recipe.choose`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
