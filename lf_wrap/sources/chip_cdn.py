"""CHIP-CDN: diagnoses as doctors write them, beside the ICD-10 terms; several terms are joined by `##`."""

from __future__ import annotations

from lf_wrap.sources.term_normalization import TermNormalization


class ChipCdn(TermNormalization):
    """The same task as `TermNormalization`, under other names and with its prompt."""

    name = "chip_cdn"
    shape = "JSON: text (as written), normalized_result (standard terms, joined by ##)"
    columns = ("text", "normalized_result")
    by_position = False

    def _own_prompt(self) -> str:
        return TermNormalization().prompt
