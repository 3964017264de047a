"""What the proof needs takes longer to load than a small model to be proved: it is made ready while others work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from lf_wrap.conversation import Conversation
from lf_wrap.model.adapter import Adapter, is_adapter
from lf_wrap.model.parity.logits import Place, Reference, load, place_for, reference_of, shortened
from lf_wrap.model.parity.trained_template import TrainedTemplate
from lf_wrap.model.weights import Weights

NEEDED = ("torch", "transformers.models.auto.modeling_auto", "peft")
SMALL = 600_000_000  # parameters: 2.4 GB in float32, beside the merge that holds them too
HEADROOM_BESIDE_MERGE = 4


class Answered(NamedTuple):
    """What the tuned model answers, before it is merged, and where that was computed."""

    place: Place
    reference: Reference

    def is_of(self, place: Place, prompts: Sequence[Sequence[int]]) -> bool:
        """Whether these prompts would be answered in that place."""
        return self.place == place and self.reference.asked == shortened(prompts)


class Prepared(NamedTuple):
    """What the proof would else have to wait for. `answered` is None where the model is better asked afterwards."""

    template: TrainedTemplate
    answered: Answered | None


def prepared_meanwhile(
    base: Path, trained: Path, arguments: Mapping[str, Any], asked: Sequence[Conversation]
) -> Callable[[], Prepared]:
    """Begins now, in a thread: imports, `TrainedTemplate.of`, and a small model's own answers; waits for them.

    What cannot be imported, loaded or answered is told by the proof itself, which does it again.
    """
    prepared: Future[Prepared] = Future()

    def prepare() -> None:
        for name in NEEDED:
            with suppress(ImportError, OSError, RuntimeError):
                import_module(name)
        try:
            template = TrainedTemplate.of(base, arguments)
            prepared.set_result(Prepared(template, _answered(base, trained, template, asked)))
        except BaseException as error:  # noqa: BLE001  (whoever waits gets it)
            prepared.set_exception(error)

    Thread(target=prepare, daemon=True).start()
    return prepared.result


def _answered(base: Path, trained: Path, template: TrainedTemplate, asked: Sequence[Conversation]) -> Answered | None:
    with suppress(Exception):
        adapter = Adapter(trained) if is_adapter(trained) else None
        origin = base if adapter else trained
        weights = Weights(origin)
        if not asked or weights.in_pickles or weights.numbers > SMALL:
            return None
        place = place_for(weights, headroom=HEADROOM_BESIDE_MERGE)
        if place:
            prompts = [template.prompt(conversation) for conversation in asked]
            return Answered(place, reference_of(partial(load, origin, place, adapter), prompts))
    return None
