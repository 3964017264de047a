"""What a cutoff_len costs is counted as LLaMA-Factory's own cut rows have it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.dataset.cut import cut
from lf_wrap.dataset.tokenized import TOKENIZER_KEYS, Described, arguments_of, pair_lengths_of
from lf_wrap.recipe.inside_llamafactory.template import answer
from tests.dataset.tokenized.test_identical import Both, job, mixed

pytestmark = pytest.mark.trains
__all__ = ["mixed"]
LONG, SHORT = 4096, 60


def learned(labels: list[int]) -> Iterator[list[int]]:
    """The runs of tokens that are learned: answers, or what is left of them."""
    for is_learned, run in groupby(labels, lambda label: label != -100):
        if is_learned:
            yield list(run)


@pytest.mark.parametrize(
    "more", [{}, {"template": "llama3"}, {"template": "chatglm3"}, {"mask_history": True, "template": "qwen3"}], ids=str
)
def test_rows_tokens_and_ends(mixed: Path, small_tokenizer: Path, both: Both, more: dict[str, Any]) -> None:
    settings = job(mixed, small_tokenizer, dataset="chats", **more)
    whole, kept = (both(settings | {"cutoff_len": most})[0]["train"] for most in (LONG, SHORT))
    described = Described.from_json(answer({"settings": {k: v for k, v in settings.items() if k in TOKENIZER_KEYS}}))
    masking, template = arguments_of(settings | {"cutoff_len": SHORT}).masking, described.template
    told = cut(pair_lengths_of(mixed, "chats", described, masking), masking, template.efficient_eos)
    labels, before = kept["labels"], whole["labels"]
    lengths = [(len(row), len(all_of_it)) for row, all_of_it in zip(kept["input_ids"], whole["input_ids"], strict=True)]
    assert (told.rows, told.longest) == (len(whole), max(length for _, length in lengths))
    assert told.rows_cut == sum(length < before for length, before in lengths) > 0
    if template.efficient_eos:  # its ends are learned elsewhere than in the answers
        assert told.rows_without_end == 0
        return
    tokens, cut_tokens = (sum(sum(map(len, learned(row))) for row in rows) for rows in (before, labels))
    assert (told.answer_tokens, told.answer_tokens_cut) == (tokens, tokens - cut_tokens)
    assert told.rows_without_end == sum(any(template.eos not in run for run in learned(row)) for row in labels) > 0
