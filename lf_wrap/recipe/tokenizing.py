"""What it takes to tokenize a recipe's rows as LLaMA-Factory would: its arguments, its template, its tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lf_wrap.dataset.tokenized import TOKENIZER_KEYS, Arguments, Described, NotRepeated, arguments_of, place_of
from lf_wrap.errors import ChildFailed
from lf_wrap.recipe.base_model import BaseModel
from lf_wrap.recipe.inside_llamafactory import ask, versions

ROUND = 1  # raised when the program that is asked, or what it answers, means something else


@dataclass(frozen=True)
class Tokenizing:
    """The arguments as LLaMA-Factory reads them, and the question to it about tokenizer and template."""

    arguments: Arguments
    question: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where the tokenized rows are, or will be."""
        return place_of([self.question, versions()], self.arguments)

    def described(self, before: Callable[[], None] = lambda: None) -> Described:
        """LLaMA-Factory's template and tokenizer; `before` is called when it must be asked, which takes ten seconds.

        Raises:
            NotRepeated: they do something that only LLaMA-Factory does.
        """
        try:
            told = ask("template", self.question, before)
        except ChildFailed as error:
            raise NotRepeated(error.what) from None
        if "refused" in told:
            raise NotRepeated(told["refused"])
        return Described.from_json(told)


def tokenizing(settings: Mapping[str, Any], model: BaseModel) -> Tokenizing:
    """How the rows of a train YAML's `settings` are tokenized.

    Raises:
        NotRepeated: an argument is outside what we repeat.
    """
    said = {key: settings[key] for key in TOKENIZER_KEYS if settings.get(key) is not None}
    if model.folder:
        said["model_name_or_path"] = str(model.folder.resolve())
    return Tokenizing(
        arguments_of(settings), {"settings": said, "tokenizer": model.tokenizer_identity(), "round": ROUND}
    )
