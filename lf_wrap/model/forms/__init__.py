"""The forms that servers take a tuned model in, by the names of `lfw export --form`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from lf_wrap.model.forms.adapter_form import adapter_only
from lf_wrap.model.forms.form import Figures, Tuned, appearing
from lf_wrap.model.forms.gguf_form import gguf
from lf_wrap.model.forms.quantized_forms import bitsandbytes, gptq

MERGED = "merged"  # what every run exports; all other forms are made from it

FORMS: dict[str, Callable[[Tuned, Path], Figures]] = {
    "adapter": adapter_only,
    "gguf-f16": partial(gguf, "f16"),
    "gguf-q8_0": partial(gguf, "q8_0"),
    "gguf-q4_k_m": partial(gguf, "q4_k_m"),
    "bnb-8bit": partial(bitsandbytes, 8),
    "bnb-4bit": partial(bitsandbytes, 4),
    "gptq-8bit": partial(gptq, 8),
    "gptq-4bit": partial(gptq, 4),
}


def make_form(form: str, tuned: Tuned, target: Path) -> Figures:
    """Makes `form` of the tuned model in folder `target`, which appears when it is whole and compared."""
    with appearing(target) as part:
        return FORMS[form](tuned, part)


__all__ = ["FORMS", "MERGED", "Figures", "Tuned", "appearing", "make_form"]
