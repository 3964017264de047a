"""Forms with fewer bits that Transformers and vLLM load: bitsandbytes (no calibration) and GPTQ (with)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.errors import UserError
from lf_wrap.files import usable, write_text
from lf_wrap.model.forms.form import Figures, Tuned, agreed, copy_tokenizer, require_packages
from lf_wrap.model.mergeable import require_space
from lf_wrap.model.parity.logits import Place, load, logit_parity, place_for
from lf_wrap.model.weights import Weights

# In standard deviations of the logits: with so few bits greedy tokens may be others, and only a broken file is caught.
LARGEST = {8: 2.0, 4: 8.0}


def require_bitsandbytes(bits: int, _: Path, __: Path) -> None:
    """Refuses where bitsandbytes is not installed.

    Raises:
        UserError: naming the command that installs it.
    """
    require_packages(f"--form bnb-{bits}bit", "bitsandbytes")


def require_gptq(bits: int, _: Path, __: Path) -> None:
    """Refuses where GPTQ cannot run.

    Raises:
        UserError: optimum or gptqmodel is not installed, or there is no GPU.
    """
    import torch

    require_packages(f"--form gptq-{bits}bit", "optimum", "gptqmodel")
    if not torch.cuda.is_available():
        raise UserError(f"--form gptq-{bits}bit needs a CUDA GPU", fix="take --form gguf-q8_0 or bnb-4bit here")


def bitsandbytes(bits: int, tuned: Tuned, folder: Path) -> Figures:
    """The merged model quantized to `bits` (NF4 or LLM.int8) and saved so that `from_pretrained(folder)` loads it.

    Raises:
        UserError: there is no memory for the model.
        ChildFailed: loaded back, it answers otherwise than its rounding explains.
    """
    place = _place(tuned)
    require_space(folder, Weights(tuned.model).numbers * bits // 8)
    tuned.say(f"quantizing to {bits} bits")
    model = load(tuned.model, place, quantization_config=bitsandbytes_config(bits, place))
    model.save_pretrained(folder)
    del model
    copy_tokenizer(tuned.model, folder)
    return _loaded_back(f"bnb-{bits}bit", bits, tuned, folder, place)


def bitsandbytes_config(bits: int, place: Place) -> Any:
    """Transformers' config for loading with `bits`: 4 is NF4 with float `place.dtype` arithmetic, as QLoRA's paper."""
    import torch
    from transformers import BitsAndBytesConfig

    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=getattr(torch, place.dtype)
    )


def gptq(bits: int, tuned: Tuned, folder: Path) -> Figures:
    """GPTQ through LLaMA-Factory's own export, calibrated on the run's rows as training rendered them.

    Raises:
        ChildFailed: LLaMA-Factory failed, or the result answers otherwise than its rounding explains.
    """
    rows = folder / ".calibration.jsonl"
    texts = [tuned.template.tokenizer.decode(prompt) for prompt in tuned.prompts()]
    longest = min(len(prompt) for prompt in tuned.prompts()) - 1  # it takes only rows longer than its `maxlen`
    write_text(rows, "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts))
    arguments = {
        "model_name_or_path": usable(tuned.model),
        "finetuning_type": "full",
        **{key: value for key, value in tuned.arguments.items() if key in ("template", "default_system")},
        "export_dir": usable(folder),
        "export_quantization_bit": bits,
        "export_quantization_dataset": usable(rows),
        "export_quantization_maxlen": longest,
    }
    config = folder / ".export.yaml"
    write_text(config, yaml.safe_dump(arguments, allow_unicode=True))
    tuned.say(f"quantizing to {bits} bits")
    tuned.llamafactory(["export", usable(config)])
    rows.unlink()
    config.unlink()
    return _loaded_back(f"gptq-{bits}bit", bits, tuned, folder, _place(tuned))


def _loaded_back(form: str, bits: int, tuned: Tuned, folder: Path, place: Place) -> Figures:
    tuned.say(f"loading {form} back")
    parity = logit_parity(partial(load, tuned.model, place), partial(load, folder, place), tuned.prompts())
    size = sum(file.stat().st_size for file in folder.iterdir())
    return {"bytes": size, **agreed(form, parity, LARGEST[bits], greedy=False)}


def _place(tuned: Tuned) -> Place:
    place = place_for(Weights(tuned.model))
    if place is None:
        raise UserError("there is no memory to load the merged model for quantizing", fix="take --form gguf-q8_0")
    return place
