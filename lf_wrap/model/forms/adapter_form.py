"""The adapter alone: what PEFT, vLLM and LLaMA-Factory load beside the base."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.files import shown, write_text
from lf_wrap.model.adapter import CONFIG, Adapter, is_adapter
from lf_wrap.model.forms.form import Figures, Tuned, copy_tokenizer
from lf_wrap.model.weights import Weights


def require_adapter(_: Path, trained: Path) -> None:
    """Refuses a model that was tuned whole.

    Raises:
        UserError: `trained` is no adapter.
    """
    if not is_adapter(trained):
        raise UserError(
            f"{shown(trained)} is no adapter: the whole model was tuned", fix="take --form merged or a gguf form"
        )


def adapter_only(tuned: Tuned, folder: Path) -> Figures:
    """Copies the adapter and its tokenizer, without checkpoints, logs and the base's path on this machine."""
    adapter = Adapter(tuned.trained)
    for file in {tensor.file for tensor in adapter.weights.tensors.values()}:
        shutil.copyfile(file, folder / file.name)
    copy_tokenizer(tuned.model, folder)
    named = str(adapter.config.get("base_model_name_or_path") or "")
    config = adapter.config | {"base_model_name_or_path": Path(named).name if Path(named).is_dir() else named}
    write_text(folder / CONFIG, json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    return {"tensors": len(Weights(folder, "adapter_model").tensors), "bytes": size}
