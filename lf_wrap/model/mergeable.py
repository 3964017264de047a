"""What would spoil a merge, found before it begins: from headers, configs and the adapter's few megabytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.model.adapter import Adapter, is_adapter
from lf_wrap.model.weights import BYTES, FETCH_AGAIN, Weights

ROOM_BESIDE = 64 << 20  # tokenizer, configs, and what a file system takes for itself


def require_mergeable(base: Path, trained: Path, target: Path, dtype: str | None = None) -> None:
    """Refuses what cannot become a sound export: of the adapter `trained` into `base`, or of the model `trained`.

    Raises:
        UserError: a quantized base, files that are not whole, an adapter for another base, a tokenizer with more
            tokens than the model has embeddings, NaN in trained weights, or too little space where `target` will be.
    """
    if not is_adapter(trained) and not (trained / "config.json").is_file():
        raise UserError(
            f"{shown(trained)} is neither an adapter nor a model: it has no adapter_config.json and no config.json",
            fix="training was cut off before it saved: go on with it, or take a whole checkpoint",
        )
    origin = base if is_adapter(trained) else trained
    weights = Weights(origin)
    require_not_quantized(origin)
    if weights.in_pickles:
        if is_adapter(trained):
            _require_finite(Adapter(trained).weights)
        return
    require_space(target, weights.numbers * BYTES.get(dtype or weights.dtype, 4))
    if is_adapter(trained):
        adapter = Adapter(trained)
        require_made_for(adapter, weights, base)
        _require_embeddings(trained, adapter.vocabulary or _embedding_rows(weights))
        _require_finite(adapter.weights)
    else:
        _require_embeddings(trained, _embedding_rows(weights))
        _require_finite(weights)


def require_not_quantized(model: Path) -> None:
    """Refuses a model whose weights are quantized: merging into those rounds them once more, and answers change.

    Raises:
        UserError: its config has a `quantization_config`.
    """
    quantized = config_of(model).get("quantization_config")
    if quantized:
        method = quantized.get("quant_method", "quantized") if isinstance(quantized, dict) else "quantized"
        raise UserError(
            f"{shown(model)} is a quantized model ({method}): an adapter is not merged into that",
            where="quantization_config in its config.json",
            fix="name the 16-bit model it was made from as `model:`; the adapter fits that too",
        )


def require_space(target: Path, needed: int) -> None:
    """Refuses to begin writing `needed` bytes to `target` where they do not fit.

    Raises:
        UserError: less than that is free.
    """
    folder = next(folder for folder in (target, *target.absolute().parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    if free < needed + ROOM_BESIDE:
        raise UserError(
            f"the export takes about {_bytes(needed + ROOM_BESIDE)}, and {_bytes(free)} are free",
            where=shown(folder),
            fix="make room, or work on another disk: --run-dir",
        )


def config_of(model: Path) -> dict[str, Any]:
    """The model's `config.json`.

    Raises:
        UserError: it is missing or no JSON object.
    """
    file = model / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{shown(model)} is not a model folder: it has no config.json", fix=FETCH_AGAIN) from None
    except ValueError as error:
        raise UserError(f"{shown(file)} is not JSON: {error}", fix=FETCH_AGAIN) from None
    if not isinstance(config, dict):
        raise UserError(f"{shown(file)} is not a JSON object", fix=FETCH_AGAIN)
    return config


def dtype_of(model: Path) -> str | None:
    """The dtype that a model's config says its weights have."""
    config = config_of(model)
    return config.get("dtype") or config.get("torch_dtype")


def require_made_for(adapter: Adapter, weights: Weights, base: Path) -> None:
    fix = "give the model it was trained on"
    named = adapter.config.get("base_model_name_or_path")
    if named:
        fix += f": its config names {Path(str(named)).name}"
    for name in adapter.touched:
        if name not in weights.tensors:
            raise UserError(
                f"the adapter in {shown(adapter.folder)} is for another base than {shown(base)}",
                where=f"there is no {name} in that",
                fix=fix,
            )
        made_for, there = adapter.shape(name), weights.tensors[name].shape
        if made_for != there and not (adapter.vocabulary and adapter.vocabulary in made_for):
            raise UserError(
                f"the adapter in {shown(adapter.folder)} is for another base than {shown(base)}",
                where=f"{name} is {_size(there)} in the base, and the adapter fits {_size(made_for)}",
                fix=fix,
            )


def _require_embeddings(trained: Path, rows: int | None) -> None:
    """The tokenizer that training saved may have tokens more than the model has embeddings for."""
    file = trained / "tokenizer.json"
    if rows is None or not file.is_file():
        return
    content = json.loads(file.read_text(encoding="utf-8"))
    ids = [token["id"] for token in content.get("added_tokens", [])]
    vocabulary = content.get("model", {}).get("vocab", {})
    ids += vocabulary.values() if isinstance(vocabulary, dict) else [len(vocabulary) - 1]
    highest = max(ids, default=-1)
    if highest >= rows:
        added = [token["content"] for token in content.get("added_tokens", []) if token["id"] >= rows]
        raise UserError(
            f"the tokenizer has {highest + 1:,} tokens and the model has embeddings for {rows:,}",
            where=f"{shown(file)}: {', '.join(added[:3]) or f'token {highest}'}",
            fix="train with `resize_vocab: true` and `additional_target: embed_tokens,lm_head`, "
            "or without the added tokens",
        )


def _require_finite(weights: Weights) -> None:
    broken = weights.first_not_finite()
    if broken:
        raise UserError(
            f"the trained weights in {shown(weights.folder)} hold NaN or infinity",
            where=broken,
            fix="look for the step in the training log where the loss broke down; "
            "train again with a lower learning_rate, or take a checkpoint from before it",
        )


def _embedding_rows(weights: Weights) -> int | None:
    names = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight")
    return next((tensor.shape[0] for name, tensor in weights.tensors.items() if name.endswith(names)), None)


def _bytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
