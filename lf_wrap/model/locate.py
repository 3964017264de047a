"""The folder of a model, fetched from its hub when it is not on this machine yet."""

from __future__ import annotations

import os
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.recipe import base_model


def local_folder(name: str) -> Path:
    """Where the model `name` lies: itself when it is a folder, else the hub's cache, filled if need be.

    ModelScope when `USE_MODELSCOPE_HUB=1`, as in LLaMA-Factory; else Hugging Face.

    Raises:
        UserError: it is no model folder, or the hub does not hand it out.
    """
    model = base_model(name)
    if model.folder:
        return model.folder
    hub = "ModelScope" if os.environ.get("USE_MODELSCOPE_HUB") in {"1", "true"} else "Hugging Face"
    try:
        if hub == "ModelScope":
            from modelscope import snapshot_download as from_modelscope

            return Path(from_modelscope(name))
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(name))
    except Exception as error:  # noqa: BLE001  (each hub's client and its HTTP library raise kinds of their own)
        said = str(error).partition("\n")[0][:200]
        raise UserError(
            f"{name} cannot be had from {hub}: {type(error).__name__}: {said}",
            fix="check the id and the connection, set USE_MODELSCOPE_HUB=1 for ModelScope, or name a local folder",
        ) from None
