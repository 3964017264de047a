"""Weights laid out once as oneDNN reads them, for the steps of decoding on a CPU.

With few rows a matrix product costs little more than reading the weights, and the library that torch asks first lays
them out anew at every call. Laid out once, SmolLM2-135M's products take seven eighths of the time at 16 rows, and half
to two thirds for the output layer (docs/benchmarks.md). The price is a second copy of the weights in memory.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FEW_TOKENS = 128  # with more at once, laying out is a small share and the usual way is as fast or faster
SPARE = 4  # copies of the weights must fit in what memory is free, before one is made


class Packed:
    """A model's linear layers in both layouts. The copy is made when it is first needed."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._weights: list[tuple[Any, Any]] | None = None

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Inside, the linear layers take few tokens by the copy; no change where it is not worth it or has no room."""
        if self._weights is None:
            self._weights = _laid_out(self.model)
        for layer, weight in self._weights:
            layer.forward = _forward(layer, weight)
        try:
            yield
        finally:
            for layer, _ in self._weights:
                del layer.forward


def _laid_out(model: Any) -> list[tuple[Any, Any]]:
    """Of each linear layer in fp32 the layer and its weight as oneDNN wants it."""
    import psutil
    import torch

    if model.device.type != "cpu" or not _has_onednn():
        return []
    layers = [
        layer
        for layer in model.modules()
        if type(layer) is torch.nn.Linear and layer.weight.dtype == torch.float32 and "forward" not in vars(layer)
    ]
    if SPARE * sum(layer.weight.nbytes for layer in layers) > psutil.virtual_memory().available:
        return []
    return [(layer, torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), FEW_TOKENS)) for layer in layers]


def _has_onednn() -> bool:
    """Whether torch has oneDNN and the operators that its own compiler uses, on the processors this was measured on."""
    import torch

    named = all(hasattr(torch.ops.mkldnn, name) for name in ("_reorder_linear_weight", "_linear_pointwise"))
    return named and torch.backends.mkldnn.is_available() and platform.machine() in {"x86_64", "AMD64"}


def _forward(layer: Any, weight: Any) -> Any:
    import torch

    multiplied, usual = torch.ops.mkldnn._linear_pointwise, type(layer).forward

    def forward(given: Any) -> Any:
        if given.numel() > FEW_TOKENS * layer.in_features:
            return usual(layer, given)
        return multiplied(given, weight, layer.bias, "none", [], "")

    return forward
