"""What Ray needs is asked for before it is started."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.recipe.checks.conftest import Checked, errors, warnings


@pytest.mark.skipif(find_spec("ray") is not None, reason="ray is installed here")
@pytest.mark.parametrize("asked", ["train.ray_num_workers=2", "environment.USE_RAY=1"])
def test_ray_is_asked_for_with_its_dashboard(checked: Checked, asked: str) -> None:
    problem = next(one for one in checked(asked) if one.level == "error")
    assert problem.what.startswith("Ray's processes need ray with its dashboard")
    assert "pip install 'ray[default]'" in problem.fix
    assert not errors(checked())


def test_ray_has_the_cpus_that_the_processes_ask_for(checked: Checked) -> None:
    waits = [what for what in warnings(checked("train.ray_num_workers=2")) if "10 CPUs each, 20 in all" in what]
    assert len(waits) == 1
    assert waits[0].endswith("there are 2: without other machines in the cluster they wait for ever")
    told = checked("train.ray_num_workers=2", "train.ray_init_kwargs={num_cpus: 20}")
    assert not any("CPUs each" in what for what in warnings(told))
