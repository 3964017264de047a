"""Models as files: fetched, checked before a merge, proved after it, and put into the forms that servers take."""

from lf_wrap.model.locate import local_folder
from lf_wrap.model.mergeable import require_mergeable
from lf_wrap.model.smollm2 import fetch_smollm2

__all__ = ["fetch_smollm2", "local_folder", "require_mergeable"]
