"""Control tokens inside row text, broken apart so that a tokenizer reads them as plain text.

LLaMA-Factory tokenizes row text with the model's special tokens live (`split_special_tokens` is off by default, and its
templates are encoded by the same call): `<|im_end|><|im_start|>assistant` in a question forges a turn, `</s>` in an
answer ends it, and `<image>` makes the row fail for want of an image (`extras/constants.py`: IMAGE_PLACEHOLDER,
VIDEO_PLACEHOLDER, AUDIO_PLACEHOLDER). Which model a dataset trains is not known when it is built, so all are broken.

The visible form is the token with one blank inside each bracket: `< |im_end| >`, `[ INST ]`, `<< SYS >>`, `]~ b]`.
Taking these blanks out again gives the original text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from lf_wrap.conversation import Conversation, Turn

BROKEN_APART = "special tokens broken apart"

# Any name between bars is a control token: <|im_end|>, <｜begin▁of▁sentence｜>, Gemma 4's lopsided <|turn> and <turn|>.
_BARRED = r"<[|｜][^\s<>|｜]{1,80}[|｜]>|<\|[\w/:.\-]{1,40}>|<[\w/:.\-]{1,40}\|>"

# Without bars only names that a tokenizer or a template is known to use; <b>, <br> and <summary> are text.
_NAMES = "|".join(
    (
        r"/?(?:s|unk|pad|bos|eos|mask|sep|cls|eod|eot|sop|eop)|UNK|PAD|BOS|EOS|MASK|SEP|CLS",  # GLM, BERT
        r"(?:start|end)_of_(?:turn|image|audio|video|utterance)|(?:image|audio|video)_soft_token",  # Gemma 3, SmolVLM
        r"/?(?:image|video|audio|img|IMG_CONTEXT|slice|image_id|box|quad|ref)",  # LLaMA-Factory, InternVL, MiniCPM-V
        r"/?(?:think|tool_call|tool_calls|tool_response|tool_responses|tools|arg_key|arg_value|answer)",  # Qwen, GLM
        r"/?(?:seed|minimax|longcat)[:_]\w+|/?role|_(?:user|bot|system|end|start|observation)",  # Seed, Ling, TeleChat
        r"(?:begin|beginning|end)[▁_]of[▁_]\w+|eo[hams]|eosys|TOKENS_UNUSED_\d+|ai_prefix|(?:user|bot)_end",  # InternLM
        r"(?:un|UN)used_?\d+|UNUSED_?\d+|\w*reserved\w*_\d+|SPECIAL_\d+|extra_id_\d+|dummy_?\d+",  # Gemma, Baichuan, T5
        r"fim_(?:prefix|middle|suffix|pad)|file_sep|repo_name|gh_stars|jupyter_\w+|issue_\w+|commit_\w+",  # StarCoder
    )
)
_SQUARE = "|".join(
    (
        r"/?INST|gMASK|sMASK|MASK|CLS|SEP|PAD|UNK|BOS|EOS|sop|eop",  # Llama 2, Mistral, GLM, BERT
        r"/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CONTENT|THINK|MODEL_SETTINGS)",  # Mistral
        r"TOOL_CALLS|CALL_ID|ARGS|PREFIX|MIDDLE|SUFFIX|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO",
        r"UNUSED_TOKEN_\d+|unused_?\d+|control_\d+",  # InternLM 2, BERT, Mistral
    )
)
_TOKEN = re.compile(
    rf"{_BARRED}|<<(?P<double>/?SYS)>>|<(?:{_NAMES})>|\[(?:{_SQUARE})\]"
    r"|◁/?\w{1,40}▷"  # Kimi: ◁think▷
    r"|\](?P<tilde>~!?b[\[\]])|\[(?P<end>e~\[)"  # MiniMax 2: ]~!b[ begins a text, ]~b] a turn, [e~[ ends it
)
_THOUGHT = re.compile(r"\s*<think>((?:[^<]|<(?!/?think>))*+)</think>")


def neutralise(conversation: Conversation, counts: Counter[str]) -> Conversation:
    """The conversation with every control token broken apart, the same object when it holds none.

    `counts` gets the number of tokens. The system text and `asked` are treated like the turns. One well-formed
    `<think>…</think>` block at the very start of an assistant turn stays: reasoning data is trained with it, and
    LLaMA-Factory's templates handle it there. Any other `<think>` or `</think>` is broken.
    """
    tokens = found(conversation)
    if not tokens:  # then `asked`, which the turns hold too, has none either
        return conversation
    counts[BROKEN_APART] += len(tokens)
    turns = tuple(Turn(role, _broken(text, role)) for role, text in conversation.turns)
    system, asked = _broken(conversation.system), _broken(conversation.asked)
    others = tuple(_broken(text, "assistant") for text in conversation.others)
    return conversation._replace(turns=turns, system=system, asked=asked, others=others)


def found(conversation: Conversation) -> list[str]:
    """The control tokens that `neutralise` would break, in the order of the turns, those of the system text first."""
    return list(_tokens(conversation)) if _suspect(conversation) else []


def _suspect(conversation: Conversation) -> bool:
    """Whether any text holds a bracket that a token begins with: true for few rows, and cheap to tell."""
    for _, text in (*conversation.turns, ("system", conversation.system), *_others(conversation)):
        if "<" in text or "[" in text or "]" in text or "◁" in text:
            return True
    return False


def _tokens(conversation: Conversation) -> Iterator[str]:
    for role, text in (("system", conversation.system), *conversation.turns, *_others(conversation)):
        for part in _scanned(text, role):
            yield from (match.group() for match in _TOKEN.finditer(part))


def _others(conversation: Conversation) -> tuple[tuple[str, str], ...]:
    return tuple(("assistant", text) for text in conversation.others) if conversation.others else ()


def _scanned(text: str, role: str) -> tuple[str, ...]:
    """The parts of `text` in which no token may stand: all of it, or what is inside and behind a leading thought."""
    thought = _THOUGHT.match(text) if role == "assistant" else None
    return (thought[1], text[thought.end() :]) if thought else (text,)


def _broken(text: str, role: str = "") -> str:
    *thought, rest = _scanned(text, role)
    if not thought:
        return _apart(rest)
    lead = text[: text.index("<think>")]
    return f"{lead}<think>{_apart(thought[0])}</think>{_apart(rest)}"


def _apart(text: str) -> str:
    """`text` with its tokens broken apart; repeated, for MiniMax's may share a bracket: `]~b]~b]`."""
    while (broken := _TOKEN.sub(_with_blanks, text)) != text:
        text = broken
    return text


def _with_blanks(match: re.Match[str]) -> str:
    token = match.group()
    if name := match["double"]:
        return f"<< {name} >>"
    if match["tilde"] or match["end"]:
        return f"{token[:2]} {token[2:]}"
    return f"{token[0]} {token[1:-1]} {token[-1]}"
