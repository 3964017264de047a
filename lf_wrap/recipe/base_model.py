"""The base model that a recipe names, as far as its folder tells without loading it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.files import content_hash, shown
from lf_wrap.recipe.shape import Shape, shape_of

WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.gguf")
# The tokenizer belongs to it: its chat template is what a recipe without `template` trains with.
DEFINING = ("config.json", "tokenizer*", "chat_template*", *WEIGHTS)
DTYPES = ("float32", "bfloat16", "float16")
END_BYTES = 64 << 10


@dataclass(frozen=True)
class BaseModel:
    """A local folder, or the id of a model on a hub."""

    name: str
    folder: Path | None
    max_positions: int | None
    """The longest sequence the model was made for, where its config says."""
    dtype: str | None = None
    """The dtype its config says its weights have: float32, bfloat16 or float16."""
    shape: Shape | None = None
    """None for a model on a hub, and for kinds whose memory is not estimated."""
    sliding_window: int | None = None
    """How far back some of its layers look; None where all look at everything."""

    @property
    def tokenizer_json(self) -> Path | None:
        file = self.folder / "tokenizer.json" if self.folder else None
        return file if file and file.is_file() else None

    def identity(self) -> str:
        """What tells this model from another, wherever its folder lies: its id, or the ends of its files."""
        if not self.folder:
            return self.name
        files = sorted(file for pattern in DEFINING for file in self.folder.glob(pattern) if file.is_file())
        return "; ".join(f"{file.name} {file.stat().st_size} {_hash_of_ends(file)}" for file in files)

    def tokenizer_identity(self) -> str:
        """What tells its tokenizer from another: the model's id, or the content of all its files but the weights."""
        if not self.folder:
            return self.name
        weights = {file for pattern in WEIGHTS for file in self.folder.glob(pattern)}
        files = sorted(file for file in self.folder.glob("*") if file.is_file() and file not in weights)
        return "; ".join(f"{file.name} {content_hash(file)}" for file in files)


def base_model(name: str) -> BaseModel:
    """The model called `name`: a folder when there is one of that name (or it is written as a path), else a hub id.

    Raises:
        UserError: it is a path without a model in it.
    """
    path = Path(name).expanduser()
    if not path.exists():
        if name.startswith(("/", ".", "~")) or name.count("/") != 1:
            raise UserError(
                f"the model folder {shown(path)} does not exist",
                fix="check `model:`, or give a hub id like Qwen/Qwen2.5-0.5B-Instruct",
            )
        return BaseModel(name, None, None)
    config = path / "config.json"
    if not config.is_file():
        raise UserError(
            f"{shown(path)} is not a model folder: it has no config.json",
            fix="name the folder that holds config.json and the weights",
        )
    if not any(next(path.glob(pattern), None) for pattern in WEIGHTS):
        raise UserError(
            f"{shown(path)} holds no weights",
            where="no *.safetensors or pytorch_model*.bin",
            fix="fetch the model again",
        )
    try:
        settings = json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{shown(config)} is not JSON: {error}", fix="fetch the model again") from None
    if not isinstance(settings, dict):
        raise UserError(f"{shown(config)} is not a JSON object", fix="fetch the model again")
    dtype = settings.get("dtype") or settings.get("torch_dtype")  # transformers 5's word, and its elder
    return BaseModel(
        name,
        path,
        settings.get("max_position_embeddings"),
        dtype if dtype in DTYPES else None,
        shape_of(settings),
        _sliding_window(settings),
    )


def _sliding_window(settings: dict[str, Any]) -> int | None:
    """Qwen's configs name a window and do not use it; those of models that also see have the text's part apart."""
    text = settings.get("text_config") or settings
    window = text.get("sliding_window")
    return window if isinstance(window, int) and text.get("use_sliding_window", True) else None


def _hash_of_ends(file: Path) -> str:
    """A hash of the first and the last 64 KiB: a model has gigabytes, and training changes them everywhere."""
    with file.open("rb") as handle:
        digest = hashlib.sha256(handle.read(END_BYTES))
        handle.seek(max(0, file.stat().st_size - END_BYTES))
        digest.update(handle.read())
    return digest.hexdigest()
