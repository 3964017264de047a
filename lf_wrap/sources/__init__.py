"""Raw files in, conversations or rejects out. One file per raw layout; `SOURCES` lists them.

`open_rows` reads any container as rows, `recognise` tells which layout the rows are of, and a `Source` turns each
row into a `Conversation` or a `Reject`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import shown
from lf_wrap.sources.consultation_report import ConsultationReport
from lf_wrap.sources.medical_dialogue import MedicalDialogue
from lf_wrap.sources.medical_table import MedicalTable
from lf_wrap.sources.roleplay_tagged import RoleplayTagged
from lf_wrap.sources.rows import RawFile, open_rows
from lf_wrap.sources.source import Row, Source
from lf_wrap.sources.term_normalization import TermNormalization

__all__ = ["SOURCES", "RawFile", "Row", "Source", "open_rows", "recognise", "source_named"]

# In the order in which an unknown file is held against them: the more particular layouts first.
SOURCES: tuple[type[Source], ...] = (
    ConsultationReport,
    RoleplayTagged,
    TermNormalization,
    MedicalTable,
    MedicalDialogue,
)

# So many rows of an unknown file are looked at.
ROWS_LOOKED_AT = 20


def source_named(name: str) -> type[Source]:
    """The source called `name`.

    Raises:
        UserError: there is none.
    """
    for source in SOURCES:
        if source.name == name:
            return source
    known = [source.name for source in SOURCES]
    raise UserError(f"there is no source type {name!r}", fix=did_you_mean(name, known))


def recognise(raw: RawFile, columns: Mapping[str, str] = MappingProxyType({})) -> type[Source]:
    """The layout that most of the first rows of `raw` are of, once `columns` (source's name: file's name) is applied.

    Raises:
        UserError: the rows are of none of the known layouts.
    """
    renamed = {theirs: ours for ours, theirs in columns.items()}
    looked_at: list[Row] = [value for _, value in islice(raw, ROWS_LOOKED_AT) if isinstance(value, dict)]
    rows: list[Row] = [{renamed.get(key, key): value for key, value in row.items()} for row in looked_at]
    for source in SOURCES:
        if rows and 2 * sum(map(source.fits, rows)) > len(rows):
            return source
    seen = f"its rows have: {', '.join(map(str, rows[0]))}" if rows else "it has no rows of named values"
    raise UserError(
        f"cannot tell what kind of data {shown(raw.path)} is",
        where=seen,
        fix="give --type (see `lfw build-data --list-types`), or map the names with `columns:` in a spec",
    )
