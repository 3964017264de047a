"""A tokenizer.json as GGUF keeps it: tokens, their types, merges, special ids, and how text is cut before BPE.

The keys are GGUF's: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lf_wrap.errors import UserError
from lf_wrap.files import shown

if TYPE_CHECKING:
    from gguf import GGUFWriter

# llama.cpp knows ways of cutting text by name; these are the ones that tokenizers of Llama's and Qwen's kind have.
LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PRE_OF_PATTERN = {LETTERS + r"\p{N}" + REST: "qwen2", LETTERS + r"\p{N}{1,3}" + REST: "llama-bpe"}


@dataclass(frozen=True)
class Vocabulary:
    """What GGUF stores of a byte-level BPE tokenizer, padded to the rows of the model's embedding."""

    pre: str
    tokens: list[str]
    types: list[int]
    merges: list[str]

    def write(self, writer: GGUFWriter, tokenizer: Any) -> None:
        """Adds all of it, with the special ids and chat template of the same tokenizer as Transformers loads it."""
        writer.add_tokenizer_model("gpt2")  # GGUF's name for byte-level BPE
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        writer.add_token_merges(self.merges)
        for add, token in (
            (writer.add_bos_token_id, tokenizer.bos_token_id),
            (writer.add_eos_token_id, tokenizer.eos_token_id),
            (writer.add_pad_token_id, tokenizer.pad_token_id),
            (writer.add_unk_token_id, tokenizer.unk_token_id),
        ):
            if token is not None:
                add(token)
        adds_bos = tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
        writer.add_add_bos_token(adds_bos)
        if isinstance(tokenizer.chat_template, str):
            writer.add_chat_template(tokenizer.chat_template)


def require_known(model: Path) -> None:
    """Refuses a tokenizer that `vocabulary` cannot tell.

    Raises:
        UserError: it is no byte-level BPE, or cuts text in a way that llama.cpp has no name for that we know.
    """
    _pre(_content(model).get("pre_tokenizer"), model)


def vocabulary(model: Path, rows: int) -> Vocabulary:
    """The vocabulary in `model`'s tokenizer.json, for an embedding of so many rows.

    Raises:
        UserError: it is no byte-level BPE, it cuts text in a way that llama.cpp has no name for that we know, or it
            has more tokens than the model has embeddings.
    """
    from gguf import TokenType

    content = _content(model)
    bpe = content["model"]
    added = {token["id"]: token for token in content.get("added_tokens", [])}
    by_id = {place: token for token, place in bpe["vocab"].items()} | {
        place: token["content"] for place, token in added.items()
    }
    if max(by_id) >= rows:
        raise _not_ours(model, f"its tokenizer has {max(by_id) + 1:,} tokens for {rows:,} embeddings")
    types = []
    for place in range(rows):
        if place not in by_id:
            types.append(TokenType.UNUSED)
        elif place not in added:
            types.append(TokenType.NORMAL)
        else:
            types.append(TokenType.CONTROL if added[place]["special"] else TokenType.USER_DEFINED)
    return Vocabulary(
        _pre(content.get("pre_tokenizer"), model),
        [by_id.get(place, f"[PAD{place}]") for place in range(rows)],
        [int(one) for one in types],
        [merge if isinstance(merge, str) else " ".join(merge) for merge in bpe["merges"]],
    )


def _content(model: Path) -> dict[str, Any]:
    """The model's tokenizer.json, which is one of a byte-level BPE."""
    file = model / "tokenizer.json"
    if not file.is_file():
        raise _not_ours(model, "it has no tokenizer.json")
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    bpe = content["model"]
    if bpe.get("type") not in (None, "BPE") or "<0x00>" in bpe["vocab"]:  # SentencePiece's bytes are tokens like that
        raise _not_ours(model, "its tokenizer is no byte-level BPE")
    return content


def _pre(cutting: Any, model: Path) -> str:
    """llama.cpp's name for the way this pre-tokenizer cuts text."""
    steps = (cutting or {}).get("pretokenizers") or [cutting or {}]
    kinds = [step.get("type") for step in steps]
    if kinds == ["Split", "ByteLevel"]:
        name = PRE_OF_PATTERN.get(steps[0].get("pattern", {}).get("Regex", ""))
        if name:
            return name
    if kinds == ["Digits", "ByteLevel"] and steps[0].get("individual_digits"):
        return "smollm"
    if kinds == ["ByteLevel"] and steps[0].get("use_regex", True):
        return "gpt-2"
    raise _not_ours(model, "its tokenizer cuts text in a way that lfw does not know llama.cpp's name for")


def _not_ours(model: Path, why: str) -> UserError:
    return UserError(
        f"{shown(model)} cannot be written as GGUF by lfw: {why}",
        fix="llama.cpp's convert_hf_to_gguf.py knows more kinds: run it on this folder",
    )
