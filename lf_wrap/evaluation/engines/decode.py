"""Greedy decoding in a batch that stays full: rows that are done leave it, waiting rows take their places.

In an ordinary batch every row is computed until the longest answer ends, and every prompt is padded to the longest.
Here a part that all prompts begin with is computed once, keys and values are written in place instead of being copied
at every step, and when a quarter of the rows is done the batch is made up anew. What a row is answered does not depend
on the others: padding is masked, and positions count a row's own tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lf_wrap.evaluation.engines.attention import grouped_attention
from lf_wrap.evaluation.engines.packed import Packed

MADE_UP_ANEW = 8  # when one row in so many is done
FIRST_PASS = 512  # tokens of prompts at once: enough for the processor, few enough that rows of like length go together
GROW_BY = 64  # columns of keys and values
WORTH_SHARING = 8  # tokens: a shorter common beginning is not computed apart


@dataclass
class Row:
    """One prompt on its way. `place` is the caller's number for it."""

    place: int
    prompt: list[int]
    room: int
    tokens: list[int] = field(default_factory=list)
    truncated: bool = False
    failure: str | None = None
    done: bool = False


class Decoder:
    """Decodes with one model, whose cache must be plain keys and values: `can_decode` says whether it is."""

    def __init__(self, packed: Packed, stops: Sequence[int], pad: int, rows_at_once: int, tokens_at_once: int) -> None:
        self.packed, self.model = packed, packed.model
        self.stops, self.pad = frozenset(stops), pad
        self.rows_at_once, self.tokens_at_once = rows_at_once, tokens_at_once

    def decode(self, waiting: list[Row], on_done: Callable[[Row], None]) -> None:
        """Decodes all rows, taken in their order; `on_done` gets each as soon as it is done."""
        import torch

        waiting = list(waiting)
        with torch.inference_mode(), grouped_attention(self.model), self.packed.in_use():
            shared = self._shared(waiting)
            batch: _Batch | None = None
            while waiting or batch:
                batch = self._made_up(batch, waiting, shared)
                while sum(row.done for row in batch.rows) * MADE_UP_ANEW < len(batch.rows):
                    self._step(batch)
                for row in batch.rows:
                    if row.done:
                        on_done(row)
                batch = batch.without_done()

    def _shared(self, rows: Sequence[Row]) -> _Batch | None:
        """The common beginning of all prompts as a batch of one; None when it is not worth it."""
        import torch

        prefix = _common_beginning([row.prompt[:-1] for row in rows]) if len(rows) > 1 else []
        if len(prefix) < WORTH_SHARING:
            return None
        ids = torch.tensor([prefix], device=self.model.device)
        made = self.model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values
        return _Batch([], [(layer.keys, layer.values) for layer in made.layers], torch.ones_like(ids))

    def _made_up(self, batch: _Batch | None, waiting: list[Row], shared: _Batch | None) -> _Batch:
        """The batch, with as many waiting rows as there is place for."""
        width = batch.width if batch else 0
        taken: list[Row] = []
        while waiting and len(taken) + (len(batch.rows) if batch else 0) < self.rows_at_once:
            width = max(width, len(waiting[0].prompt) + waiting[0].room)
            if (taken or batch) and width * (len(taken) + 1 + (len(batch.rows) if batch else 0)) > self.tokens_at_once:
                break
            taken.append(waiting.pop(0))
        if batch and not taken:
            return batch
        known = shared.width if shared else 0
        fresh = [self._prefilled(rows, shared) for rows in _of_like_length(taken, known, self._first_pass)]
        return _Batch.joined([batch, *fresh] if batch else fresh)

    @property
    def _first_pass(self) -> int:
        """Tokens of prompts to compute at once: all of them on a GPU, where padding costs less than another pass."""
        return FIRST_PASS if self.model.device.type == "cpu" else self.tokens_at_once

    def _prefilled(self, rows: list[Row], shared: _Batch | None) -> _Batch:
        import torch

        known = shared.width if shared else 0
        rests = [row.prompt[known:] for row in rows]
        longest = max(map(len, rests))
        device = self.model.device
        ids = torch.tensor([[self.pad] * (longest - len(rest)) + rest for rest in rests], device=device)
        mask = torch.tensor([[0] * (longest - len(rest)) + [1] * len(rest) for rest in rests], device=device)
        pairs = (
            [(k.expand(len(rows), -1, -1, -1), v.expand(len(rows), -1, -1, -1)) for k, v in shared.pairs]
            if shared
            else []
        )
        mask = torch.cat([torch.ones((len(rows), known), dtype=mask.dtype, device=device), mask], dim=1)
        batch = _Batch(rows, pairs, mask)
        self._forward(batch, ids, (mask.cumsum(1) - 1).clamp(min=0)[:, known:])
        return batch

    def _step(self, batch: _Batch) -> None:
        import torch

        last = [[row.tokens[-1] if row.tokens and not row.done else self.pad] for row in batch.rows]
        ids = torch.tensor(last, device=self.model.device)
        batch.mask = torch.cat([batch.mask, torch.ones_like(ids)], dim=1)
        self._forward(batch, ids, batch.mask.sum(1, keepdim=True) - 1)

    def _forward(self, batch: _Batch, ids: Any, positions: Any) -> None:
        """One pass over `ids`, and each row's next token."""
        output = self.model(
            input_ids=ids,
            attention_mask=batch.mask,
            position_ids=positions,
            past_key_values=batch.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits = output.logits[:, -1]
        highest, tokens = logits.max(-1)  # one way over the logits: where one of them is NaN, so is the highest
        for row, token, no_number in zip(batch.rows, tokens.tolist(), highest.isnan().tolist(), strict=True):
            if not row.done:
                self._say(row, token, no_number)

    def _say(self, row: Row, token: int, no_number: bool) -> None:
        if no_number:
            row.failure, row.done = "the model's logits are not numbers (NaN)", True
        elif token in self.stops:
            row.done = True
        else:
            row.tokens.append(token)
            row.truncated = row.done = len(row.tokens) >= row.room


def _of_like_length(rows: Sequence[Row], known: int, tokens: int) -> list[list[Row]]:
    """The rows in their order, in parts that hold `tokens` beyond the first `known` ones when padded to the longest."""
    parts: list[list[Row]] = []
    for row in rows:
        longest = max(len(one.prompt) - known for one in [*parts[-1], row]) if parts else 0
        if parts and longest * (len(parts[-1]) + 1) <= tokens:
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts


def _common_beginning(prompts: Sequence[list[int]]) -> list[int]:
    least, most = min(prompts), max(prompts)
    ends = (at for at, (one, other) in enumerate(zip(least, most, strict=False)) if one != other)
    return least[: next(ends, min(len(least), len(most)))]


class _Batch:
    """Rows side by side, with the keys and values of all layers, and the mask of what in them is no padding."""

    def __init__(self, rows: list[Row], pairs: Sequence[tuple[Any, Any]], mask: Any) -> None:
        from transformers import DynamicCache

        self.rows, self.mask = rows, mask
        self.cache: Any = DynamicCache()
        layer = _in_place_layer()
        self.cache.layer_class_to_replicate = layer
        self.cache.layers = [layer.holding(keys, values) for keys, values in pairs]

    @property
    def width(self) -> int:
        return int(self.mask.shape[1])

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        return [(layer.keys, layer.values) for layer in self.cache.layers]

    def without_done(self) -> _Batch | None:
        """The rows that go on, without columns that only the others used."""
        kept = [place for place, row in enumerate(self.rows) if not row.done]
        if not kept:
            return None
        mask = self.mask[kept]
        first = int(mask.any(0).int().argmax())
        pairs = [(keys[kept, :, first:], values[kept, :, first:]) for keys, values in self.pairs]
        return _Batch([self.rows[place] for place in kept], pairs, mask[:, first:])

    @classmethod
    def joined(cls, batches: Sequence[_Batch]) -> _Batch:
        """Several batches as one, the narrower ones padded on the left."""
        import torch
        from torch.nn.functional import pad

        if len(batches) == 1:
            return batches[0]
        width = max(batch.width for batch in batches)

        def together(parts: Sequence[Any]) -> Any:
            return torch.cat([pad(part, (0, 0, width - part.shape[-2], 0)) for part in parts])

        layers = zip(*(batch.pairs for batch in batches), strict=True)
        pairs = [(together([keys for keys, _ in layer]), together([values for _, values in layer])) for layer in layers]
        mask = torch.cat([pad(batch.mask, (width - batch.width, 0)) for batch in batches])
        return cls([row for batch in batches for row in batch.rows], pairs, mask)


def can_decode(model: Any) -> bool:
    """Whether the model's cache is plain keys and values in every layer (no sliding window, no state space)."""
    try:
        from transformers.cache_utils import DynamicCache, DynamicLayer

        layers = DynamicCache(config=model.config.get_text_config(decoder=True)).layers
    except (ImportError, TypeError, AttributeError):  # a transformers with other caches
        return False
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


def _in_place_layer() -> Any:
    from transformers.cache_utils import DynamicLayer

    class InPlaceLayer(DynamicLayer):  # type: ignore[misc]
        """Keys and values in a store that is larger than they are; transformers' own copies them at every step."""

        @classmethod
        def holding(cls, keys: Any, values: Any) -> InPlaceLayer:
            layer = cls()
            layer.update(keys, values)
            return layer

        def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                self.stores: dict[int, Any] = {}
            start = self.get_seq_length()
            self.keys = self._put(0, key_states, start)
            self.values = self._put(1, value_states, start)
            return self.keys, self.values

        def _put(self, which: int, states: Any, start: int) -> Any:
            end = start + states.shape[-2]
            store = self.stores.get(which)
            if store is None or end > store.shape[-2]:
                larger = states.new_empty((*states.shape[:-2], end + GROW_BY, states.shape[-1]))
                if store is not None:
                    larger[..., :start, :] = store[..., :start, :]
                self.stores[which] = store = larger
            store[..., start:end, :] = states
            return store[..., :end, :]

    return InPlaceLayer
