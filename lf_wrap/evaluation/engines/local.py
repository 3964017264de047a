"""A model folder answers through Transformers: in a batch that stays full where its cache allows it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.evaluation.engines.decode import Decoder, Row, can_decode
from lf_wrap.evaluation.engines.engine import Asked, OnReply, Weighed
from lf_wrap.evaluation.engines.fingerprint import fingerprint
from lf_wrap.evaluation.engines.packed import Packed
from lf_wrap.evaluation.questions import Messages
from lf_wrap.evaluation.tasks import Reply
from lf_wrap.files import shown

ROWS_ON_CPU, ROWS_ON_GPU = 128, 128
TOKENS_ON_CPU, TOKENS_ON_GPU = 16_384, 131_072
MOST_NEW_TOKENS = 1024
ROUND_ROOM_TO = 32  # so that a few rows more or less ask the same again, which the cache knows


class Local:
    """A model folder, with an adapter on it or without. The model is loaded when it is first asked."""

    lasting = True

    def __init__(self, folder: Path, adapter: Path | None = None, rows_at_once: int | None = None) -> None:
        import torch

        on_gpu = torch.cuda.is_available()
        self.folder, self.adapter = folder, adapter
        self.device = "cuda" if on_gpu else "cpu"
        bf16 = on_gpu and torch.cuda.is_bf16_supported()
        self.dtype = torch.bfloat16 if bf16 else torch.float16 if on_gpu else torch.float32
        self.rows_at_once = rows_at_once or (ROWS_ON_GPU if on_gpu else ROWS_ON_CPU)
        self.tokens_at_once = TOKENS_ON_GPU if on_gpu else TOKENS_ON_CPU
        prints = [fingerprint(place) for place in (folder, adapter) if place]
        self.identity = f"transformers {self.dtype} {' + '.join(prints)}"
        self.tokenizer: Any = self._tokenizer()
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The model, loaded.

        Raises:
            UserError: the folder or the adapter cannot be loaded.
        """
        if self._model is None:
            self._model = self._loaded()
        return self._model

    @cached_property
    def _packed(self) -> Packed:
        return Packed(self.model)

    def room_for(self, references: Sequence[str]) -> int:
        """Half as long again as the longest reference, and a few tokens; 1,024 at most."""
        longest = max(len(ids) for ids in self._ids(list(references)))
        return min(MOST_NEW_TOKENS, ceil((1.5 * longest + 8) / ROUND_ROOM_TO) * ROUND_ROOM_TO)

    def answer(self, asked: Sequence[Asked], on_reply: OnReply) -> None:
        """Longest first: the rows that take long do not end up alone at the end."""
        prompts = self._ids([self.prompt(one.messages) for one in asked])
        likely = [len(ids) for ids in self._ids([one.likely for one in asked])]
        rows = []
        for place in sorted(range(len(asked)), key=lambda place: -(len(prompts[place]) + likely[place])):
            row = Row(place, prompts[place], asked[place].max_new_tokens)
            if failure := self._too_long(len(row.prompt) + 1):
                on_reply(place, Reply(failure=failure))
            else:
                rows.append(row)

        def done(row: Row) -> None:
            text = self.tokenizer.decode(row.tokens, skip_special_tokens=True).strip()
            on_reply(row.place, Reply(text, row.failure, row.truncated))

        if can_decode(self.model):
            Decoder(self._packed, self._stops(), self._pad, self.rows_at_once, self.tokens_at_once).decode(rows, done)
        else:
            self._generate(rows, done)

    def weigh(self, weighed: Sequence[Weighed], on_reply: OnReply) -> None:
        """Tokenized as by lm-evaluation-harness: the text's tokens are what the whole has more than `before`."""
        import torch

        befores = [one.before if isinstance(one.before, str) else self.prompt(one.before) for one in weighed]
        contexts = self._ids(befores)
        wholes = self._ids([before + one.text for before, one in zip(befores, weighed, strict=True)])
        order = sorted(range(len(weighed)), key=lambda place: -len(wholes[place]))
        while order:
            size = max(1, min(self.rows_at_once, self.tokens_at_once // len(wholes[order[0]])))
            places, order = order[:size], order[size:]
            fitting = []
            for place in places:
                if failure := self._too_long(len(wholes[place])):
                    on_reply(place, Reply(failure=failure))
                else:
                    fitting.append(place)
            if not fitting:
                continue
            longest = max(len(wholes[place]) for place in fitting)
            padded = [wholes[place] + [self._pad] * (longest - len(wholes[place])) for place in fitting]
            mask = [[1] * len(wholes[place]) + [0] * (longest - len(wholes[place])) for place in fitting]
            ids = torch.tensor(padded, device=self.device)
            with torch.inference_mode():
                logits = self.model(input_ids=ids, attention_mask=torch.tensor(mask, device=self.device)).logits
            for at, place in enumerate(fitting):
                start, end = len(contexts[place]), len(wholes[place])
                said = logits[at, start - 1 : end - 1].float().log_softmax(-1).gather(1, ids[at, start:end, None])
                surprise = -float(said.sum())
                broken = None if surprise == surprise else "the model's logits are not numbers (NaN)"  # NaN ≠ NaN
                on_reply(place, Reply(failure=broken, surprise=None if broken else surprise, tokens=end - start))

    def prompt(self, messages: Messages) -> str:
        """The messages in the model's chat template, up to where the answer begins."""
        text: str = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return text

    def _generate(self, rows: list[Row], on_done: Any) -> None:
        """Batches of like length through `generate`, for models whose cache is of another kind."""
        import torch

        for start in range(0, len(rows), self.rows_at_once):
            part = rows[start : start + self.rows_at_once]
            longest = max(len(row.prompt) for row in part)
            ids = [[self._pad] * (longest - len(row.prompt)) + row.prompt for row in part]
            mask = [[0] * (longest - len(row.prompt)) + [1] * len(row.prompt) for row in part]
            with torch.inference_mode():
                output = self.model.generate(
                    input_ids=torch.tensor(ids, device=self.device),
                    attention_mask=torch.tensor(mask, device=self.device),
                    max_new_tokens=max(row.room for row in part),
                    do_sample=False,
                    temperature=None,
                    top_p=None,
                    top_k=None,
                    repetition_penalty=1.0,
                    eos_token_id=self._stops(),
                    pad_token_id=self._pad,
                )
            for row, new in zip(part, output[:, longest:].tolist(), strict=True):
                end = next((at for at, token in enumerate(new) if token in self._stops()), len(new))
                row.tokens, row.truncated = new[: min(end, row.room)], end >= row.room
                on_done(row)

    def _ids(self, texts: list[str]) -> list[list[int]]:
        ids: list[list[int]] = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids

    def _too_long(self, tokens: int) -> str | None:
        most = getattr(self.model.config, "max_position_embeddings", None)
        return f"{tokens:,} tokens, more than the model's {most:,} positions" if most and tokens > most else None

    @property
    def _pad(self) -> int:
        pad = self.tokenizer.pad_token_id
        return int(self._stops()[0] if pad is None else pad)

    def _stops(self) -> list[int]:
        """The tokens that end an answer: what generation_config says and what the tokenizer says."""
        configured = self.model.generation_config.eos_token_id
        said = configured if isinstance(configured, list) else [configured]
        return sorted({token for token in (*said, self.tokenizer.eos_token_id) if token is not None})

    def _tokenizer(self) -> Any:
        """The adapter's tokenizer where it brings one with a chat template, else the model's."""
        from transformers import AutoTokenizer

        for place in (self.adapter, self.folder):
            if place is None or not any(place.glob("tokenizer*")):
                continue
            try:
                tokenizer = AutoTokenizer.from_pretrained(place, padding_side="left")
            except Exception as error:  # each file format's library raises kinds of its own
                raise _cannot_be_loaded(place, error) from error
            if tokenizer.chat_template:
                return tokenizer
        raise UserError(
            f"the tokenizer in {shown(self.folder)} has no chat template",
            fix="use an instruct model, or export with `template`",
        )

    def _loaded(self) -> Any:
        from transformers import AutoModelForCausalLM
        from transformers.utils.logging import disable_progress_bar, set_verbosity_error

        disable_progress_bar()
        set_verbosity_error()
        try:
            model = AutoModelForCausalLM.from_pretrained(self.folder, dtype=self.dtype)
        except Exception as error:
            raise _cannot_be_loaded(self.folder, error) from error
        if self.adapter:
            from peft import PeftModel

            try:
                model = PeftModel.from_pretrained(model, str(self.adapter)).merge_and_unload()
            except Exception as error:
                raise _cannot_be_loaded(self.adapter, error) from error
        return model.to(self.device).eval()


def _cannot_be_loaded(folder: Path, error: Exception) -> UserError:
    return UserError(f"{shown(folder)} cannot be loaded: {error}", fix="check that the model is whole")
