"""What an option needs is asked for before it is started."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.recipe.checks.conftest import Checked, errors


@pytest.mark.skipif(find_spec("ray") is not None, reason="ray is installed here")
@pytest.mark.parametrize("asked", ["train.ray_num_workers=2", "environment.USE_RAY=1"])
def test_ray_is_asked_for_with_its_dashboard(checked: Checked, asked: str) -> None:
    problem = next(one for one in checked(asked) if one.level == "error")
    assert problem.what.startswith("Ray's processes need ray with its dashboard")
    assert "pip install 'ray[default]'" in problem.fix
    assert not errors(checked())
