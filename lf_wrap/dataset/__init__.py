"""Conversations in, registered LLaMA-Factory datasets out: one file per verb, strung together in `build.py`."""

from lf_wrap.dataset.build import build, is_fresh
from lf_wrap.dataset.card import Card, Counts, load_card
from lf_wrap.dataset.cut import Cut, cut, cut_at_most
from lf_wrap.dataset.from_hubs import fetch_missing
from lf_wrap.dataset.making import raw_files
from lf_wrap.dataset.measure import ROUND_UP_TO, Lengths, Turns, conversations, token_lengths, turn_lengths
from lf_wrap.dataset.mix import Measure, Mix, counted_in, mix, planned
from lf_wrap.dataset.registered import registered, registered_file
from lf_wrap.dataset.shards import files_in
from lf_wrap.dataset.spec import DatasetSpec, SplitFiles, load_spec, sound_name
from lf_wrap.dataset.workers import cores

__all__ = [
    "ROUND_UP_TO",
    "Card",
    "Counts",
    "Cut",
    "DatasetSpec",
    "Lengths",
    "Measure",
    "Mix",
    "SplitFiles",
    "Turns",
    "build",
    "conversations",
    "cores",
    "counted_in",
    "cut",
    "cut_at_most",
    "fetch_missing",
    "files_in",
    "is_fresh",
    "load_card",
    "load_spec",
    "mix",
    "planned",
    "raw_files",
    "registered",
    "registered_file",
    "sound_name",
    "token_lengths",
    "turn_lengths",
]
