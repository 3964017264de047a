"""A package from outside adds a raw layout with one file and an entry point."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.conftest import Lfw

PLUGIN = '''
"""Ward notes: {"note": what was asked, "reply": what was answered}."""

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources import Row, Source, hookimpl


class WardNotes(Source):
    name = "ward_notes"
    shape = "JSON: note, reply"
    columns = ("note", "reply")
    prompt_fields = ("note",)
    medical = True

    def __init__(self, prompt=None):
        super().__init__(prompt or "病程记录:{note}")

    def convert(self, row: Row) -> Conversation | Reject:
        if not row["reply"]:
            return Reject("no answer", "reply is empty")
        return Conversation.single(self.ask(note=row["note"]), row["reply"], asked=row["note"])


@hookimpl
def lfw_sources():
    return [WardNotes]
'''


def test_a_plugin_is_listed_recognised_and_used(lfw: Lfw, tmp_path: Path) -> None:
    (tmp_path / "ward.py").write_text(PLUGIN, encoding="utf-8")
    info = tmp_path / "ward-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ward\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[lfw]\nward = ward\n", encoding="utf-8")
    rows = [{"note": f"记录{number}", "reply": f"答{number}" if number else ""} for number in range(5)]
    (tmp_path / "notes.json").write_text(json.dumps(rows), encoding="utf-8")
    env = {"PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))}
    assert "ward_notes" in lfw("build-data", "--list-types", env=env).out
    ran = lfw("build-data", "notes.json", "--json", env=env)
    assert ran.code == 0, ran.err
    told = ran.json["datasets"][0]
    assert (told["type"], told["train"], told["rejects"]) == ("ward_notes", 4, {"no answer": 1})
    first = json.loads((tmp_path / "dataset_info/notes_train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["instruction"].startswith("病程记录:记录")
