"""A package from outside adds a way to judge: the one in the reference, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

ASK = """
from lf_wrap.evaluation import task_named
task = task_named("polite", word="hi")
print(task.score("hi there", ""), list(task.metrics))
"""


def test_the_plugin_in_the_reference_judges(tmp_path: Path) -> None:
    page = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n# my_package/lfw_plugin.py\n(.*?)```", page, re.DOTALL)
    assert code is not None
    (tmp_path / "polite.py").write_text(code.group(1), encoding="utf-8")
    info = tmp_path / "polite-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: polite\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[lfw]\npolite = polite\n", encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "{'greets': 1.0, 'characters': 8.0} ['greets', 'characters']\n"
