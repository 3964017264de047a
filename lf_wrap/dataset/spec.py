"""A dataset spec: the YAML file that says which sources become which datasets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec  # recipes are checked by pydantic, whose import alone takes longer than many a build
import yaml
from msgspec import Meta

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import existing_file, shown
from lf_wrap.hub.names import HubId, is_hub_url, parse_url

NAME = re.compile(r"[\w][\w.-]*", re.ASCII)
Number = Annotated[int, Meta(ge=0)]
SpecialTokens = Literal["neutralise", "reject", "keep"]
Greeting = Literal["drop", "move"]
Thoughts = Literal["set", "drop", "keep"]


def sound_name(name: str) -> str:
    """A dataset's name: it becomes file names, so letters, digits, `_`, `-` and `.` only.

    Raises:
        ValueError: it is something else.
    """
    if not NAME.fullmatch(name) or ".." in name:
        raise ValueError(f"{name!r} is no sound name: use letters, digits, _ - and .")
    return name


@dataclass(frozen=True)
class SplitFiles:
    """Train and test rows that come in files of their own."""

    train: str
    test: str


@dataclass(frozen=True)
class DatasetSpec:
    """How one dataset is built. Paths are relative to the spec's folder and stay inside it, or absolute.

    `hub://modelscope/owner/name[/files]` is what `lfw fetch` puts into `raw/name` of that folder.
    """

    source: str | list[str] | SplitFiles
    type: str | None = None
    train: Number | None = None
    """Training rows; all when left out."""
    test: Number | None = None
    """Test rows; 5 %, at most 100, when left out."""
    prompt: str | None = None
    """Instead of the source's own."""
    columns: dict[str, str] = field(default_factory=dict)
    """The source's name for a column: the file's."""
    char: str | None = None
    """The character's name, for `{{char}}` in rows that do not tell it."""
    seed: int = 42
    shuffle: bool | None = None
    """Before rows are taken; on, unless test rows have their own file."""
    repair: bool = True
    """Mojibake: UTF-8 that was read as Latin-1."""
    clean: bool = True
    """NFC, control characters, blank runs, placeholder answers."""
    thoughts: Thoughts = "set"
    """What stands before an answer between `<think>` and `</think>`: set as templates look for it, dropped, or kept."""
    special_tokens: SpecialTokens = "neutralise"
    turns: bool = True
    """Made to alternate; when off, chats that do not are rejected."""
    greeting: Greeting = "drop"
    """An assistant's first words, unasked."""
    redact: bool | None = None
    """Personal data; on for medical sources."""
    deduplicate: bool = True
    near_duplicates: bool = True
    leaks: bool = True
    """Training rows that ask what a test row asks are removed."""
    group_by: str | None = None
    """Column whose equal values stay on one side of the split."""
    cutoff_len: Annotated[int, Meta(gt=0)] | None = None
    """Tokens beyond which a chat is split at turns."""
    tokenizer: str | None = None
    """A model folder: the card then counts tokens."""
    shard_mb: Annotated[float, Meta(gt=0)] = 4000
    """Megabytes of rows beyond which several files are written, in a folder."""
    get: str | None = None
    """How to get the raw file: shown when it is missing."""
    from_hubs: dict[Path, HubId] = field(default_factory=dict)
    """The folders that are to be fetched, and what belongs into each: what `source` leads to, no key of a spec."""
    kept_in: dict[str, Path] = field(default_factory=dict)
    """The folder that a source may not leave: as little a key."""

    def refuse_outside(self, given: str, file: Path) -> None:
        """Refuses a file that `given`, a source that may not leave the spec's folder, leads to by a link.

        Raises:
            UserError: it lies elsewhere.
        """
        folder = self.kept_in.get(given)
        if folder and not file.resolve().is_relative_to(folder.resolve()):
            raise UserError(
                f"{shown(file)} is a link out of the spec's folder {shown(folder)}",
                fix="copy what it leads to, or name that by an absolute path if you mean it",
            )


KEYS = [key.name for key in fields(DatasetSpec) if key.name not in ("from_hubs", "kept_in")]


