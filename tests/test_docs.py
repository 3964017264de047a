"""Documents stay true: what they name exists, what exists is named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lf_wrap.cli.main import COMMANDS
from lf_wrap.dataset.spec import KEYS
from lf_wrap.evaluation.tasks import TASKS
from lf_wrap.recipe import Evaluate
from lf_wrap.sources import SOURCES
from tests.conftest import ROOT
from tests.sources.test_plugins import PLUGIN

READMES = ("README.md", "README_zh.md")
WORDS = {22: ("twenty-two", "二十二"), 23: ("twenty-three", "二十三"), 24: ("twenty-four", "二十四")}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("readme", READMES)
def test_every_command_is_in_the_readme_and_no_other(readme: str) -> None:
    told = set(re.findall(r"^\| `lfw ([\w-]+)", text(readme), re.MULTILINE))
    assert told == set(COMMANDS)


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_counts_the_layouts_rightly(readme: str) -> None:
    assert any(word in text(readme) for word in WORDS[len(SOURCES)])


PAGES = ("architecture", "data", "evaluation", "run", "troubleshooting")


@pytest.mark.parametrize("document", [*READMES, *(f"docs/{page}.md" for page in PAGES)])
def test_links_and_named_files_are_there(document: str) -> None:
    folder = (ROOT / document).parent
    for link in re.findall(r"\]\(([^)#:]+)\)", text(document)):
        assert (folder / link).exists(), link
    for command in re.findall(r"^scripts/\w+", text(document), re.MULTILINE):
        assert (ROOT / command).is_file()


def test_every_switch_of_a_spec_is_in_the_reference() -> None:
    for switch in KEYS:
        assert f"{switch}:" in text("docs/data.md"), switch


def test_the_plugin_in_the_reference_is_the_one_that_is_tested() -> None:
    code = re.search(r"```python\n# ward_notes.py\n(.*?)```", text("docs/data.md"), re.DOTALL)
    assert code is not None
    strip = re.compile(r"\s*#.*$|\s+$", re.MULTILINE)
    assert strip.sub("", code.group(1)).split() == strip.sub("", PLUGIN).split()


def test_every_room_is_on_the_architecture_page() -> None:
    page = text("docs/architecture.md")
    for room in Path(ROOT / "lf_wrap").iterdir():
        if room.is_dir() and (room / "__init__.py").exists():
            assert f"`{room.name}/`" in page


def test_every_task_metric_and_switch_of_an_evaluation_is_in_the_reference() -> None:
    page = text("docs/evaluation.md")
    for task in TASKS:
        assert f"| `{task.name}` |" in page
    for switch in set(Evaluate.model_fields) - {"batch_size", "judge"}:
        assert f"  {switch}:" in page, switch


def test_the_learning_rates_of_packs_stand_in_the_benchmarks_as_measured() -> None:
    measured = json.loads(text("docs/benchmarks/h100-smollm2-learning-rates.json"))["runs"]
    for run in measured:
        low, high = run["norm, exact match"]["interval"]
        exact, general = run["norm, exact match"]["tuned"], run["general_en, contained"]["tuned"]
        row = f"| {run['learning_rate']:.0e} | {exact:.1%} ({100 * low:.1f} … {100 * high:.1f}) |"
        row = row.replace("e-0", "e-").replace("%", " %")
        told = next(line for line in text("docs/benchmarks.md").splitlines() if row in line)
        assert f"{general:.1%}".replace("%", " %") in told
        assert run["general_en, contained"]["verdict"] in told
