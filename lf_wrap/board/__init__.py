"""LLaMA Board, opened on what is here: datasets listed, recipes in its form, finished runs among its checkpoints."""

from lf_wrap.board.form import Form, installed_form
from lf_wrap.board.saved_config import from_config, to_config
from lf_wrap.board.serve import serve
from lf_wrap.board.workspace import Prepared, import_config, prepare

__all__ = ["Form", "Prepared", "from_config", "import_config", "installed_form", "prepare", "serve", "to_config"]
