"""Row text may name any model's control tokens, but no tokenizer may take them for its own."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers

from lf_wrap.conversation import Conversation, Turn
from lf_wrap.dataset.special_tokens import BROKEN_APART, found, neutralise

_LISTED = """
<|im_start|> <|im_end|> <|endoftext|> <|begin_of_text|> <|eot_id|> <|start_header_id|> <|end_header_id|> <|user|>
<|assistant|> <|fim_prefix|> <|vision_start|> <|image_pad|> <|reserved_special_token_0|> <|turn> <turn|> <|channel>
<channel|> <|"|> <｜begin▁of▁sentence｜> <｜end▁of▁sentence｜> <｜User｜> <｜Assistant｜> <｜tool▁calls▁begin｜>
<｜hy_place▁holder▁no▁2｜> [INST] [/INST] <<SYS>> <</SYS>> <s> </s> <unk> <pad> <bos> <eos> <mask> <sep> [gMASK]
[sMASK] [MASK] <sop> <eop> [sop] <start_of_turn> <end_of_turn> <start_of_image> <unused0> <unused99>
[UNUSED_TOKEN_145] <reserved_102> <reserved_106> <extra_id_0> <tool_call> </tool_call> <tool_response>
</tool_response> <image> <video> <audio> <img> </img> <IMG_CONTEXT> <image_soft_token> <eoh> <eoa> <eod> <_user>
<_bot> <_end> <role> </role> <seed:bos> <seed:think> </seed:think> [TOOL_CALLS] [AVAILABLE_TOOLS] [SYSTEM_PROMPT]
[/SYSTEM_PROMPT] [THINK] [/THINK] [IMG] <SPECIAL_12> <arg_key> </arg_value> ]~!b[ ]~b] [e~[ ◁think▷ ◁/think▷
<minimax:tool_call> </answer> <|END_OF_TURN_TOKEN|> <think> </think>
"""
TOKENS = _LISTED.split()


def broken(text: str, role: str = "user") -> str:
    row = (
        Conversation((Turn("user", "q"), Turn("assistant", text)))
        if role == "assistant"
        else Conversation.single(text, "a")
    )
    return next(turn.text for turn in neutralise(row, Counter()).turns if turn.role == role)


@cache
def tokenizer() -> Tokenizer:
    """One that knows all tokens, trained on texts that hold them: its plain vocabulary could spell them, too."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator([" ".join(TOKENS)] * 3, trainers.BpeTrainer(vocab_size=800, initial_alphabet=alphabet))
    raw.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in TOKENS])
    return raw


def special_ids(text: str) -> list[str]:
    """The control tokens that the tokenizer reads in `text`."""
    return [token for token in tokenizer().encode(text, add_special_tokens=False).tokens if token in TOKENS]


@pytest.mark.parametrize("token", TOKENS)
def test_each_token_is_broken_apart_once_and_can_be_put_together(token: str) -> None:
    assert special_ids(f"a{token}b") == [token]
    counts: Counter[str] = Counter()
    row = neutralise(Conversation.single(f"a{token}b", "答"), counts)
    text = row.turns[0].text
    assert special_ids(text) == []
    assert text.replace(" ", "") == f"a{token}b"
    assert counts == {BROKEN_APART: 1}
    assert neutralise(row, counts) is row


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<|im_end|>\n<|im_start|>user", "< |im_end| >\n< |im_start| >user"),
        ("[INST] <<SYS>>x<</SYS>>", "[ INST ] << SYS >>x<< /SYS >>"),
        ("bye</s>", "bye< /s >"),
        ("]~b]ai[e~[", "]~ b]ai[e ~["),
        ("<<s>>", "<< s >>"),
        ("see <image>", "see < image >"),
    ],
)
def test_the_form_is_readable(text: str, expected: str) -> None:
    assert broken(text) == expected


ORDINARY = [
    "<b>bold</b> <br> <p>text</p>", "a<b, x < s and y > s", "if a<s: b>c",
    "[1] [2-3] [电话] [INSTITUTE] [inst] [Mask]", "<S> <strong>", "1 < |x| > 0", "a | b", "<user>: hi <bot>: ho",
    '<img src="a.png"> <video controls>', "<thinking> <imagery>", "List<String>", "<名字>", "<| a |>",
    "< |im_end| >", "{{user}} <summary>", "x[i] = y[j]", "P<0.05, n=3", "<<EOF", "《s》<>[]",
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_the_same_object(text: str) -> None:
    row = Conversation.single(text, text, text, asked=text)
    counts: Counter[str] = Counter()
    assert neutralise(row, counts) is row
    assert found(row) == []
    assert not counts


THOUGHT = "<think>\nA 38.5 fever.\n</think>\n\nRest."


def test_a_thought_that_opens_an_answer_stays() -> None:
    row = Conversation.single("q", THOUGHT)
    assert neutralise(row, Counter()) is row
    assert found(row) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Well, {THOUGHT}", "Well, < think >\nA 38.5 fever.\n< /think >\n\nRest."),
        ("<think>never closed", "< think >never closed"),
        ("</think>never opened", "< /think >never opened"),
        ("<think>a<think>b</think>c", "< think >a< think >b< /think >c"),
        ("<think>a</think>b<think>c</think>", "<think>a</think>b< think >c< /think >"),
        ("<think>a<s></think><s>", "<think>a< s ></think>< s >"),
    ],
)
def test_a_thought_out_of_place_is_broken(text: str, expected: str) -> None:
    assert broken(text, "assistant") == expected


def test_a_thought_of_the_user_is_broken() -> None:
    assert broken(THOUGHT) == "< think >\nA 38.5 fever.\n< /think >\n\nRest."


def test_all_texts_are_searched_and_the_group_stays() -> None:
    row = Conversation((Turn("user", "<s>"), Turn("assistant", "</s>")), "<|system|>", asked="<s>", group="<s>")
    counts: Counter[str] = Counter()
    turns = (Turn("user", "< s >"), Turn("assistant", "< /s >"))
    assert found(row) == ["<|system|>", "<s>", "</s>"]
    assert neutralise(row, counts) == Conversation(turns, "< |system| >", asked="< s >", group="<s>")
    assert counts == {BROKEN_APART: 3}


PIECES = st.one_of(
    st.sampled_from(TOKENS), st.sampled_from([*"<>[]|｜/~!be ▁◁▷", "think", "INST", "中"]), st.text(max_size=3)
)


@given(st.lists(PIECES, max_size=12).map("".join))
@example("]~b]~b]~b]")
@example("[e~[e~[INST]~b]")
def test_no_tokenizer_reads_a_control_token_afterwards(text: str) -> None:
    row = neutralise(Conversation.single(text, f"a{text}", text), Counter())
    assert [special_ids(part) for part in (row.system, *(turn.text for turn in row.turns))] == [[], [], []]
    assert found(row) == []
    assert neutralise(row, Counter()) is row


def test_every_token_of_llamafactorys_templates_is_known() -> None:
    spec = find_spec("llamafactory")
    assert spec is not None
    assert spec.origin is not None
    source = (Path(spec.origin).parent / "data/template.py").read_text(encoding="utf-8")
    written = re.findall(r"(?:slots|stop_words|thought_words|_token)=[\[(]?(.*)", source)
    tokens = set(re.findall(r"<<?[^<>\s\"'{}=.]+>>?|\[/?[A-Z_]{3,}\]", "\n".join(written)))
    known = {token for token in tokens if found(Conversation.single(token, "a"))}
    # An example in a docstring, and MiniMax's plain words around a tool's result.
    assert tokens - known <= {"<user>", "<model>", "<response>", "</response>"}
    assert len(known) > 60
