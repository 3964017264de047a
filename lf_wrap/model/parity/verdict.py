"""The proof that an exported model is the tuned one, and where it is not, the cause by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lf_wrap.conversation import Conversation
from lf_wrap.model.adapter import Adapter, is_adapter
from lf_wrap.model.parity.logits import LogitParity, Place, load, parity_with, place_for, reference_of
from lf_wrap.model.parity.preparing import Answered
from lf_wrap.model.parity.template import TemplateParity, template_parity
from lf_wrap.model.parity.trained_template import TrainedTemplate
from lf_wrap.model.parity.weights import WeightParity, weight_parity
from lf_wrap.model.weights import Weights

# The largest difference of two logits, in standard deviations of the reference's logits, that is put down to rounding.
# float32 rounds sums of a model's width at about 1e-6 of their size; a weight that is rounded once is off by up to 2^-9
# (bfloat16) or 2^-12 (float16) of itself, and the errors of all layers and the largest of a vocabulary of logits are
# allowed one to two hundred times that. A well-trained adapter moves logits by about one deviation. The tensors are
# the sharper test; these bounds decide alone only where tensors cannot be compared.
LARGEST = {"float32": 1e-3, "float16": 0.05, "bfloat16": 0.25}
HALF = 0.5  # of what the adapter moves the logits by: a merge is nearer to the tuned model than to the base
LITTLE_KEPT = 0.9  # below this share of the adapter's change that survives rounding, people are told


@dataclass(frozen=True)
class Parity:
    """All that was compared. `cause` is empty when the exported model is the tuned one."""

    cause: str
    template: TemplateParity
    weights: WeightParity | None = None
    logits: LogitParity | None = None
    compared_in: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.cause

    def in_words(self) -> str:
        """The figures in a sentence."""
        figures = [f"{self.weights.compared} tensors as they must be"] if self.weights else []
        if self.logits:
            figures.append(f"logits within {self.logits.max_abs_diff:.2g} (spread {self.logits.spread:.2g})")
            figures.append(f"{'same' if self.logits.same_greedy else 'nearly the same'} greedy tokens")
        figures.append(f"template tokens equal on {self.template.prompts} prompts")
        return f"the export is the tuned model: {', '.join(figures)}"

    def to_json(self) -> dict[str, Any]:
        """`parity.json`: the three figures that scripts rely on, then everything they came from."""
        return {
            "ok": self.ok,
            "cause": self.cause or None,
            "max_abs_logit_diff": self.logits.max_abs_diff if self.logits else None,
            "mean_abs_logit_diff": self.logits.mean_abs_diff if self.logits else None,
            "largest_allowed": _allowed(self.logits, self.weights) if self.logits else None,
            "same_greedy": self.logits.same_greedy if self.logits else None,
            "template_tokens_equal": self.template.equal,
            "compared_in": self.compared_in or None,
            "logits": asdict(self.logits) if self.logits else None,
            "weights": asdict(self.weights) if self.weights else None,
            "template": asdict(self.template),
            "notes": self.notes,
        }


def prove(
    exported: Path,
    base: Path,
    trained: Path,
    template: TrainedTemplate,
    asked: Sequence[Conversation],
    *,
    wanted_dtype: str | None = None,
    device: str | None = None,
    answered: Answered | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Parity:
    """Compares the model in `exported` with what training left in `trained` (an adapter of `base`, or a model).

    `asked` are rows of the recipe whose last answer is to be given, rendered with training's `template`. Tensors are
    compared one by one; logits where there is memory for the model (on `device`: "cpu" or "cuda", or wherever it
    fits); what the tuned model has `answered` already is taken where that fits. `say` hears what is being done.

    Raises:
        UserError: a weight file is missing or half-written.
    """
    from transformers import AutoTokenizer

    adapter = Adapter(trained) if is_adapter(trained) else None
    origin = base if adapter else trained
    rendered = template_parity(AutoTokenizer.from_pretrained(exported), template, asked)
    say("comparing tensors")
    before = Weights(origin)
    weights = None if before.in_pickles else weight_parity(Weights(exported), before, adapter, wanted_dtype)
    prompts = [template.prompt(conversation) for conversation in asked]
    place = place_for(Weights(exported), device)
    logits = None
    if place and prompts:
        say(f"comparing logits in {place}")
        known = answered.reference if answered and answered.is_of(place, prompts) else None
        reference = known or reference_of(partial(load, origin, place, adapter), prompts)
        logits = parity_with(reference, partial(load, exported, place))
    cause = (weights.cause if weights else "") or _logit_cause(logits, weights) or rendered.cause
    if not cause and weights is None and logits is None:
        cause = "nothing could be compared: there is no memory for the model, and its tensors cannot be read one by one"
    return Parity(cause, rendered, weights, logits, str(place or ""), _notes(weights, logits, place))


def _logit_cause(logits: LogitParity | None, weights: WeightParity | None) -> str:
    if logits is None:
        return ""
    if not logits.finite:
        return "the exported model's logits are not finite: a weight is NaN or too large for its dtype"
    differs, allowed = "the exported model answers differently", _allowed(logits, weights)
    if weights is None and logits.tuning and logits.mean_abs_diff > HALF * logits.tuning:
        return f"{differs}: unmerged or another adapter, its logits are as far from the tuned model's as the base's"
    if logits.max_abs_diff > allowed:
        return f"{differs}: logits are up to {logits.max_abs_diff:.3g} apart, rounding explains {allowed:.3g}"
    if not logits.same_greedy and not logits.near_tie:
        return f"{differs}: it chooses other tokens where the reference is sure of its own"
    return ""


def _allowed(logits: LogitParity, weights: WeightParity | None) -> float:
    return LARGEST.get(weights.dtype if weights else "bfloat16", LARGEST["bfloat16"]) * logits.spread


def _notes(weights: WeightParity | None, logits: LogitParity | None, place: Place | None) -> list[str]:
    notes = []
    if place is None:
        notes.append("no memory for the model: logits were not compared, every tensor was")
    if weights is None:
        notes.append("no plain LoRA, or a base in .bin files: tensors were not compared, logits were")
    if weights and weights.kept is not None and weights.kept < LITTLE_KEPT:
        notes.append(
            f"rounding to {weights.dtype} keeps {weights.kept:.0%} of what the adapter adds: "
            "export with `infer_dtype: float32`, or train longer"
        )
    if logits and logits.tuning == 0:
        notes.append("the adapter changes nothing: base and tuned model are the same")
    if logits and not logits.same_greedy and logits.near_tie:
        notes.append("greedy tokens differ only where the two best are as close as rounding")
    return notes
