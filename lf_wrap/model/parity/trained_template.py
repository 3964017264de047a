"""The chat template as training rendered it: LLaMA-Factory's own `Template`, with the arguments of the run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lf_wrap.conversation import Conversation

Messages = list[dict[str, str]]

# The arguments of `llamafactory-cli train` that decide how a row becomes tokens.
TEMPLATE_ARGUMENTS = ("template", "default_system", "enable_thinking", "preserve_thinking", "tool_format")
TOKENIZER_ARGUMENTS = (
    "model_name_or_path",
    "use_fast_tokenizer",
    "split_special_tokens",
    "add_tokens",
    "add_special_tokens",
    "new_special_tokens_config",
    "trust_remote_code",
)


@dataclass(frozen=True)
class TrainedTemplate:
    """LLaMA-Factory's template and the tokenizer as it had fixed it for training."""

    template: Any
    tokenizer: Any

    @classmethod
    def of(cls, base: Path, arguments: Mapping[str, Any]) -> TrainedTemplate:
        """The template that training with these `arguments` (of its YAML) used on the tokenizer in folder `base`."""
        from llamafactory.data.template import TEMPLATES, get_template_and_fix_tokenizer
        from llamafactory.hparams import DataArguments, ModelArguments
        from llamafactory.model import load_tokenizer

        said = {**arguments, "model_name_or_path": str(base)}
        name = said.get("template")
        registered = TEMPLATES.get(name)
        try:
            with _quiet():
                tokenizer = load_tokenizer(_known(ModelArguments, TOKENIZER_ARGUMENTS, said))["tokenizer"]
                if registered is not None:  # it writes `default_system` into the registered one
                    TEMPLATES[name] = deepcopy(registered)
                template = get_template_and_fix_tokenizer(tokenizer, _known(DataArguments, TEMPLATE_ARGUMENTS, said))
        finally:
            if registered is not None:
                TEMPLATES[name] = registered
        return cls(template, tokenizer)

    @property
    def default_system(self) -> str:
        """The system text of rows that have none."""
        return str(self.template.default_system or "")

    def prompt(self, conversation: Conversation) -> list[int]:
        """The tokens before the last answer, as training saw them."""
        prompt, _ = self._encoded(conversation)
        return prompt

    def ends_answer(self) -> int:
        """The token that training puts right after an answer: the one a served model must stop at."""
        _, response = self._encoded(Conversation.single("a", "b"))
        answer = self.tokenizer.encode("b", add_special_tokens=False)
        after = response[response.index(answer[-1]) + 1 :] if answer and answer[-1] in response else []
        special = set(self.tokenizer.all_special_ids)
        return next((token for token in after if token in special), int(self.tokenizer.eos_token_id))

    def stops(self) -> list[int]:
        """All tokens at which LLaMA-Factory's own inference stops."""
        unknown = {None, self.tokenizer.unk_token_id}
        return sorted({int(t) for t in self.template.get_stop_token_ids(self.tokenizer) if t not in unknown})

    def stop_texts(self) -> list[str]:
        return [str(self.tokenizer.convert_ids_to_tokens(token)) for token in self.stops()]

    def jinja_template(self) -> str | None:
        """The same as a chat template for tokenizers; None where LLaMA-Factory cannot write it so."""
        try:
            return str(self.template._get_jinja_template(self.tokenizer))
        except ValueError:
            return None

    def ollama_template(self) -> str:
        """The same in Ollama's language.

        Raises:
            ValueError: LLaMA-Factory cannot write it so.
        """
        return str(self.template._get_ollama_template(self.tokenizer))

    def _encoded(self, conversation: Conversation) -> tuple[list[int], list[int]]:
        turns = [{"role": turn.role, "content": turn.text} for turn in conversation.turns]
        prompt, response = self.template.encode_oneturn(self.tokenizer, turns, conversation.system or None)
        return list(prompt), list(response)


def messages_of(conversation: Conversation) -> Messages:
    """The conversation up to its last answer, as chat templates of tokenizers take it."""
    system = [{"role": "system", "content": conversation.system}] if conversation.system else []
    return system + [{"role": turn.role, "content": turn.text} for turn in conversation.turns[:-1]]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps LLaMA-Factory from telling on stdout, once more, what its own log of the run has told."""
    logger = logging.getLogger("llamafactory")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _known(kind: Any, wanted: tuple[str, ...], said: Mapping[str, Any]) -> Any:
    """LLaMA-Factory's dataclass `kind` with the `wanted` ones of the arguments, as far as this version knows them."""
    names = {one.name for one in fields(kind) if one.init} & set(wanted)
    return kind(**{key: value for key, value in said.items() if key in names})
