"""One batch of rows to one Arrow batch: the columns, their order and types are those that LLaMA-Factory stores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

from lf_wrap.dataset.tokenized.arguments import Arguments, NotRepeated
from lf_wrap.dataset.tokenized.cut import assembled
from lf_wrap.dataset.tokenized.encode import Encoder, Ids, load_encoder
from lf_wrap.dataset.tokenized.pack import NO_MEDIA, Packed, pack
from lf_wrap.dataset.tokenized.rows import Reader
from lf_wrap.dataset.tokenized.splits import Batch
from lf_wrap.dataset.tokenized.template import ChatTemplate, Pieces

if TYPE_CHECKING:
    import pyarrow as pa

MEDIA = ("images", "videos", "audios")
Pairs = list[tuple[Ids, Ids]]


@dataclass(frozen=True)
class Task:
    """What every batch of a split is done with; small, since it is sent along with each."""

    template: ChatTemplate
    tokenizer_json: Path
    arguments: Arguments
    readers: tuple[Reader, ...]
    compare: bool = True
    """Whether each process compares what it encodes with the tokenizer itself."""

    def encoder(self) -> Encoder:
        return load_encoder(self.tokenizer_json, compare=self.compare)


def tokenize_batch(task: Task, batch: Batch) -> tuple[int, pa.RecordBatch | str]:
    """How many rows went in, and what came out; or the reason why LLaMA-Factory must do it itself."""
    try:
        if task.arguments.stage == "pt":
            return len(batch), _texts(task, batch)
        return len(batch), _conversations(task, batch)
    except NotRepeated as reason:
        return len(batch), str(reason)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        return len(batch), f"a row is not what its entry says ({error!r})"


def encoded_pairs(texts: list[list[tuple[Pieces, Pieces]]], encoder: Encoder) -> list[Pairs]:
    """The questions and answers of many rows as ids, encoded all at once."""
    sides = [side for row in texts for pair in row for side in pair]
    known = encoder.encode([piece for side in sides for piece in side if isinstance(piece, str) and piece])

    def ids(side: Pieces) -> Ids:
        parts = [
            np.array([piece], np.int32) if isinstance(piece, int) else known[piece] for piece in side if piece != ""
        ]
        return parts[0] if len(parts) == 1 else np.concatenate([*parts, np.empty(0, np.int32)])

    return [[(ids(asked), ids(answered)) for asked, answered in row] for row in texts]


def texts_of(task: Task, batch: Batch) -> list[str]:
    """All that is encoded of some rows.

    Raises:
        NotRepeated, ValueError, KeyError …: a row is not what its entry says.
    """
    if task.arguments.stage == "pt":
        return _whole_texts(task, batch)
    sides = [side for row in _asked_and_answered(task, batch) for pair in row for side in pair]
    return [piece for side in sides for piece in side if isinstance(piece, str) and piece]


def _asked_and_answered(task: Task, batch: Batch) -> list[list[tuple[Pieces, Pieces]]]:
    template = task.template
    read = [task.readers[number].read(line) for number, line in batch]
    forget = task.arguments.masking.mask_history and not template.preserve_thinking
    return [template.pairs(row.messages, row.system, forget) for row in read if row is not None]


def _conversations(task: Task, batch: Batch) -> pa.RecordBatch:
    template, arguments = task.template, task.arguments
    made = [
        assembled(pairs, arguments.masking, template.efficient_eos, template.eos)
        for pairs in encoded_pairs(_asked_and_answered(task, batch), task.encoder())
    ]
    if not arguments.packing:
        ids, labels = [row for row, _ in made], [row for _, row in made]
        input_ids = _lists(ids, np.int32)
        columns = {"input_ids": input_ids, "attention_mask": _ones(input_ids), "labels": _lists(labels, np.int64)}
        return _with_media(columns, len(ids))
    rows = [(_joined(ids), _joined(labels)) for ids, labels in made]
    return _packed(pack(rows, arguments.masking.cutoff_len, template.pad, neat=arguments.neat_packing), arguments)


def _packed(rows: list[Packed], arguments: Arguments) -> pa.RecordBatch:
    """Neat packing stores all numbers in 64 bits: its masks count rows, so LLaMA-Factory turns the narrowing off."""
    import pyarrow as pa

    neat = arguments.neat_packing
    columns = {"input_ids": _lists([[row.ids] for row in rows], np.int64 if neat else np.int32)}
    if neat:
        numbers = pa.list_(pa.int64())
        none = [[NO_MEDIA]] * len(rows)
        described = {
            "sequence_boundaries": pa.array([row.boundaries for row in rows], numbers),
            "image_subseq_ids": pa.array(none, numbers),
            "video_subseq_ids": pa.array(none, numbers),
            "audio_subseq_ids": pa.array(none, numbers),
            "right_padding_length": pa.array([row.padding for row in rows], pa.int64()),
        }
        columns["packing_params"] = pa.StructArray.from_arrays([*described.values()], [*described])
    columns["attention_mask"] = _lists([[row.attention] for row in rows], np.int64 if neat else np.int8)
    columns["position_ids"] = _lists([[row.positions] for row in rows], np.int64)
    columns["labels"] = _lists([[row.labels] for row in rows], np.int64)
    return _with_media(columns, len(rows))


def _texts(task: Task, batch: Batch) -> pa.RecordBatch:
    """Continued pretraining, as LLaMA-Factory's `PretrainDatasetProcessor` does it: texts, or blocks of them joined."""
    import pyarrow as pa

    template, encoder, arguments = task.template, task.encoder(), task.arguments
    length = arguments.masking.cutoff_len
    texts = _whole_texts(task, batch)
    encoded = encoder.encode(texts)
    if arguments.packing:
        joined = _joined([encoded[text] for text in texts])
        rows = [joined[start : start + length] for start in range(0, len(joined) - length + 1, length)]
        if template.text_begin:
            for row in rows:
                row[0] = encoder.encode([template.text_begin])[template.text_begin][0]
    else:
        rows = [encoded[text][:length] for text in texts]
    input_ids = _lists([[row] for row in rows], np.int32)
    return pa.RecordBatch.from_arrays([input_ids, _ones(input_ids)], ["input_ids", "attention_mask"])


def _whole_texts(task: Task, batch: Batch) -> list[str]:
    begin = "" if task.arguments.packing else task.template.text_begin
    return [begin + task.readers[number].text(line) + task.template.text_end for number, line in batch]


def _joined(parts: list[Ids]) -> Ids:
    return np.concatenate([*parts, np.empty(0, np.int32)])


def _lists(rows: list[list[npt.NDArray[Any]]], dtype: npt.DTypeLike) -> pa.Array:
    """A column of lists; each row is given in parts."""
    import pyarrow as pa

    ends = np.cumsum([0, *(sum(map(len, row)) for row in rows)], dtype=np.int64)
    values = np.concatenate([np.empty(0, dtype), *(part for row in rows for part in row)], dtype=dtype)
    return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), pa.array(values))


def _ones(column: pa.Array) -> pa.Array:
    """A column of as many ones as there are numbers in each list of this one."""
    import pyarrow as pa

    return pa.ListArray.from_arrays(column.offsets, pa.array(np.ones(len(column.values), np.int8)))


def _with_media(columns: dict[str, pa.Array], rows: int) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_pydict({**columns, **{media: pa.nulls(rows) for media in MEDIA}})
