"""The quick way of encoding gives what the tokenizer itself gives, whatever the text."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lf_wrap.dataset.tokenized.encode import characters_in, load_encoder
from lf_wrap.dataset.tokenized.quick import quick_of

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
    described = json.loads((qwen_tokenizer / "tokenizer.json").read_text(encoding="utf-8"))
    assert quick_of(json.dumps(described)) is not None
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
    assert quick_of(json.dumps(described)) is None


def test_what_was_worked_out_of_a_tokenizer_is_kept_and_made_again_where_it_is_spoilt(
    qwen_tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    text = (qwen_tokenizer / "tokenizer.json").read_text(encoding="utf-8")
    first = quick_of(text)
    assert first is not None
    (kept,) = tmp_path.rglob("tokenizers/*.json")
    assert quick_of(text) == first
    kept.write_bytes(kept.read_bytes()[:1000])
    assert quick_of(text) == first
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_text("no folder can be made here")
    assert quick_of(text) == first


@given(st.lists(WORDS, max_size=8).map("".join))
def test_the_characters_of_a_text_are_those_of_its_set(text: str) -> None:
    assert characters_in(text) == set(text)
