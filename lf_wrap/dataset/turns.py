"""Turns as LLaMA-Factory demands them: from user to assistant, alternating. It drops any other row with a log line."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from lf_wrap.conversation import Conversation, Reject, Turn, behind_thought, thought_and_answer
from lf_wrap.sources.source import NO_ANSWER

MERGED = "runs of one speaker merged"
GREETING_DROPPED = "leading assistant turns dropped"
GREETING_MOVED = "leading assistant turns moved to the system text"
UNANSWERED = "trailing user turns dropped"
SPLIT = "long conversations split"
UNSOUND = "turns do not alternate"

# Tokens by estimate, for vocabularies like Qwen's: about one a Chinese character, one every three bytes of other text,
# and eight for the template's markers of a turn. Meant to be too high rather than too low.
BYTES_PER_TOKEN, TOKENS_PER_TURN = 3, 8


def alternate(conversation: Conversation, counts: Counter[str], greeting: str = "drop") -> Conversation | Reject:
    """The conversation with turns that alternate from the user to the assistant; `counts` says what was changed.

    Several turns of one speaker in a row become one (joined by a line break), a question that nobody answered is
    dropped, and a greeting that nobody asked for is dropped or, with `greeting="move"`, appended to the system text.
    """
    turns = conversation.turns
    if len(turns) == 2 and turns[0].role == "user" and turns[1].role == "assistant":
        return conversation
    merged: list[Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1] = Turn(turn.role, _together(turn.role, merged[-1].text, turn.text))
        else:
            merged.append(turn)
    system = conversation.system
    if merged and merged[0].role == "assistant":
        first = merged.pop(0)
        if greeting == "move":
            system = f"{system}\n\n{first.text}".strip()
    if merged and merged[-1].role == "user":
        merged.pop()
        counts[UNANSWERED] += 1
    if not merged:
        return Reject(NO_ANSWER, "no user turn is followed by an assistant turn")
    if turns[0].role == "assistant":
        counts[GREETING_MOVED if greeting == "move" else GREETING_DROPPED] += 1
    if any(one.role == other.role for one, other in pairwise(turns)):
        counts[MERGED] += 1
    return conversation._replace(turns=tuple(merged), system=system)


def _together(role: str, said: str, more: str) -> str:
    """Two texts as one; where the second begins with a thought, that goes with the first's: amid a text it is none."""
    thought, answer = thought_and_answer(more) if role == "assistant" else (None, more)
    if thought is None:
        return f"{said}\n{more}"
    earlier, answered = thought_and_answer(said)
    thoughts, answers = (
        "\n".join(filter(None, map(str.strip, parts))) for parts in ((earlier or "", thought), (answered, answer))
    )
    return behind_thought(thoughts, answers)


def refuse_unsound(conversation: Conversation) -> Conversation | Reject:
    """The conversation, if its turns alternate from the user to the assistant."""
    roles = [turn.role for turn in conversation.turns]
    if roles and roles == ["user", "assistant"] * (len(roles) // 2):
        return conversation
    return Reject(UNSOUND, f"the turns are {', '.join(roles[:6])}{'…' * (len(roles) > 6)}")


def split_long(conversation: Conversation, longest: int, counts: Counter[str]) -> list[Conversation]:
    """The conversation in pieces of at most `longest` tokens (by estimate), cut where an answer ends.

    Each further piece begins with the last exchange of the one before, so that its first new question has a context. A
    single exchange that is longer than `longest` stays whole.
    """
    pairs = list(zip(conversation.turns[::2], conversation.turns[1::2], strict=True))
    fixed = tokens(conversation.system) + TOKENS_PER_TURN
    costs = [sum(tokens(turn.text) + TOKENS_PER_TURN for turn in pair) for pair in pairs]
    if len(pairs) < 2 or fixed + sum(costs) <= longest:
        return [conversation]
    pieces: list[list[int]] = [[0]]
    for number in range(1, len(pairs)):
        if fixed + sum(costs[held] for held in pieces[-1]) + costs[number] <= longest:
            pieces[-1].append(number)
        else:
            context = [number - 1] if fixed + costs[number - 1] + costs[number] <= longest else []
            pieces.append([*context, number])
    counts[SPLIT] += 1
    said = [tuple(turn for number in piece for turn in pairs[number]) for piece in pieces]
    return [Conversation(turns, conversation.system, "", conversation.group) for turns in said]


def tokens(text: str) -> int:
    """About how many tokens `text` is: a Chinese character is three bytes of UTF-8 and about one token."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
