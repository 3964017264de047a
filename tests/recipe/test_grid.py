"""`--sweep key=value,value`: every combination, as overrides that make its recipe."""

from __future__ import annotations

import pytest

from lf_wrap.errors import UserError
from lf_wrap.recipe import grid, load_recipe, overrides
from tests.conftest import ROOT


def test_every_combination_is_made_and_the_last_key_varies_fastest() -> None:
    points = grid(["train.learning_rate=1e-4,5e-5", "train.lora_rank=8,16"])
    assert [list(point.values()) for point in points] == [["1e-4", 8], ["1e-4", 16], ["5e-5", 8], ["5e-5", 16]]


def test_a_points_overrides_make_its_recipe() -> None:
    (point,) = grid(["train.learning_rate=5e-5", "data.train=[demo_norm, demo_dialogue]", "train.run_name='a,b'"])
    recipe = load_recipe(ROOT / "recipes/demo.yaml", overrides(point))
    assert recipe.train["learning_rate"] == 5e-5
    assert recipe.data.train == ["demo_norm", "demo_dialogue"]
    assert recipe.train["run_name"] == "a,b"


@pytest.mark.parametrize("wishes", [["train.lora_rank"], ["=8"], ["train.lora_rank="], ["a=[1"], ["a=1", "a=2"]])
def test_what_is_no_wish_is_refused(wishes: list[str]) -> None:
    with pytest.raises(UserError) as error:
        grid(wishes)
    assert error.value.fix
