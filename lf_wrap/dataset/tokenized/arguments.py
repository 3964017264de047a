"""The train arguments that decide how rows become tokens, and those with which we leave it to LLaMA-Factory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lf_wrap.dataset.tokenized.cut import Masking

# What decides how the tokenizer is loaded and what the template is made of; `ask` passes these on to LLaMA-Factory.
TOKENIZER_KEYS = (
    "model_name_or_path",
    "model_revision",
    "cache_dir",
    "trust_remote_code",
    "use_fast_tokenizer",
    "split_special_tokens",
    "add_tokens",
    "add_special_tokens",
    "new_special_tokens_config",
    "resize_vocab",
    "template",
    "tool_format",
    "default_system",
    "enable_thinking",
    "preserve_thinking",
    "train_on_prompt",
)


class NotRepeated(Exception):
    """The data or an argument asks for something that only LLaMA-Factory's own preprocessing does; says what."""


@dataclass(frozen=True)
class Arguments:
    """LLaMA-Factory's arguments of the same names, with its defaults."""

    stage: str
    dataset: tuple[str, ...]
    eval_dataset: tuple[str, ...]
    dataset_dir: Path
    masking: Masking
    packing: bool
    neat_packing: bool
    val_size: float
    max_samples: int | None
    eval_on_each_dataset: bool
    preprocessing_batch_size: int
    preprocessing_num_workers: int
    seed: int


def arguments_of(settings: Mapping[str, Any]) -> Arguments:
    """The arguments in `settings`, read as LLaMA-Factory (0.9.5, `hparams/data_args.py`) reads them.

    Raises:
        NotRepeated: one of them is outside what we repeat.
    """
    said = {key: value for key, value in settings.items() if value is not None}
    stage, neat = str(said.get("stage", "sft")), bool(said.get("neat_packing"))
    packing = said.get("packing", True if neat else None)
    packs = bool(packing) or neat
    arguments = Arguments(
        stage=stage,
        dataset=_names(said.get("dataset")),
        eval_dataset=_names(said.get("eval_dataset")),
        dataset_dir=Path(str(said.get("dataset_dir", "data"))),
        masking=Masking(
            cutoff_len=int(said.get("cutoff_len", 2048)) - packs,
            train_on_prompt=bool(said.get("train_on_prompt")),
            mask_history=bool(said.get("mask_history")),
        ),
        packing=packs or (stage == "pt" and packing is None),
        neat_packing=neat,
        val_size=float(said.get("val_size", 0)),
        max_samples=said.get("max_samples"),
        eval_on_each_dataset=bool(said.get("eval_on_each_dataset")),
        preprocessing_batch_size=int(said.get("preprocessing_batch_size", 1000)),
        preprocessing_num_workers=int(said.get("preprocessing_num_workers", 1)),
        seed=int(said.get("seed", 42)),
    )
    _refuse_unusual(arguments, said)
    return arguments


def _refuse_unusual(arguments: Arguments, said: Mapping[str, Any]) -> None:
    if arguments.stage not in ("sft", "pt"):
        raise NotRepeated(f"stage {arguments.stage}")
    if said.get("streaming"):
        raise NotRepeated("streaming")
    if said.get("mix_strategy", "concat") != "concat":
        raise NotRepeated(f"mix_strategy {said['mix_strategy']}")
    if said.get("predict_with_generate"):
        raise NotRepeated("predict_with_generate")
    if not arguments.dataset:
        raise NotRepeated("no dataset")
    if arguments.val_size and arguments.eval_dataset:
        raise NotRepeated("val_size together with eval_dataset")
    if arguments.preprocessing_batch_size < 1 or arguments.preprocessing_num_workers < 1:
        raise NotRepeated("preprocessing in batches or workers of less than one")


def _names(said: Any) -> tuple[str, ...]:
    names = said if isinstance(said, list) else str(said or "").split(",")
    return tuple(name for one in names if (name := str(one).strip()))
