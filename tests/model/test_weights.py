"""Weights are looked at without torch, and told as torch tells them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.model.weights import AT_ONCE, Weights


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_nan_and_infinity_are_found_and_the_largest_numbers_are_not(tmp_path: Path, dtype: str) -> None:
    import torch
    from safetensors.torch import save_file

    kind = getattr(torch, dtype)
    largest = torch.finfo(kind).max
    sound = {"whole": torch.arange(5), "a": torch.tensor([0.0, -largest, torch.finfo(kind).tiny], dtype=kind)}
    for last, found in ((largest, None), (float("nan"), "b"), (float("inf"), "b"), (float("-inf"), "b")):
        save_file(sound | {"b": torch.tensor([1.0, last], dtype=kind)}, tmp_path / "model.safetensors")
        assert Weights(tmp_path).first_not_finite() == found


def test_a_tensor_that_is_read_in_parts_is_read_to_its_end(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    long = torch.ones(AT_ONCE + 2, dtype=torch.float16)
    long[-1] = float("nan")
    save_file({"long": long}, tmp_path / "model.safetensors")
    assert Weights(tmp_path).first_not_finite() == "long"
