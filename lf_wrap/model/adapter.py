"""What an adapter adds to each weight of its base, from its file alone: LoRA's `W + s·B·A`.

The scale is `s = alpha / r`, or `alpha / √r` for rank-stabilised LoRA (https://arxiv.org/abs/2312.03732).
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.model.weights import FETCH_AGAIN, Weights

if TYPE_CHECKING:
    import torch

CONFIG = "adapter_config.json"
PREFIX = "base_model.model."  # PEFT's wrapper around every name
LORA_A = re.compile(r"\.lora_(?:A|embedding_A)(?:\.weight)?$")
EMBEDDING = re.compile(r"(?:embed_tokens|wte|word_embeddings|lm_head|embed_in)\.weight$")
LORA = re.compile(r"\.lora_|\.oft_")


@dataclass(frozen=True)
class Adapter:
    """An adapter folder as PEFT writes it."""

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """Its `adapter_config.json`.

        Raises:
            UserError: it is missing or no JSON object.
        """
        file = self.folder / CONFIG
        if not file.is_file():
            raise UserError(
                f"{shown(self.folder)} is no adapter: it has no {CONFIG}",
                fix="name the folder that training wrote; while it trains, wait for a checkpoint",
            )
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{shown(file)} is not JSON: {error}", fix=FETCH_AGAIN) from None
        if not isinstance(config, dict):
            raise UserError(f"{shown(file)} is not a JSON object", fix=FETCH_AGAIN)
        return config

    @cached_property
    def weights(self) -> Weights:
        return Weights(self.folder, "adapter_model")

    @property
    def is_plain_lora(self) -> bool:
        """Whether `delta` says all it does: not for DoRA, OFT and others, nor where the base itself was changed."""
        initialised = self.config.get("init_lora_weights", True)
        return (
            self.config.get("peft_type") == "LORA"
            and not self.config.get("use_dora")
            and not (isinstance(initialised, str) and initialised.lower().startswith(("pissa", "olora", "corda")))
        )

    @cached_property
    def touched(self) -> dict[str, str]:
        """Each weight of the base that LoRA adds to, with the key of its A matrix."""
        found = {}
        for key in self.weights.tensors:
            if LORA_A.search(key):
                found[LORA_A.sub("", key).removeprefix(PREFIX) + ".weight"] = key
        return found

    @cached_property
    def replaced(self) -> dict[str, str]:
        """Each weight that was trained whole beside LoRA (`additional_target`), with its key."""
        return {key.removeprefix(PREFIX): key for key in self.weights.tensors if not LORA.search(key)}

    @property
    def vocabulary(self) -> int | None:
        """Rows of the embedding it was trained with, where that was trained too and may have grown."""
        rows = [self.weights.tensors[key].shape[0] for name, key in self.replaced.items() if EMBEDDING.search(name)]
        return max(rows, default=None)

    def scale(self, name: str) -> float:
        """The factor on B·A for the weight called `name`."""
        module = name.removesuffix(".weight")
        rank = _for(module, self.config.get("rank_pattern"), self.config.get("r", 8))
        alpha = _for(module, self.config.get("alpha_pattern"), self.config.get("lora_alpha", 8))
        return float(alpha / (math.sqrt(rank) if self.config.get("use_rslora") else rank))

    def shape(self, name: str) -> tuple[int, int]:
        """The shape (out, in) of the weight that this adapter was made for."""
        key = self.touched[name]
        down, up = self.weights.tensors[key].shape, self.weights.tensors[_up(key)].shape
        made_for = (down[1], up[0]) if "lora_embedding" in key else (up[0], down[1])
        return made_for[::-1] if self.config.get("fan_in_fan_out") else made_for

    def delta(self, name: str) -> torch.Tensor:
        """What is added to the weight called `name`: float32, in the weight's shape."""
        key = self.touched[name]
        added = self.weights[_up(key)].float() @ self.weights[key].float() * self.scale(name)
        return added.T if "lora_embedding" in key or self.config.get("fan_in_fan_out") else added


def is_adapter(folder: Path) -> bool:
    return (folder / CONFIG).is_file()


def _up(key: str) -> str:
    return key.replace("lora_A", "lora_B").replace("lora_embedding_A", "lora_embedding_B")


def _for(module: str, patterns: dict[str, float] | None, otherwise: float) -> float:
    """The value of the pattern that the module's name ends with, as PEFT matches them."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return otherwise
