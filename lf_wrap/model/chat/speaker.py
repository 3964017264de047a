"""A loaded model that answers a conversation token by token, and can be stopped in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.model.adapter import Adapter
from lf_wrap.model.forms.form import require_packages
from lf_wrap.model.forms.quantized_forms import bitsandbytes_config
from lf_wrap.model.mergeable import require_made_for
from lf_wrap.model.parity.logits import load, place_for
from lf_wrap.model.weights import Weights

Messages = list[dict[str, str]]
MOST_NEW_TOKENS = 1024


@dataclass
class Speaker:
    """`name` is what its answers are headed by; `as_this` makes a shared model be this one for a block."""

    name: str
    model: Any
    tokenizer: Any
    as_this: Callable[[], AbstractContextManager[Any]] = nullcontext
    messages: Messages = field(default_factory=list)

    def prompt(self, messages: Messages) -> list[int]:
        """The tokens of the conversation so far, up to where the answer begins."""
        text = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def answer(self, messages: Messages, sampling: Mapping[str, Any]) -> Iterator[str]:
        """The answer, piece by piece. Closing the iterator stops the model."""
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList, TextIteratorStreamer

        stop = threading.Event()
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        ids = torch.tensor([self.prompt(messages)], device=self.model.device)
        room = min(MOST_NEW_TOKENS, _positions(self.model) - ids.shape[1])
        if room < 1:
            raise UserError(
                f"the conversation has {ids.shape[1]:,} tokens, as many as the model can read", fix="/reset begins anew"
            )
        failed: list[BaseException] = []

        def generate() -> None:
            try:
                with self.as_this(), torch.inference_mode():
                    self.model.generate(
                        input_ids=ids,
                        attention_mask=torch.ones_like(ids),
                        max_new_tokens=room,
                        eos_token_id=self.stops(),
                        pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id,
                        streamer=streamer,
                        logits_processor=LogitsProcessorList([self._refuse_nan]),
                        stopping_criteria=StoppingCriteriaList([lambda *_, **__: stop.is_set()]),
                        **sampling,
                    )
            except BaseException as error:  # noqa: BLE001  (raised where the answer is read)
                failed.append(error)
                streamer.end()

        thread = threading.Thread(target=generate, daemon=True)
        thread.start()
        try:
            yield from (piece for piece in streamer if piece)
        finally:
            stop.set()
            thread.join()
        if failed:
            raise failed[0]

    def _refuse_nan(self, _: Any, logits: Any) -> Any:
        """Stops an answer of a model that is broken, for greedy decoding would go on with any token."""
        if bool(logits.isnan().any()):
            raise UserError(
                f"the model's logits are NaN: a weight is NaN, or too large for {self.model.dtype}",
                fix="look where the loss broke down, and take a checkpoint from before it",
            )
        return logits

    def stops(self) -> list[int]:
        """The tokens that end an answer: the generation config's and the tokenizer's."""
        configured = self.model.generation_config.eos_token_id
        said = configured if isinstance(configured, list) else [configured]
        return sorted({token for token in (*said, self.tokenizer.eos_token_id) if token is not None})


def speakers(
    model: Path, adapter: Path | None = None, *, base: Path | None = None, in_4bit: bool = False, compare: bool = False
) -> list[Speaker]:
    """The tuned model, before it the base when both are to `compare`.

    With an adapter both are one model in memory, the adapter switched off for the base; without one, `base` is loaded
    as well.

    Raises:
        UserError: a folder is no model, the adapter is for another base, bitsandbytes is missing, or memory is.
    """
    if adapter:
        require_made_for(Adapter(adapter), Weights(model), model)
    loaded = _loaded(model, adapter, in_4bit)
    tokenizer = _tokenizer(adapter if adapter and (adapter / "tokenizer_config.json").is_file() else model)
    tuned = Speaker("tuned" if compare else "", loaded, tokenizer)
    if not compare:
        return [tuned]
    if adapter:
        return [Speaker("base", loaded, _tokenizer(model), loaded.disable_adapter), tuned]
    if base is None:
        raise UserError(
            "--compare needs two models", fix="name a run, or the base model with --adapter ADAPTER, or add --base BASE"
        )
    return [Speaker("base", _loaded(base, None, in_4bit), _tokenizer(base)), tuned]


def _loaded(model: Path, adapter: Path | None, in_4bit: bool) -> Any:
    weights = Weights(model)
    place = place_for(weights)
    if place is None:
        raise UserError(
            f"there is no memory for the {weights.numbers / 1e9:,.1f} billion weights of {shown(model)}",
            fix="add --load-in-4bit on a machine with a GPU, or take a GGUF form and Ollama",
        )
    more = {}
    if in_4bit:
        require_packages("--load-in-4bit", "bitsandbytes")
        more["quantization_config"] = bitsandbytes_config(4, place)
    return load(model, place, Adapter(adapter) if adapter else None, **more)


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not tokenizer.chat_template:
        raise UserError(
            f"the tokenizer in {shown(folder)} has no chat template",
            fix="chat with an instruct model, or with the export of a run that has `template:`",
        )
    return tokenizer


def _positions(model: Any) -> int:
    return int(getattr(model.config, "max_position_embeddings", None) or MOST_NEW_TOKENS * 4)
