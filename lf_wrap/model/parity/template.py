"""The exported tokenizer and chat template against what training rendered, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lf_wrap.conversation import Conversation
from lf_wrap.model.parity.trained_template import TrainedTemplate, messages_of

AROUND = 6  # tokens quoted on each side of a difference


@dataclass(frozen=True)
class TemplateParity:
    """Whether the exported template gives the tokens of training. `cause` is empty when it does."""

    prompts: int
    equal: bool
    cause: str = ""


def template_parity(exported: Any, trained: TrainedTemplate, asked: Sequence[Conversation]) -> TemplateParity:
    """The `exported` tokenizer's rendering of each prompt against training's, up to the first difference."""
    if missing := _missing_special(exported, trained):
        return TemplateParity(len(asked), equal=False, cause=missing)
    if not exported.chat_template:
        return TemplateParity(len(asked), equal=False, cause="the exported tokenizer has no chat template")
    for number, conversation in enumerate(asked, 1):
        wanted, got = trained.prompt(conversation), rendered(exported, conversation)
        if wanted != got:
            cause = _in_words(number, wanted, got, trained.tokenizer, exported)
            return TemplateParity(len(asked), equal=False, cause=cause)
    return TemplateParity(len(asked), equal=True)


def rendered(tokenizer: Any, conversation: Conversation) -> list[int]:
    """The tokens of the prompt as `tokenizer`'s own chat template writes it."""
    text = tokenizer.apply_chat_template(messages_of(conversation), add_generation_prompt=True, tokenize=False)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _missing_special(exported: Any, trained: TrainedTemplate) -> str:
    """A special token of training that the exported tokenizer does not know as one token of the same id."""
    for token in trained.tokenizer.all_special_tokens:
        wanted = trained.tokenizer.convert_tokens_to_ids(token)
        got = list(exported(token, add_special_tokens=False)["input_ids"])
        if got != [wanted]:
            became = f"{len(got)} tokens" if len(got) != 1 else f"token {got[0]}"
            return f"missing special token: {token!r} was token {wanted} in training and is {became} in the export"
    return ""


def _in_words(number: int, wanted: list[int], got: list[int], before: Any, after: Any) -> str:
    place = next((at for at, pair in enumerate(zip(wanted, got, strict=False)) if pair[0] != pair[1]), None)
    place = min(len(wanted), len(got)) if place is None else place
    told, said = (
        tokenizer.decode(ids[max(0, place - AROUND) : place + AROUND])
        for tokenizer, ids in ((before, wanted), (after, got))
    )
    return (
        f"changed chat template: prompt {number} differs from token {place + 1} on: "
        f"training had {told!r}, the export has {said!r}"
    )
