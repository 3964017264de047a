"""lfw: from raw medical and roleplay data to an honestly evaluated model, on LLaMA-Factory."""

__version__ = "0.1.0"
