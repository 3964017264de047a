"""A model's shape from its config.json: what its memory and its arithmetic depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES = {  # ours: what config.json of the Llama-like families calls it
    "hidden": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "vocabulary": "vocab_size",
}


@dataclass(frozen=True)
class Shape:
    """A decoder of the Llama kind (Llama, Qwen2, Qwen3, Mistral, SmolLM …): gated MLP, grouped key-value heads."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    key_value_heads: int
    head_size: int
    tied: bool
    """Whether the embedding is the output layer too."""

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """One layer's linear modules: inputs and outputs, by their names."""
        queries, keys = self.heads * self.head_size, self.key_value_heads * self.head_size
        return {
            "q_proj": (self.hidden, queries),
            "k_proj": (self.hidden, keys),
            "v_proj": (self.hidden, keys),
            "o_proj": (queries, self.hidden),
            "gate_proj": (self.hidden, self.intermediate),
            "up_proj": (self.hidden, self.intermediate),
            "down_proj": (self.intermediate, self.hidden),
        }

    @property
    def layer(self) -> int:
        """The weights of one layer's linear modules; norms and biases are a thousandth of them."""
        return sum(inputs * outputs for inputs, outputs in self.linears.values())

    @property
    def embedding(self) -> int:
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        return self.layers * self.layer + self.embedding * (1 if self.tied else 2)


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """The shape that `config.json` describes; None where the model is of another kind (mixture of experts, vision)."""
    whole = {ours: config.get(theirs) for ours, theirs in NAMES.items()}
    if any(not isinstance(value, int) for value in whole.values()) or any("expert" in key for key in config):
        return None
    known = {key: int(value or 0) for key, value in whole.items()}
    return Shape(
        **known,
        key_value_heads=int(config.get("num_key_value_heads") or known["heads"]),
        head_size=int(config.get("head_dim") or known["hidden"] // known["heads"]),
        tied=bool(config.get("tie_word_embeddings", True)),
    )
