"""The exported model's behaviour against the tuned model's: logits and greedy tokens on the same prompts.

The reference (base and adapter, loaded with PEFT and not merged) answers greedily; both models then read the same
prompts and answers, and their logits over the answers are compared. One model is in memory at a time.
"""

from __future__ import annotations

import gc
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lf_wrap.model.adapter import Adapter
from lf_wrap.model.mergeable import config_of
from lf_wrap.model.weights import BYTES, Weights

if TYPE_CHECKING:
    import torch

NEW_TOKENS = 24
LONGEST_PROMPT = 1024  # tokens; of longer prompts their end
HEADROOM = 1.25  # activations and what loading takes beside the weights


@dataclass(frozen=True)
class Place:
    """Where the comparison runs, and in which dtype."""

    device: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype} on the {'GPU' if self.device == 'cuda' else 'CPU'}"


@dataclass(frozen=True)
class LogitParity:
    """How far two models' logits lie apart, over `tokens` positions of the vocabulary's size each."""

    prompts: int
    tokens: int
    max_abs_diff: float
    mean_abs_diff: float
    spread: float
    """The standard deviation of the reference's logits: what a difference is large or small against."""
    same_greedy: bool
    near_tie: bool
    """Whether greedy tokens differ only where the reference's two best are closer than the logits' difference."""
    finite: bool
    tuning: float | None = None
    """The mean absolute difference that the adapter makes to the base's logits; None without an adapter."""


def place_for(weights: Weights, device: str | None = None, headroom: float = HEADROOM) -> Place | None:
    """The device and dtype with room for `headroom` times a model: float32 where it fits, so that rounding is the
    files' alone. None when it fits nowhere.
    """
    import psutil
    import torch

    rooms = {"cpu": int(psutil.virtual_memory().available)}
    if torch.cuda.is_available():
        rooms = {"cuda": int(torch.cuda.mem_get_info()[0]), **rooms}
    for dtype in dict.fromkeys(("float32", weights.dtype)):
        for name, room in rooms.items():
            if device in (None, name) and weights.numbers * BYTES.get(dtype, 4) * headroom < room:
                return Place(name, dtype)
    return None


@dataclass(frozen=True)
class Reference:
    """What the tuned model answers greedily, in token ids, and its logits [answer, vocabulary] over each answer."""

    asked: list[list[int]]
    answered: list[list[int]]
    """The prompts with their answers."""
    logits: list[torch.Tensor]
    tuning: float | None
    """As in `LogitParity`."""


def logit_parity(
    reference: Callable[[], Any],
    exported: Callable[[], Any],
    prompts: Sequence[Sequence[int]],
) -> LogitParity:
    """Compares two models over greedy answers of the reference to `prompts` (token ids).

    Both are callables that load a model, so that the first is gone before the second comes.
    """
    return parity_with(reference_of(reference, prompts), exported)


def reference_of(load_model: Callable[[], Any], prompts: Sequence[Sequence[int]]) -> Reference:
    """What the model that is loaded answers to `prompts` (token ids); it is gone afterwards."""
    gc.freeze()  # what was imported need not be gone through again when a model is to go
    asked = shortened(prompts)
    model = load_model()
    answered = [_answered(model, prompt) for prompt in asked]
    wanted = [_logits(model, ids, len(prompt)) for ids, prompt in zip(answered, asked, strict=True)]
    tuning = None
    if hasattr(model, "disable_adapter"):
        with model.disable_adapter():
            plain = [_logits(model, ids, len(prompt)) for ids, prompt in zip(answered, asked, strict=True)]
        tuning = _mean([(one - other).abs() for one, other in zip(wanted, plain, strict=True)])
    del model
    _free_memory()
    return Reference(asked, answered, wanted, tuning)


def shortened(prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """The prompts as they are asked: of long ones the end."""
    return [list(prompt[-LONGEST_PROMPT:]) for prompt in prompts]


def parity_with(reference: Reference, exported: Callable[[], Any]) -> LogitParity:
    """How far the exported model, which the callable loads, is from the reference."""
    model = exported()
    pairs = zip(reference.answered, reference.asked, strict=True)
    got = [_logits(model, ids, len(prompt)) for ids, prompt in pairs]
    del model
    _free_memory()
    return _compared(reference.logits, got, reference.tuning)


def _compared(wanted: list[torch.Tensor], got: list[torch.Tensor], tuning: float | None) -> LogitParity:
    width = min(wanted[0].shape[-1], got[0].shape[-1])  # an embedding may be padded
    pairs = [(one[:, :width], other[:, :width]) for one, other in zip(wanted, got, strict=True)]
    differences = [(one - other).abs() for one, other in pairs]
    largest = max(float(difference.max()) for difference in differences)
    gaps = [gap for one, other in pairs for gap in _gaps(one, other)]
    return LogitParity(
        prompts=len(pairs),
        tokens=sum(len(one) for one, _ in pairs),
        max_abs_diff=largest,
        mean_abs_diff=_mean(differences),
        spread=float(sum(float(one.std()) for one, _ in pairs) / len(pairs)),
        same_greedy=not gaps,
        near_tie=bool(gaps) and max(gaps) <= 2 * largest,
        finite=all(bool(other.isfinite().all()) for _, other in pairs),
        tuning=tuning,
    )


def _gaps(wanted: torch.Tensor, got: torch.Tensor) -> Iterator[float]:
    """Where the greedy tokens differ: how much more the reference thinks of its own than of the other's."""
    for one, other in zip(wanted, got, strict=True):
        best, others = int(one.argmax()), int(other.argmax())
        if best != others:
            yield float(one[best] - one[others])


def _answered(model: Any, prompt: list[int]) -> list[int]:
    """The prompt and the model's greedy answer."""
    import torch

    ids = torch.tensor([prompt], device=model.device)
    with torch.inference_mode():
        output = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,
            pad_token_id=0,
        )
    return [int(token) for token in output[0]]


def _logits(model: Any, ids: list[int], prompt: int) -> torch.Tensor:
    """The float32 logits [answer, vocabulary] that chose each token after the first `prompt` ones."""
    import torch

    answer = len(ids) - prompt
    with torch.inference_mode():
        output = model(input_ids=torch.tensor([ids], device=model.device), logits_to_keep=answer + 1)
    logits: torch.Tensor = output.logits[0, -(answer + 1) : -1].float().cpu()
    return logits


def _mean(differences: list[torch.Tensor]) -> float:
    return sum(float(one.sum()) for one in differences) / sum(int(one.numel()) for one in differences)


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def load(folder: Path, place: Place, adapter: Adapter | None = None, **more: Any) -> Any:
    """The model in `folder`, with `adapter` on it through PEFT (not merged) when one is given.

    `more` goes to Transformers' `from_pretrained`.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()
    set_verbosity_error()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of every layer that it rounds its input
    quantized = bool(more.get("quantization_config") or config_of(folder).get("quantization_config"))
    if quantized:  # such a model is put where it belongs while it is loaded, and cannot be moved
        more["device_map"] = {"": place.device}
    # Reading GGUF has a progress bar that no setting of transformers turns off.
    with redirect_stderr(io.StringIO()) if "gguf_file" in more else nullcontext():
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, place.dtype), **more)
    if adapter is not None:
        from peft import PeftModel

        if adapter.vocabulary and adapter.vocabulary > model.get_input_embeddings().weight.shape[0]:
            model.resize_token_embeddings(adapter.vocabulary)
        model = PeftModel.from_pretrained(model, str(adapter.folder))
    return (model if quantized else model.to(place.device)).eval()
