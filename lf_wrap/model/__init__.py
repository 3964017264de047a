"""Models as files: fetching them, and knowing what a finished one is."""

from lf_wrap.model.locate import local_folder
from lf_wrap.model.smollm2 import fetch_smollm2

__all__ = ["fetch_smollm2", "local_folder"]
