"""What of a row is kept within `cutoff_len`, and what of it is learned.

The same as LLaMA-Factory's `SupervisedDatasetProcessor` (0.9.5, `data/processor/supervised.py`): turn after turn is
taken while there is room; with `mask_history` the last turn comes first and is the only one learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lf_wrap.dataset.tokenized.encode import Ids

IGNORED = -100  # PyTorch's ignore_index: these tokens cost no loss
_IGNORED_RUN = np.full(1 << 16, IGNORED, np.int32)


@dataclass(frozen=True)
class Masking:
    """The arguments that decide about it."""

    cutoff_len: int
    """As it counts: one less than the argument when packing."""
    train_on_prompt: bool = False
    mask_history: bool = False


@dataclass(frozen=True)
class Turn:
    """What is kept of a question and its answer: the first `asked` and `answered` tokens."""

    number: int
    asked: int
    answered: int


def kept_turns(lengths: list[tuple[int, int]], masking: Masking, efficient_eos: bool) -> list[Turn]:
    """The turns that are kept, in the order in which they get their room. `lengths`: question and answer, in tokens."""
    room = masking.cutoff_len - efficient_eos
    numbered = list(enumerate(lengths))
    kept = []
    for number, (asked, answered) in reversed(numbered) if masking.mask_history else numbered:
        if room <= 0:
            break
        turn = Turn(number, *_shared(asked, answered, room))
        kept.append(turn)
        room -= turn.asked + turn.answered
    return kept


def _shared(asked: int, answered: int, room: int) -> tuple[int, int]:
    """How many tokens of each are kept: LLaMA-Factory's `infer_seqlen`."""
    if answered * 2 < room:
        most = room
    elif asked * 2 < room:
        most = room - asked
    else:
        most = int(room * (answered / (asked + answered)))
    answered = min(most, answered)
    return min(max(room - answered, 0), asked), answered


def assembled(
    pairs: list[tuple[Ids, Ids]], masking: Masking, efficient_eos: bool, eos: int
) -> tuple[list[Ids], list[Ids]]:
    """The parts that make up a row's ids, and those that make up its labels."""
    end = np.array([eos], np.int32)
    ids: list[list[Ids]] = []
    labels: list[list[Ids]] = []
    kept = kept_turns([(len(asked), len(answered)) for asked, answered in pairs], masking, efficient_eos)
    for place, turn in enumerate(kept):
        asked, answered = pairs[turn.number][0][: turn.asked], pairs[turn.number][1][: turn.answered]
        ids.append([asked, answered])
        if masking.train_on_prompt:
            asked_labels = [asked]
        elif efficient_eos and place:
            asked_labels = [end, _ignored(turn.asked - 1)]
        else:
            asked_labels = [_ignored(turn.asked)]
        labels.append([*asked_labels, _ignored(turn.answered) if masking.mask_history and place else answered])
    if masking.mask_history:
        ids.reverse()
        labels.reverse()
    if efficient_eos:
        ids.append([end])
        labels.append([end])
    return [part for turn in ids for part in turn], [part for turn in labels for part in turn]


def _ignored(length: int) -> Ids:
    return _IGNORED_RUN[:length] if 0 <= length <= len(_IGNORED_RUN) else np.full(max(0, length), IGNORED, np.int32)
