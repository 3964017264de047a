"""Ray, where it places the processes: its dashboard is there, and it has what each process asks for."""

from __future__ import annotations

from collections.abc import Iterator

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.packages import installed
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.devices import ray_workers

# LLaMA-Factory 0.9.5 asks Ray's dashboard which node is the head. Of the packages that `ray[default]` adds to `ray`,
# `aiohttp-cors` is one that nothing else brings.
NEEDED = ("ray", "aiohttp-cors")
CPUS = 10  # that each process asks Ray for (`train/trainer_utils.py`, `get_placement_group`)


def problems(case: Case) -> Iterator[Problem]:
    workers = ray_workers(case.sound)
    if not workers:
        return
    where = case.where("train.ray_num_workers")
    if not all(map(installed, NEEDED)):
        what = "Ray's processes need ray with its dashboard, which tells LLaMA-Factory where the head node is"
        yield Problem("error", what, where, "pip install 'ray[default]', or take train.ray_num_workers and USE_RAY out")
    wanted, there = workers * CPUS, (case.sound.train.get("ray_init_kwargs") or {}).get("num_cpus", case.hardware.cores)
    if wanted > there:
        what = (
            f"Ray's processes ask for {CPUS} CPUs each, {wanted} in all, and there are {there}: without other machines "
        )
        what += "in the cluster they wait for ever"
        fix = f"tell Ray that it has them, for it only counts: train.ray_init_kwargs: {{num_cpus: {wanted}}}"
        yield Problem("warning", what, where, fix)
