"""Sampling presets: how an answer's tokens are drawn."""

from __future__ import annotations

from typing import Any

# "chat" and "leaderboard" are the numbers of the community notes on fine-tuning Qwen for roleplay: those of their chat
# loop, and of their table for leaderboards, which gives temperature as 0.7–0.9 and repetition as 1.1–1.2.
PRESETS: dict[str, dict[str, Any]] = {
    "chat": {"do_sample": True, "temperature": 0.95, "top_k": 20, "top_p": 0.85, "repetition_penalty": 1.2},
    "leaderboard": {
        "do_sample": True,
        "temperature": 0.8,
        "top_k": 50,
        "top_p": 0.9,
        "min_p": 0.01,
        "repetition_penalty": 1.1,
    },
    "greedy": {"do_sample": False, "temperature": None, "top_k": None, "top_p": None, "repetition_penalty": 1.0},
}
