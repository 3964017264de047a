"""A run's folder and its ledger: what each stage began with, what it left, how long it took."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.files import sha256, whole_lines, write_text
from lf_wrap.recipe import Guard, Recipe


@dataclass(frozen=True)
class RunFolder:
    """`runs/<recipe>/<time>-<hash>/`: the hash is the resolved recipe's, so the same recipe finds its folder again."""

    path: Path
    node: int = 0
    """Which machine of several works in it: they may share the folder, and each has a ledger and logs of its own."""

    @property
    def train_yaml(self) -> Path:
        return self.path / "train.yaml"

    @property
    def export_yaml(self) -> Path:
        return self.path / "export.yaml"

    @property
    def script(self) -> Path:
        return self._own / "run.sh"

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def exports(self) -> Path:
        """Other forms of the model, a folder each."""
        return self.path / "exports"

    @property
    def parity(self) -> Path:
        return self.path / "parity.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def ledger(self) -> Path:
        return self._own / "ledger.jsonl"

    @property
    def aside(self) -> Path:
        """Where checkpoints and weights go that a training cannot go on from."""
        return self.path / "set_aside"

    @property
    def judged(self) -> Path:
        """What judge models were asked and said."""
        return self.path / "judged"

    def opinions(self) -> list[Path]:
        """What a judge said about this run's base against its tuned model; none before `lfw judge`."""
        return sorted(self.judged.glob("base+*.json"))

    def log(self, stage: str) -> Path:
        return self.logs / f"{stage}.log"

    @property
    def lock(self) -> Path:
        return self._own / ".lock"

    @property
    def logs(self) -> Path:
        return self._own / "logs"

    @property
    def _own(self) -> Path:
        """For what every machine keeps for itself; node 0, which keeps the rest too, has it in the folder itself."""
        return self.path / f"node{self.node}" if self.node else self.path

    @property
    def evaluation(self) -> Path:
        return self.path / "evaluation"

    def events(self) -> list[dict[str, Any]]:
        """The ledger's events; a line that was cut off by a crash is no event."""
        return list(whole_lines(self.ledger))

    def record(self, stage: str, event: str, **facts: Any) -> None:
        """Appends one event to the ledger, on a line of its own even where a crash cut off the last one."""
        line = json.dumps({"stage": stage, "event": event, "at": now(), **facts}, ensure_ascii=False)
        self.ledger.parent.mkdir(parents=True, exist_ok=True)
        cut_off = self.ledger.exists() and not self.ledger.read_bytes().endswith(b"\n")
        with self.ledger.open("a", encoding="utf-8") as handle:
            handle.write("\n" * cut_off + line + "\n")

    def finished(self, stage: str) -> dict[str, Any] | None:
        """The event with which `stage` last ended well, unless it began again since."""
        ours = [event for event in self.events() if event["stage"] == stage]
        return ours[-1] if ours and ours[-1]["event"] == "end" and ours[-1].get("exit") == 0 else None

    def hashes(self, paths: list[Path]) -> dict[str, str]:
        """Content hashes of files and folders, by their name in this folder (or their own, outside it)."""
        return {self._name(path): sha256(path) for path in paths if path.exists()}

    def still_done(self, stage: str, inputs: dict[str, str], outputs: list[Path]) -> bool:
        """Whether `stage` ended well with just these inputs and its outputs are as it left them."""
        end = self.finished(stage)
        return end is not None and end["inputs"] == inputs and end["outputs"] == self.hashes(outputs)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix() if path.is_relative_to(self.path) else path.name


def recipe_yaml(recipe: Recipe) -> str:
    """The resolved recipe as YAML; the same recipe always gives the same text."""
    return yaml.safe_dump(
        recipe.model_dump(exclude_defaults=True) | {"name": recipe.name}, allow_unicode=True, sort_keys=True
    )


def run_folder(recipe: Recipe, runs: Path, *, fresh: bool) -> RunFolder:
    """The newest folder of exactly this recipe, or a new one when there is none or a `fresh` one is wished."""
    judged_as = recipe.model_copy(update={"guard": Guard()})  # what stops a run does not make it another
    digest = hashlib.sha256(recipe_yaml(judged_as).encode()).hexdigest()[:8]
    earlier = sorted((runs / recipe.name).glob(f"*-{digest}"))
    if earlier and not fresh:
        return RunFolder(earlier[-1])
    return RunFolder(runs / recipe.name / f"{datetime.now(UTC):%Y%m%d-%H%M%S.%f}-{digest}")


def start(folder: RunFolder, recipe: Recipe) -> None:
    """Writes the resolved recipe into the folder."""
    write_text(folder.path / "recipe.yaml", recipe_yaml(recipe))


def now() -> str:
    """The time, as it stands in ledgers and manifests."""
    return datetime.now(UTC).isoformat(timespec="seconds")
