"""How LLaMA-Factory loads a model's tokenizer, and what its chat template for it is made of."""

from __future__ import annotations

from dataclasses import asdict
from itertools import product
from typing import Any

from lf_wrap.dataset.tokenized.encode import Encoder
from lf_wrap.dataset.tokenized.template import ChatTemplate, Message, Piece, Pieces

CONVERSATIONS = [
    ["你好,  world\t1234!\n\n", "<think>\n想一想\n</think>\n\n答:it's fine 😀 "],
    ["高血压怎么办？", "多休息。", "　然后呢?{{idx}}", "<think>\nhm\n</think>\n\nＡＢＣ café\u0301 don't"],
    ["a", "b", "{{content}}", "", "x" * 99, "<think>only begun"],
]


class Refused(Exception):
    """Why LLaMA-Factory's own preprocessing must be used."""


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """`template` and `tokenizer` (as `tokenizer.json`, after all that LLaMA-Factory does to it) for `settings`.

    Or `refused`: why we cannot tokenize with them as LLaMA-Factory does. What else is in the question only tells it
    from another about the same model's name.
    """
    try:
        template, tokenizer = _asked(question["settings"])
    except Refused as reason:
        return {"refused": str(reason)}
    return {"template": asdict(template), "tokenizer": tokenizer}


def _asked(settings: dict[str, Any]) -> tuple[ChatTemplate, str]:
    from llamafactory.data import get_template_and_fix_tokenizer
    from llamafactory.hparams import DataArguments, ModelArguments
    from llamafactory.model import load_tokenizer
    from transformers import HfArgumentParser

    model_args, data_args = HfArgumentParser((ModelArguments, DataArguments)).parse_dict(settings)
    tokenizer = load_tokenizer(model_args)["tokenizer"]
    template = get_template_and_fix_tokenizer(tokenizer, data_args)
    _refuse_unusual(tokenizer, template)
    described = _described(template, tokenizer, data_args.template)
    tokenizer_json = tokenizer.backend_tokenizer.to_str()
    _compare(template, tokenizer, described, Encoder(tokenizer_json))
    return described, tokenizer_json


def _refuse_unusual(tokenizer: Any, template: Any) -> None:
    from llamafactory.data.mm_plugin import BasePlugin
    from transformers import PreTrainedTokenizerFast

    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise Refused(f"{type(tokenizer).__name__} is not a fast tokenizer")
    if type(tokenizer)._encode_plus is not PreTrainedTokenizerFast._encode_plus:
        raise Refused(f"{type(tokenizer).__name__} encodes in a way of its own")
    if tokenizer.split_special_tokens:
        raise Refused("split_special_tokens is on")
    if tokenizer.truncation_side != "right":
        raise Refused("the tokenizer cuts on the left")
    if "token_type_ids" in tokenizer.model_input_names:
        raise Refused("the tokenizer gives token_type_ids")
    if type(template.mm_plugin) is not BasePlugin:
        raise Refused("the template takes images, videos or audio")
    if tokenizer.pad_token_id is None:
        raise Refused("the tokenizer has no token to pad with")


def _described(template: Any, tokenizer: Any, name: str | None) -> ChatTemplate:
    """LLaMA-Factory's template as data."""
    from llamafactory.data import template as classes

    kinds = {
        classes.Template: "plain",
        classes.Llama2Template: "llama2",
        classes.ReasoningTemplate: "reasoning",
        classes.Glm47ReasoningTemplate: "reasoning",
    }
    if type(template) not in kinds:
        raise Refused(f"{type(template).__name__} is a kind of template of its own")
    return ChatTemplate(
        kind=kinds[type(template)],  # type: ignore[arg-type]
        prefix=_slots(template.format_prefix, tokenizer),
        system=_slots(template.format_system, tokenizer),
        user=_slots(template.format_user, tokenizer),
        assistant=_slots(template.format_assistant, tokenizer),
        default_system=template.default_system,
        thought_words=tuple(template.thought_words),
        empty_thought=template.add_thought(),
        enable_thinking=template.enable_thinking,
        preserve_thinking=template.preserve_thinking,
        efficient_eos=template.efficient_eos,
        eos=tokenizer.eos_token_id,
        pad=tokenizer.pad_token_id,
        text_end="<|end_of_text|>" if name == "llama3" else tokenizer.eos_token,
        text_begin=(tokenizer.bos_token or "") if getattr(tokenizer, "add_bos_token", False) else "",
    )


def _slots(formatter: Any, tokenizer: Any) -> Pieces:
    from llamafactory.data.formatter import EmptyFormatter, StringFormatter

    if type(formatter) not in (EmptyFormatter, StringFormatter):
        raise Refused(f"{type(formatter).__name__} is a kind of formatter of its own")
    slots = [_slot(slot, tokenizer) for slot in formatter.slots]
    return [slot for slot in slots if slot is not None]


def _slot(slot: Any, tokenizer: Any) -> Piece | None:
    """A text as it is, a token as its id; None for a token that the tokenizer has not."""
    if isinstance(slot, str):
        return slot
    if isinstance(slot, dict):
        return int(tokenizer.convert_tokens_to_ids(slot.get("token")))
    if "bos_token" in slot and tokenizer.bos_token_id is not None:
        return int(tokenizer.bos_token_id)
    return tokenizer.eos_token_id if "eos_token" in slot else None


def _compare(template: Any, tokenizer: Any, ours: ChatTemplate, encoder: Encoder) -> None:
    """Refuses a template or tokenizer with which a conversation comes out otherwise than LLaMA-Factory has it."""
    for said, system, forget in product(CONVERSATIONS, ("", "你是医生。\n"), (False, True)):
        roles = ("user", "assistant") * (len(said) // 2)
        messages = [Message(role, content) for role, content in zip(roles, said, strict=True)]  # type: ignore[arg-type]
        theirs = template.encode_multiturn(
            tokenizer, [message._asdict() for message in messages], system, "", discarding_history_cot=forget
        )
        made = [
            (_ids(source, encoder), _ids(target, encoder)) for source, target in ours.pairs(messages, system, forget)
        ]
        if made != [(list(source), list(target)) for source, target in theirs]:
            raise Refused("the template does something that we do not repeat")


def _ids(pieces: Pieces, encoder: Encoder) -> list[int]:
    encoded = encoder.encode([piece for piece in pieces if isinstance(piece, str)])
    ids: list[int] = []
    for piece in pieces:
        ids += [piece] if isinstance(piece, int) else encoded[piece].tolist()
    return ids
