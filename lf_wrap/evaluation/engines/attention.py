"""Grouped-query attention without copies, for the steps of decoding on a CPU.

Where several query heads share a key head, transformers first repeats every key and value for each of them, at every
step and in every layer: for SmolLM2-135M (nine heads on three) a seventh of the time. With one new token a row, the
query heads of a group can stand side by side as if they were several tokens of one head. The numbers are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAME = "lfw_grouped"


@contextmanager
def grouped_attention(model: Any) -> Iterator[None]:
    """Inside, `model` attends so where it stands on a CPU and would use transformers' `sdpa`; else nothing changes."""
    usual = model.config._attn_implementation
    if usual != "sdpa" or model.device.type != "cpu":
        yield
        return
    _register()
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(usual)


def _register() -> None:
    from torch.nn.functional import scaled_dot_product_attention
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    def attend(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **how: Any) -> tuple[Any, None]:
        """`query` is (rows, heads, tokens, size), `key` and `value` (rows, key heads, tokens so far, size)."""
        rows, heads, tokens, size = query.shape
        key_heads = key.shape[1]
        if tokens > 1 or attention_mask is None or key_heads == heads:
            usual: tuple[Any, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **how)
            return usual
        side_by_side = query.reshape(rows, key_heads, heads // key_heads, size)
        found = scaled_dot_product_attention(
            side_by_side, key, value, attn_mask=attention_mask, scale=how.get("scaling")
        )
        return found.reshape(rows, 1, heads, size), None

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
