"""The forms that servers take a tuned model in, by the names of `lfw export --form`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lf_wrap.model.forms.adapter_form import adapter_only, require_adapter
from lf_wrap.model.forms.form import Figures, Tuned, appearing
from lf_wrap.model.forms.gguf_form import gguf, require_gguf
from lf_wrap.model.forms.quantized_forms import bitsandbytes, gptq, require_bitsandbytes, require_gptq

MERGED = "merged"  # what every run exports; all other forms are made from it


@dataclass(frozen=True)
class Form:
    """`require` refuses, by a model's config and tokenizer and what was trained, what `make` could not make."""

    make: Callable[[Tuned, Path], Figures]
    require: Callable[[Path, Path], None]


FORMS = {
    "adapter": Form(adapter_only, require_adapter),
    **{f"gguf-{kind}": Form(partial(gguf, kind), partial(require_gguf, kind)) for kind in ("f16", "q8_0", "q4_k_m")},
    **{f"bnb-{b}bit": Form(partial(bitsandbytes, b), partial(require_bitsandbytes, b)) for b in (8, 4)},
    **{f"gptq-{b}bit": Form(partial(gptq, b), partial(require_gptq, b)) for b in (8, 4)},
}


def require_form(form: str, base: Path, trained: Path) -> None:
    """Refuses, before hours are spent on a merge, a form that cannot be made of `base` tuned to `trained` here.

    Raises:
        UserError: saying what is missing.
    """
    FORMS[form].require(base, trained)


def make_form(form: str, tuned: Tuned, target: Path) -> Figures:
    """Makes `form` of the tuned model in folder `target`, which appears when it is whole and compared."""
    require_form(form, tuned.model, tuned.trained)
    with appearing(target) as part:
        return FORMS[form].make(tuned, part)


__all__ = ["FORMS", "MERGED", "Figures", "Form", "Tuned", "appearing", "make_form", "require_form"]
