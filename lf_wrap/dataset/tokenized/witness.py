"""What the tokenizer itself makes of some of the texts, worked out beside the quick way, to hold that against it.

Loading the tokenizer takes as long as encoding some thousand rows; so another process does both, and tells at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import orjson

from lf_wrap.dataset.tokenized.batch import Task, texts_of
from lf_wrap.dataset.tokenized.encode import COMPARED_EVERY, Ids, characters_in, stands_alone, tried_out
from lf_wrap.dataset.tokenized.splits import Split

CONTROLS = "".join(map(chr, range(32)))  # JSON writes them as escapes


def witnessed(tokenizer_json: str, parts: Iterable[tuple[Task, Split]]) -> dict[str, Ids]:
    """The ids of one in a hundred texts, and of all characters of the rows and the template between others.

    Raises:
        NotRepeated, ValueError, KeyError …: a row is not what its entry says.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(tokenizer_json)
    characters = set(CONTROLS)
    sample: dict[str, None] = {}
    for task, split in parts:
        characters.update(json.dumps(asdict(task.template), ensure_ascii=False))
        for file in split.files:
            characters |= _characters(file.lines)
        rows = [(number, line) for number, file in enumerate(split.files) for line in file.lines[::COMPARED_EVERY]]
        sample.update(dict.fromkeys(texts_of(task, rows)))
    compared = [tried_out(sorted(filter(stands_alone, characters))), *sample]
    encodings = tokenizer.encode_batch_fast(compared, add_special_tokens=False)
    return {text: np.array(one.ids, np.int32) for text, one in zip(compared, encodings, strict=True)}


def _characters(lines: list[bytes]) -> set[str]:
    r"""All that stand in the rows, and some of JSON's own. `\u1234` is the only escape that hides one but controls."""
    plain = [orjson.dumps(orjson.loads(line)) if b"\\u" in line else line for line in lines]
    return characters_in(b"\n".join(plain).decode())
