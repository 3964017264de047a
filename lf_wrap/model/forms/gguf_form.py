"""GGUF with a Modelfile for Ollama beside it, loaded back with Transformers and held against the merged model."""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from pathlib import Path

from lf_wrap.errors import ChildFailed, UserError
from lf_wrap.files import write_text
from lf_wrap.model.forms.form import Figures, Tuned, agreed
from lf_wrap.model.forms.gguf_file import require_writable, write_gguf
from lf_wrap.model.mergeable import require_space
from lf_wrap.model.parity.logits import load, logit_parity, place_for
from lf_wrap.model.parity.template import rendered
from lf_wrap.model.serving import MODELFILE, context_length, modelfile
from lf_wrap.model.weights import Weights

BYTES_A_WEIGHT = {"f16": 2.0, "q8_0": 34 / 32, "q4_k_m": 0.61}
# In standard deviations of the logits: float16 rounds a weight by 2^-12 of itself, q8_0 by up to 1/254 of the largest
# in its block of 32, sixteen times as much; q4_k_m far more, so that only a broken file is caught.
LARGEST = {"f16": 0.05, "q8_0": 0.75, "q4_k_m": 8.0}


def require_gguf(outtype: str, model: Path, _: Path) -> None:
    """Refuses where the form cannot be made of `model`, or of another model with its config and tokenizer.

    Raises:
        UserError: the model is of a kind that is not written here, or `llama-quantize` is needed and not there.
    """
    require_writable(model)
    if outtype == "q4_k_m":
        _llama_quantize()


def gguf(outtype: str, tuned: Tuned, folder: Path) -> Figures:
    """Writes `model-<outtype>.gguf` and its Modelfile to `folder` and compares it with the merged model.

    Raises:
        UserError: the model is of a kind that is not written here, or `llama-quantize` is needed and not there.
        ChildFailed: `llama-quantize` failed, or the file answers otherwise than the merged model.
    """
    quantizer = _llama_quantize() if outtype == "q4_k_m" else None
    weights = Weights(tuned.model)
    require_space(folder, int(weights.numbers * (BYTES_A_WEIGHT[outtype] + (2 if quantizer else 0))))
    file = folder / f"model-{outtype}.gguf"
    tuned.say(f"writing {file.name}")
    if quantizer:
        _quantized(quantizer, tuned.model, file)
    else:
        write_gguf(tuned.model, file, outtype)
    shutil.copyfile(tuned.model / "config.json", folder / "config.json")  # Transformers reads it first
    text = modelfile(tuned.template, f"./{file.name}", context_length(tuned.model, tuned.arguments))
    write_text(folder / MODELFILE, text)
    figures = _loaded_back(outtype, tuned, folder, file.name)
    (folder / "config.json").unlink()
    return {"file": file.name, "bytes": file.stat().st_size, **figures}


def _loaded_back(outtype: str, tuned: Tuned, folder: Path, file: str) -> Figures:
    place = place_for(Weights(tuned.model))
    if place is None:
        return {"max_abs_logit_diff": None, "note": "no memory to load it back: not compared"}
    tuned.say(f"loading {file} back, in {place}")
    parity = logit_parity(
        partial(load, tuned.model, place), partial(load, folder, place, gguf_file=file), tuned.prompts()
    )
    figures = agreed(file, parity, LARGEST[outtype], greedy=outtype == "f16")
    return {**figures, "template_tokens_equal": _same_tokens(tuned, folder, file)}


def _same_tokens(tuned: Tuned, folder: Path, file: str) -> bool | None:
    """Whether the tokenizer that Transformers makes of the file renders as training did; None where it makes none.

    It cuts text in its own way for some architectures, where llama.cpp goes by the file: False need not be a fault.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    except (AttributeError, TypeError, ValueError):  # it takes a BOS token for granted
        return None
    return all(rendered(tokenizer, one) == tuned.template.prompt(one) for one in tuned.asked)


def _llama_quantize() -> str:
    found = shutil.which("llama-quantize")
    if found is None:
        raise UserError(
            "--form gguf-q4_k_m needs llama.cpp's llama-quantize, which is not on PATH",
            fix="install llama.cpp (brew install llama.cpp; or its releases on GitHub), or take --form gguf-q8_0",
        )
    return found


def _quantized(quantizer: str, model: Path, file: Path) -> None:
    full = file.with_name(".f16.gguf")
    write_gguf(model, full, "f16")
    done = subprocess.run([quantizer, str(full), str(file), "Q4_K_M"], capture_output=True, text=True, check=False)
    full.unlink()
    if done.returncode != 0 or not file.is_file():
        told = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ChildFailed(f"llama-quantize failed (exit {done.returncode}): {told}", fix="try --form gguf-q8_0")
