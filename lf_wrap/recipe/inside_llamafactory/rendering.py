"""Rows as LLaMA-Factory trains them, held against the model's own chat template, token by token."""

from __future__ import annotations

from typing import Any

AROUND = 8
"""So many tokens are shown before and after the first difference."""


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """The first row that is rendered differently, or none.

    `question`: `folder` of the model, `arguments` for LLaMA-Factory's DataArguments, `rows` of `system` and `turns`
    (user first, assistant last), and whatever else should make the question another one.

    A row's prompt is compared, all that stands before its last answer as the model meets it when it serves, and the
    token that ends the answer. `chat_template` is False where the model has none to compare with.
    """
    from llamafactory.data import get_template_and_fix_tokenizer
    from llamafactory.hparams import DataArguments
    from transformers import AutoTokenizer

    own = AutoTokenizer.from_pretrained(question["folder"])
    if not own.chat_template:
        return {"chat_template": False, "difference": None}
    tuned = AutoTokenizer.from_pretrained(question["folder"], padding_side="right")
    template = get_template_and_fix_tokenizer(tuned, DataArguments(**question["arguments"]))
    thinking = question["arguments"].get("enable_thinking")
    for number, row in enumerate(question["rows"]):
        trained, end = _trained(template, tuned, row)
        served, own_end = _served(own, row, thinking=thinking)
        if trained != served:
            return {"chat_template": True, "difference": {"row": number, **_first(own, trained, served)}}
        if end != own_end:
            told = {"at": len(trained), "trained": tuned.decode([end]), "served": own.decode([own_end])}
            return {"chat_template": True, "difference": {"row": number, "end": True, **told}}
    return {"chat_template": True, "difference": None}


def _trained(template: Any, tokenizer: Any, row: dict[str, Any]) -> tuple[list[int], int]:
    """The prompt and the token after the last answer, as LLaMA-Factory's supervised processor puts them together."""
    messages = [
        {"role": "user" if at % 2 == 0 else "assistant", "content": text} for at, text in enumerate(row["turns"])
    ]
    pairs = template.encode_multiturn(tokenizer, messages, row["system"] or None, None)
    eos = [tokenizer.eos_token_id] if template.efficient_eos else []
    prompt: list[int] = []
    for at, (source, target) in enumerate(pairs):
        prompt += [*(eos if at else []), *source]
        if at < len(pairs) - 1:
            prompt += target
    return prompt, _last(tokenizer, [*pairs[-1][1], *eos])


def _served(tokenizer: Any, row: dict[str, Any], *, thinking: Any) -> tuple[list[int], int]:
    """The same from the model's chat template, as a server would render it."""
    system = [{"role": "system", "content": row["system"]}] if row["system"] else []
    said = [{"role": "user" if at % 2 == 0 else "assistant", "content": text} for at, text in enumerate(row["turns"])]
    how = {"tokenize": False, "enable_thinking": thinking is not False}
    prompt = tokenizer.apply_chat_template([*system, *said[:-1]], add_generation_prompt=True, **how)
    whole = tokenizer.apply_chat_template([*system, *said], **how)
    ids: list[int] = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    return ids, _last(tokenizer, tokenizer(whole, add_special_tokens=False)["input_ids"])


def _last(tokenizer: Any, ids: list[int]) -> int:
    """The last token that is more than blanks: a template may or may not break the line after an answer."""
    return next((one for one in reversed(ids) if tokenizer.decode([one]).strip()), ids[-1])


def _first(tokenizer: Any, trained: list[int], served: list[int]) -> dict[str, Any]:
    """Where two lists of tokens part, with the text around."""
    both = zip(trained, served, strict=False)
    at = next((number for number, (one, other) in enumerate(both) if one != other), min(len(trained), len(served)))
    window = slice(max(0, at - AROUND), at + AROUND)
    return {"at": at, "trained": tokenizer.decode(trained[window]), "served": tokenizer.decode(served[window])}