def load_spec(path: Path) -> dict[str, DatasetSpec]:
    """The datasets of the spec at `path`, with every source path resolved.

    Raises:
        UserError: the file is missing or no YAML, a key is unknown or of the wrong type, or a path leaves the folder.
    """
    existing_file(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{shown(path)} is not YAML: {error}", fix="mend the line it names") from None
    datasets = _only(["datasets"], content, path).get("datasets")
    if not isinstance(datasets, dict) or not datasets:
        fix = "name them and what they are made of: datasets: {mine: {source: rows.json}}"
        raise UserError(f"{shown(path)} names no datasets", where="datasets", fix=fix)
    specs = {}
    for name, said in datasets.items():
        try:
            sound_name(str(name))
        except ValueError as error:
            raise _wrong(str(error), path, f"datasets.{name}") from None
        if f"{name}_test" in datasets:
            raise _wrong(f"{name}_test is the name of {name}'s test rows: rename one of the two", path, "datasets")
        specs[str(name)] = _resolved(_checked(said, path, f"datasets.{name}"), path.parent)
    return specs


def _only(known: list[str], said: Any, path: Path, where: str = "") -> dict[str, Any]:
    """`said`, if it is a mapping that has no other keys than these."""
    if not isinstance(said, dict):
        raise _wrong(f"expected keys and values, got {said!r:.40}", path, where or "the whole file")
    for key in said:
        if key not in known:
            place = ".".join(filter(None, (where, str(key))))
            raise UserError(f"{shown(path)}: unknown key {place}", where=place, fix=did_you_mean(str(key), known))
    return said


def _checked(said: Any, path: Path, where: str) -> DatasetSpec:
    """What a spec says of one dataset."""
    source = _only(KEYS, said, path, where).get("source")
    if isinstance(source, dict):
        _only([key.name for key in fields(SplitFiles)], source, path, f"{where}.source")
    try:
        return msgspec.convert(said, DatasetSpec, strict=False)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        raise _wrong(message, path, where + place.rstrip("`")) from None


def _wrong(message: str, path: Path, where: str) -> UserError:
    key = where.rpartition(".")[2]
    choices = get_args(get_type_hints(DatasetSpec).get(key)) if "enum" in message else ()
    fix = f"one of: {', '.join(map(str, choices))}" if choices else "mend that key (see the README)"
    return UserError(f"{shown(path)}: {message}", where=where, fix=fix)


def _resolved(spec: DatasetSpec, folder: Path) -> DatasetSpec:
    from_hubs: dict[Path, HubId] = {}
    kept_in: dict[str, Path] = {}

    def here(source: str) -> str:
        if not is_hub_url(source):
            path = _inside(source, folder)
            if not Path(source).expanduser().is_absolute():
                kept_in[path] = folder
            return path
        what, files = parse_url(source)
        target = folder / "raw" / what.name
        from_hubs[target] = what
        return _inside(str(Path("raw") / what.name / files), folder)

    if isinstance(spec.source, SplitFiles):
        source: Any = SplitFiles(train=here(spec.source.train), test=here(spec.source.test))
    elif isinstance(spec.source, list):
        source = [here(path) for path in spec.source]
    else:
        source = here(spec.source)
    tokenizer = _inside(spec.tokenizer, folder) if spec.tokenizer else None
    ways = [f"lfw fetch dataset {what.id} --hub {what.hub} --to {shown(to)}" for to, what in from_hubs.items()]
    get = spec.get or " && ".join(ways) or None
    return replace(spec, source=source, tokenizer=tokenizer, get=get, from_hubs=from_hubs, kept_in=kept_in)


def _inside(path: str, folder: Path) -> str:
    """A relative path may not climb out of the spec's folder: a spec from elsewhere must not read what it likes."""
    expanded = Path(path).expanduser()
    if expanded.is_absolute():
        return str(expanded)
    if not (folder / expanded).resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"{path} leaves the spec's folder {shown(folder)}", fix="write it as an absolute path if you mean it"
        )
    return str(folder / expanded)
