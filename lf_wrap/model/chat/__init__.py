"""Talking with a model in the terminal: a loop of lines and commands, and the models that answer."""

from lf_wrap.model.chat.presets import PRESETS
from lf_wrap.model.chat.talk import Answers, Talk

__all__ = ["PRESETS", "Answers", "Talk"]
