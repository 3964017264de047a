"""What a source is: the knowledge of one raw layout, from a raw row to a conversation or a reject."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, ClassVar, NamedTuple

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.sources.thoughts import THOUGHTS, with_thought

Row = Mapping[str, Any]
PLACEHOLDER = re.compile(r"{(\w+)}")
NO_ANSWER = "no answer"
NO_QUESTION = "no question"
NOT_THIS_SHAPE = "not this shape"
UNWANTED = "unwanted answer"


class Carried(NamedTuple):
    """A simple row, as one question and one answer: its fields may go out as the JSON they came in (`dataset.carry`).

    That every such row becomes `Conversation.single(prompt, answer)` is a promise about the source's `convert`.
    """

    prompt: str
    """The question, with `{field}` for each field that must be text and not blank."""
    answer: str
    """The field that is the answer."""
    empty: tuple[str, ...] = ()
    """The fields in which nothing (null, "" or []) may stand."""


class Source(ABC):
    """One raw layout. A new one is a subclass with these attributes and two methods, added to `sources.SOURCES`."""

    name: ClassVar[str]
    shape: ClassVar[str]
    """What its rows look like, in a line: shown by `lfw build-data --list-types`."""
    columns: ClassVar[tuple[str, ...]]
    """The keys a row must have."""
    prompt_fields: ClassVar[tuple[str, ...]] = ()
    """The placeholders its prompt may use; empty when the layout brings whole questions."""
    by_position: ClassVar[bool] = False
    """Whether a table without these keys may be read by the order of its columns."""
    medical: ClassVar[bool] = False
    """Whether its rows may hold personal data of patients: these are redacted unless the spec says otherwise."""
    pretraining: ClassVar[bool] = False
    """Whether its rows are plain text, for continued pretraining (stage `pt`)."""
    several_answers: ClassVar[bool] = False
    """Whether a row may bring `others` beside its answer."""
    wanted: ClassVar[tuple[str, ...]] = ("kto_tag",)
    """Columns in which `false` marks an answer that is not to be learned: LLaMA-Factory's for KTO."""
    task: ClassVar[str] = "open"
    """How answers to its test rows are scored: a name of `lf_wrap.evaluation.tasks`."""

    def __init__(self, prompt: str | None = None) -> None:
        """With its own prompt (`prompts/<name>.txt`), or the one given instead.

        Raises:
            UserError: the prompt uses a placeholder that this source does not fill.
        """
        if prompt is not None and not self.prompt_fields:
            raise UserError(f"{self.name} takes no prompt: its rows bring the whole question", fix="remove `prompt`")
        self.prompt = prompt if prompt is not None else self._own_prompt()
        for field in PLACEHOLDER.findall(self.prompt):
            if field not in self.prompt_fields:
                raise UserError(
                    f"the prompt of {self.name} cannot use {{{field}}}", fix=did_you_mean(field, self.prompt_fields)
                )
        self._template = PLACEHOLDER.sub(r"%(\1)s", self.prompt.replace("%", "%%"))
        self._needed = frozenset(self.columns)

    @classmethod
    def fits(cls, row: Row) -> bool:
        """Whether `row` is of this layout: used to recognise files whose type is not given."""
        return all(column in row for column in cls.columns)

    def read(self, row: Any) -> Conversation | Reject | list[Conversation]:
        """What any raw row holds: what `convert` says, once the row has the right keys."""
        if not isinstance(row, dict):
            return row if isinstance(row, Reject) else Reject(NOT_THIS_SHAPE, f"{type(row).__name__} instead of a row")
        if not (self.by_position or row.keys() >= self._needed):
            missing = [column for column in self.columns if column not in row]
            return Reject("missing column", f"{', '.join(missing)} not among {', '.join(map(str, row))}")
        for mark in self.wanted:
            if row.get(mark) is False:
                return Reject(UNWANTED, f"{mark} is false")
        made = self.convert(row)
        return made if isinstance(made, list) or self.task != "open" else with_thought(row, made)

    @abstractmethod
    def convert(self, row: Row) -> Conversation | Reject | list[Conversation]:
        """The conversation that `row`, which has all `columns`, holds; or why it holds none.

        A list when one row holds several (a question with several answers, a card with several example chats).
        """

    def carried(self) -> tuple[Carried, ...]:
        """The forms of simple rows, of which most large files have millions; none unless the source says so."""
        return ()

    def telling(self, form: Carried) -> tuple[str, ...]:
        """The fields that make another row of one of this form, when something stands in them."""
        return (*form.empty, *THOUGHTS, *self.wanted)

    def ask(self, **fields: str) -> str:
        """The prompt with its placeholders filled. Braces inside the fields stay as they are."""
        return self._template % fields

    def _own_prompt(self) -> str:
        if not self.prompt_fields:
            return ""
        return files("lf_wrap.sources").joinpath(f"prompts/{self.name}.txt").read_text(encoding="utf-8").rstrip("\n")


def text(value: Any) -> str:
    """A cell or JSON value as text; missing ones (None, NaN, an empty list) and blanks are empty.

    Numbers are written as people wrote them: Excel hands out 3 as 3.0.
    """
    if isinstance(value, str):
        return "" if value.isspace() else value
    if value is None or value == [] or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
