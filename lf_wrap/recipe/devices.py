"""Which GPUs and how many processes a training takes, on how many machines: `--gpus`, `--nnodes` and their like."""

from __future__ import annotations

import os
from dataclasses import replace

from lf_wrap.errors import UserError
from lf_wrap.recipe.hardware import Hardware, Nodes
from lf_wrap.recipe.schema import Recipe

ALL = "all"
MASTER_PORT = 29500  # torchrun's own, where several machines must agree on one


def choose(
    recipe: Recipe,
    hardware: Hardware,
    *,
    gpus: str | None = None,
    nproc_per_node: int | None = None,
    nnodes: int = 1,
    node_rank: int = 0,
    master: str | None = None,
) -> Hardware:
    """The part of `hardware` that the recipe's training is to use.

    `gpus` are numbers as CUDA programs started from here count them (`0,1`), or `all`. `nproc_per_node` is one process
    a GPU when left out; without a GPU it is how many processes share the CPU. `master` is the HOST[:PORT] of node 0.

    Raises:
        UserError: a GPU is not there, more processes than GPUs are wished, or the nodes do not add up.
    """
    chosen = _chosen(hardware, gpus)
    if workers := ray_workers(recipe):
        if nproc_per_node or nnodes > 1:
            raise UserError(
                "Ray places the processes itself", fix="say how many with train.ray_num_workers, not with options"
            )
        return replace(chosen, processes=workers)
    if chosen.gpus and nproc_per_node and nproc_per_node > len(chosen.gpus):
        raise UserError(
            f"{nproc_per_node} processes cannot share {len(chosen.gpus)} GPUs", fix="one process a GPU at most"
        )
    return replace(chosen, processes=nproc_per_node, nodes=_nodes(nnodes, node_rank, master))


def ray_workers(recipe: Recipe) -> int | None:
    """The processes Ray is to start, where the recipe asks for Ray: with a `ray_` argument, or USE_RAY."""
    asked = any(name.startswith("ray_") for name in recipe.train)
    if asked or str(recipe.environment.get("USE_RAY", "")).lower() in {"1", "true", "y"}:
        return int(recipe.train.get("ray_num_workers", 1))
    return None


def _chosen(hardware: Hardware, gpus: str | None) -> Hardware:
    if gpus is None or gpus == ALL:
        return hardware
    wanted = [entry.strip() for entry in gpus.split(",")]
    if not all(entry.isdecimal() for entry in wanted) or len(set(wanted)) < len(wanted):
        raise UserError(f"--gpus {gpus!r} names no GPUs", fix="numbers with commas between them, as 0,1, or `all`")
    there = range(len(hardware.gpus))
    for number in map(int, wanted):
        if number not in there:
            known = f"GPUs 0 to {there[-1]} are visible here" if there else "no GPU is visible here"
            raise UserError(
                f"there is no GPU {number}: {known}", where=f"--gpus {gpus}", fix="see nvidia-smi, or `lfw doctor`"
            )
    # What is hidden from us (by a scheduler, say) stays hidden: numbers count within what is visible.
    visible = [entry.strip() for entry in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if entry.strip()]
    names = visible or [str(number) for number in there]
    return replace(
        hardware,
        gpus=tuple(hardware.gpus[int(number)] for number in wanted),
        visible=",".join(names[int(number)] for number in wanted),
    )


def _nodes(count: int, rank: int, master: str | None) -> Nodes:
    if count == 1:
        if rank or master:
            raise UserError("--node-rank and --master are for several nodes", fix="say how many with --nnodes")
        return Nodes()
    if not 0 <= rank < count:
        raise UserError(f"there is no node {rank} among {count}", fix=f"--node-rank counts from 0 to {count - 1}")
    if not master and (host := os.environ.get("MASTER_ADDR")):
        return Nodes(count, rank, host, int(os.environ.get("MASTER_PORT", MASTER_PORT)))
    if not master:
        raise UserError("several nodes need to find node 0", fix="give its address on every node: --master HOST[:PORT]")
    host, colon, port = master.rpartition(":") if master.count(":") == 1 else (master, "", "")
    if colon and not (port.isdecimal() and 0 < int(port) < 1 << 16):
        raise UserError(f"--master {master!r} has no sound port", fix="HOST:PORT with a port from 1 to 65535")
    return Nodes(count, rank, host, int(port) if colon else MASTER_PORT)
