"""The quick way of encoding gives what the tokenizer itself gives, whatever the text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lf_wrap.dataset.tokenized.encode import load_encoder

WORDS = st.text(max_size=40) | st.sampled_from(
    ["<think>\n嗯\n</think>", "<|im_end|>", "e\u0301", "don't", "'\u017ft", "\u3000 \n\n", "𠀀𮯰", "12 34", "\u212a"]
)


@cache
def tokenizer(file: Path) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(file))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(WORDS, max_size=8).map("".join))
def test_any_text_with_qwens_vocabulary(qwen_tokenizer: Path, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    file = qwen_tokenizer / "tokenizer.json"
    assert load_encoder(file).is_quick
    found = load_encoder(file).encode([text])[text].tolist()
    assert found == tokenizer(file).encode(text, add_special_tokens=False).ids


def test_characters_that_the_two_take_differently_are_found_out(qwen_tokenizer: Path) -> None:
    """Every character of the basic plane, in a text of its own."""
    file = qwen_tokenizer / "tokenizer.json"
    texts = [f"药{chr(code)}2 {chr(code)}a" for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    found = load_encoder(file).encode(texts)
    wanted = tokenizer(file).encode_batch(texts, add_special_tokens=False)
    assert [found[text].tolist() for text in texts] == [one.ids for one in wanted]


@pytest.mark.parametrize(
    "change",
    [
        {"normalizer": {"type": "Lowercase"}},
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"added_tokens": "one begins another"},
        {"model": "merges in another order"},
    ],
    ids=str,
)
def test_a_tokenizer_of_another_make_goes_its_own_way(qwen_tokenizer: Path, change: dict[str, Any]) -> None:
    import json

    from lf_wrap.dataset.tokenized.encode import _tiktoken_of

    described = json.loads((qwen_tokenizer / "tokenizer.json").read_text(encoding="utf-8"))
    assert _tiktoken_of(described) is not None
    for key, value in change.items():
        if key == "added_tokens":
            described[key].append({**described[key][0], "content": "<|endoftext|>s", "id": 151700})
        elif key == "model":
            described[key]["merges"][10], described[key]["merges"][900] = (
                described[key]["merges"][900],
                described[key]["merges"][10],
            )
        else:
            described[key] = value
    assert _tiktoken_of(described) is None
