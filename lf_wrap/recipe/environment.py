"""The environment `llamafactory-cli` is started with: what the recipe says, and what spreads it over processes."""

from __future__ import annotations

from lf_wrap.recipe.devices import ray_workers
from lf_wrap.recipe.hardware import Hardware
from lf_wrap.recipe.schema import Recipe
from lf_wrap.recipe.setting import Setting, Settings


def launch_environment(recipe: Recipe, hardware: Hardware) -> Settings:
    """The variables to export before `llamafactory-cli train`, each with the reason for it; all values are text.

    Whatever else is in the caller's environment (tokens for hubs and trackers) is handed on and never written down.
    LLaMA-Factory's launcher reads FORCE_TORCHRUN, NPROC_PER_NODE, NNODES, NODE_RANK, MASTER_ADDR, MASTER_PORT, USE_RAY.
    """
    said = {name: Setting(_text(value)) for name, value in recipe.environment.items()}
    return said | _gpus(hardware) | _processes(recipe, hardware, said)


def _gpus(hardware: Hardware) -> Settings:
    return {"CUDA_VISIBLE_DEVICES": Setting(hardware.visible, "--gpus")} if hardware.visible is not None else {}


def _processes(recipe: Recipe, hardware: Hardware, said: Settings) -> Settings:
    """How LLaMA-Factory is told to start one process or many; MASTER_PORT of a single node it picks itself, free."""
    if ray_workers(recipe):
        return {"USE_RAY": Setting("1", "Ray places the processes")}
    if hardware.world_size == 1 and not recipe.train.get("deepspeed"):
        return {}
    why = "one process a GPU" if hardware.gpus else "processes that share the CPU talk through gloo"
    exported = {
        "FORCE_TORCHRUN": Setting("1", why if hardware.world_size > 1 else "DeepSpeed starts no other way"),
        "NPROC_PER_NODE": Setting(str(hardware.local_size)),
    }
    if hardware.local_size > 1 and "OMP_NUM_THREADS" not in said:  # on GPUs too: batches are made on the CPU
        threads = max(1, hardware.cores // hardware.local_size)
        exported["OMP_NUM_THREADS"] = Setting(str(threads), "the cores, shared out: torchrun would give each process 1")
    nodes = hardware.nodes
    if nodes.count > 1:
        exported |= {
            "NNODES": Setting(str(nodes.count)),
            "NODE_RANK": Setting(str(nodes.rank), "which of the nodes this is"),
            "MASTER_ADDR": Setting(str(nodes.host), "node 0"),
            "MASTER_PORT": Setting(str(nodes.port), "free on node 0, the same on every node"),
        }
    return exported


def _text(value: str | int | float | bool) -> str:
    """A variable as shells write it: YAML's true and false are 1 and 0."""
    return str(int(value)) if isinstance(value, bool) else str(value)
