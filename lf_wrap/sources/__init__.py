"""Raw files in, conversations or rejects out. One file per raw layout; `SOURCES` lists them.

`open_rows` reads any container as rows, `recognise` tells which layout the rows are of, and a `Source` turns each
row into a `Conversation` or a `Reject`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.sources.alpaca import Alpaca
from lf_wrap.sources.character_card import CharacterCard
from lf_wrap.sources.character_llm import CharacterLLM
from lf_wrap.sources.chat_log import ChatLog
from lf_wrap.sources.chip_cdn import ChipCdn
from lf_wrap.sources.consultation_report import ConsultationReport
from lf_wrap.sources.containers import (
    NotUtf8Error,
    NotWholeRowsError,
    Part,
    RawFile,
    files_of,
    left_out,
    open_all,
    open_rows,
)
from lf_wrap.sources.inline_turns import HumanAssistant, InlineTurns
from lf_wrap.sources.medical_dialogue import MedicalDialogue
from lf_wrap.sources.medical_table import MedicalTable
from lf_wrap.sources.multiple_choice import MultipleChoice
from lf_wrap.sources.openai_messages import OpenAiMessages
from lf_wrap.sources.paired_turns import PairedTurns
from lf_wrap.sources.pippa import Pippa
from lf_wrap.sources.placeholders import filled
from lf_wrap.sources.plain_text import PlainText
from lf_wrap.sources.plugins import hookimpl, plugin_sources
from lf_wrap.sources.promptcblue import PromptCblue
from lf_wrap.sources.qa_pair import QaPair
from lf_wrap.sources.question_list import QuestionList
from lf_wrap.sources.rolebench import RoleBench
from lf_wrap.sources.roleplay_tagged import RoleplayTagged
from lf_wrap.sources.scripted_dialogue import ScriptedDialogue
from lf_wrap.sources.sharegpt import ShareGpt
from lf_wrap.sources.source import PLACEHOLDER, Carried, Row, Source
from lf_wrap.sources.term_normalization import TermNormalization
from lf_wrap.sources.utterances import Utterances

__all__ = [
    "PLACEHOLDER",
    "ROWS_SNIFFED",
    "SOURCES",
    "Carried",
    "NotUtf8Error",
    "NotWholeRowsError",
    "Part",
    "RawFile",
    "Row",
    "Source",
    "all_sources",
    "files_of",
    "filled",
    "hookimpl",
    "left_out",
    "look_medical",
    "open_all",
    "open_rows",
    "recognise",
    "source_named",
]

# In the order in which an unknown file is held against them: the more particular layouts first.
SOURCES: tuple[type[Source], ...] = (
    ConsultationReport,
    RoleplayTagged,
    CharacterCard,
    CharacterLLM,
    ChatLog,
    Pippa,
    RoleBench,
    ScriptedDialogue,
    TermNormalization,
    MedicalTable,
    MedicalDialogue,
    ChipCdn,
    PromptCblue,
    MultipleChoice,
    QuestionList,
    Utterances,
    InlineTurns,
    HumanAssistant,
    ShareGpt,
    OpenAiMessages,
    PairedTurns,
    Alpaca,
    QaPair,
    PlainText,
)

# Words of consultations, of which everyday rows seldom hold two.
MEDICAL = re.compile(
    r"患者|病人|医生|大夫|医院|症状|治疗|手术|用药|服药|疼痛|发烧|检查|诊断|patient|doctor|symptom|diagnos|treatment"
)
MEDICAL_SHARE = 0.5
ROWS_SNIFFED = 20


def all_sources() -> tuple[type[Source], ...]:
    """Every raw layout that is known: those of plugins first, then our own."""
    return (*plugin_sources(), *SOURCES)


def source_named(name: str) -> type[Source]:
    """The source called `name`.

    Raises:
        UserError: there is none.
    """
    for source in all_sources():
        if source.name == name:
            return source
    known = [source.name for source in all_sources()]
    raise UserError(f"there is no source type {name!r}", fix=did_you_mean(name, known))


def first_values(raw: RawFile, count: int = ROWS_SNIFFED) -> list[Any]:
    """The first rows of `raw`: enough to tell what it holds."""
    return [value for _, value in islice(raw, count)]


def recognise(
    raw: RawFile, columns: Mapping[str, str] = MappingProxyType({}), values: Sequence[Any] | None = None
) -> type[Source]:
    """The layout that most of the first rows of `raw` are of, once `columns` (source's name: file's) is applied.

    `values` are these rows, where they have been read already.

    Raises:
        UserError: the rows are of none of the known layouts.
    """
    renamed = {theirs: ours for ours, theirs in columns.items()}
    named: list[dict[str, Any]] = [
        row for row in (first_values(raw) if values is None else values) if isinstance(row, dict)
    ]
    rows = [{renamed.get(key, key): value for key, value in row.items()} for row in named]
    for source in all_sources():
        if rows and 2 * sum(map(source.fits, rows)) > len(rows):
            return source
    seen = f"its rows have: {', '.join(map(str, rows[0]))}" if rows else "it has no rows of named values"
    raise UserError(
        f"cannot tell what kind of data {raw.name} is",
        where=seen,
        fix="give --type (see `lfw build-data --list-types`), or map the names with `columns:` in a spec",
    )


def look_medical(values: Sequence[Any]) -> bool:
    """Whether half of these rows hold two different medical words: such rows may hold patients' data."""
    found = sum(len(set(MEDICAL.findall(str(value)))) >= 2 for value in values)
    return bool(values) and found >= MEDICAL_SHARE * len(values)
