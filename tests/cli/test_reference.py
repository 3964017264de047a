"""docs/cli.md is what the commands say of themselves."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT


def test_the_reference_is_fresh() -> None:
    command = [sys.executable, "scripts/cli_reference.py"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs/cli.md").read_text(encoding="utf-8") == printed, (
        "python scripts/cli_reference.py > docs/cli.md"
    )
