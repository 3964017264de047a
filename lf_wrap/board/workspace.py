"""A workspace in which the board finds everything. What a person saved there is never overwritten."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.board.checkpoints import finished_runs, place
from lf_wrap.board.form import Form, ask
from lf_wrap.board.saved_config import MODEL, from_config, to_config
from lf_wrap.dataset import registered
from lf_wrap.dataset.register import REGISTER, register
from lf_wrap.errors import LfwError, UserError, did_you_mean
from lf_wrap.files import shown, write_text
from lf_wrap.recipe import Hardware, load_recipe, train_settings

DATA, CONFIGS, CACHE = "data", "llamaboard_config", "llamaboard_cache/user_config.yaml"  # the board's own names
DATASETS = Path("dataset_info")
RECIPES, RUNS = Path("recipes"), Path("runs")
OURS = "# Written by lfw from {origin}; change it and lfw leaves it alone. "


@dataclass
class Prepared:
    """What the board will show, and what it will not, with the reason."""

    datasets: list[str] = field(default_factory=list)
    recipes: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Configurations of a recipe's name that a person changed."""
    passed_over: dict[str, str] = field(default_factory=dict)
    filled_with: Path | None = None
    """The configuration of the recipe or run that was to be opened."""


def prepare(
    root: Path, form: Form, hardware: Hardware, opened: Path | None = None, *, language: str = "en"
) -> Prepared:
    """Lays `root` out for the board: its datasets, each recipe as a saved configuration, each finished run.

    `opened` is a recipe or a run folder that the form is to be filled with; `language` is the board's where nobody
    chose one in it.

    Raises:
        UserError: `root` cannot be written, or `opened` is no recipe and no finished run.
    """
    if not os.access(root, os.W_OK):
        raise UserError(
            f"{shown(root)} cannot be written: the board keeps its files there", fix="cd to a folder of yours"
        )
    done = Prepared(datasets=_link_datasets(root))
    _remember_language(root, language)
    recipes = sorted((root / RECIPES).glob("*.yaml"))
    if opened and not opened.is_dir() and opened.absolute() not in {path.absolute() for path in recipes}:
        recipes.append(opened)
    for path in recipes:
        try:
            recipe = load_recipe(path)
            settings = train_settings(recipe, hardware, root / RUNS)
        except LfwError as error:
            if opened and path.absolute() == opened.absolute():
                raise
            done.passed_over[shown(path)] = error.what
            continue
        config = to_config({name: setting.value for name, setting in settings.items()}, form)
        _save(root / CONFIGS / f"{recipe.name}.yaml", config, shown(path), done.recipes, done.kept)
        wanted = opened is not None and path.absolute() == opened.absolute()
        if wanted:
            done.filled_with = root / CONFIGS / f"{recipe.name}.yaml"
        if wanted or len(done.recipes) == 1:
            _remember_model(root, config["top.model_path"], insist=wanted)
    runs, passed_over = finished_runs(root / RUNS, form)
    done.passed_over |= passed_over
    for run in runs:
        config = to_config(run.arguments, form)
        place(run, config, root)
        config |= {"top.checkpoint_path": [run.name] if run.recipe.finetuning_type in {"lora", "oft"} else run.name}
        _save(root / CONFIGS / f"{run.name}.yaml", config, shown(run.folder.path), done.runs, done.kept)
        if opened and run.folder.path.resolve() == opened.resolve():
            done.filled_with = root / CONFIGS / f"{run.name}.yaml"
            _remember_model(root, config["top.model_path"], insist=True)
    if opened and done.filled_with is None:
        why = passed_over.get(shown(opened), "it is no folder of a run in this workspace")
        raise UserError(f"{shown(opened)} cannot be opened in the board: {why}", fix="name a recipe, or a finished run")
    return done


def import_config(root: Path, name: str) -> Path:
    """`recipes/<name>.yaml` from the configuration that a person saved in the board as `name`.

    Raises:
        UserError: there is no such configuration, it is broken, or there is a recipe of that name.
    """
    name = name.removesuffix(".yaml")
    known = sorted(path.stem for path in (root / CONFIGS).glob("*.yaml"))
    if name not in known:
        fix = did_you_mean(name, known) if known else "press `Save arguments` in the board first"
        raise UserError(f"no configuration {name!r} in {CONFIGS}/", fix=fix)
    source, target = root / CONFIGS / f"{name}.yaml", root / RECIPES / f"{name}.yaml"
    if target.exists():
        raise UserError(
            f"{shown(target)} is there already: it is not overwritten",
            fix=f"rename {shown(source)}, or move the recipe away",
        )
    _read(source)
    answer = ask(source, root)
    if refused := answer.get("refused"):
        raise UserError(
            f"{shown(source)} cannot be loaded by the board that is installed: {refused}",
            fix="mend that in the file, or save the arguments in the board again",
        )
    recipe = from_config(answer)
    text = yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False)
    write_text(target, f"# From LLaMA Board's saved configuration {name}.\n{text}")
    try:
        load_recipe(target)
    except UserError:
        target.unlink()
        raise
    return target


def _read(path: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{shown(path)} is not YAML: {error}", fix="save the arguments in the board again") from None
    if not isinstance(config, dict) or not all(isinstance(key, str) and "." in key for key in config):
        raise UserError(
            f"{shown(path)} is no saved configuration of the board", fix="save the arguments in the board again"
        )
    return config


def _link_datasets(root: Path) -> list[str]:
    """Lets the board's `data` be our `dataset_info`; where a person has a `data`, our entries join its register."""
    ours, theirs = root / DATASETS, root / DATA
    entries = registered(ours)
    if not theirs.exists() and not theirs.is_symlink():
        theirs.symlink_to(DATASETS, target_is_directory=True)
    elif theirs.resolve() != ours.resolve():
        there = registered(theirs)
        missing = {name: _from_there(entry) for name, entry in entries.items() if name not in there}
        register(theirs, dict(missing))
        entries = registered(theirs)
    if not entries and not (theirs / REGISTER).exists():
        ours.mkdir(parents=True, exist_ok=True)
        register(theirs, {})
    return sorted(entries)


def _from_there(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with its file named from the board's folder."""
    if not isinstance(entry.get("file_name"), str):
        return entry
    return {**entry, "file_name": (Path("..") / DATASETS / entry["file_name"]).as_posix()}


def _save(path: Path, config: dict[str, Any], origin: str, done: list[str], kept: list[str]) -> None:
    """Writes a configuration, unless a person changed the one that is there."""
    if path.exists() and not _is_ours(path):
        kept.append(path.stem)
        return
    body = yaml.safe_dump(config, allow_unicode=True)
    write_text(path, f"{OURS.format(origin=origin)}{_hash(body)}\n{body}")
    done.append(path.stem)


def _is_ours(path: Path) -> bool:
    """Whether the file is as lfw wrote it: the first line then holds the hash of the rest."""
    first, _, body = path.read_bytes().decode("utf-8", "replace").partition("\n")
    return first.startswith(OURS.partition("{")[0]) and first.endswith(_hash(body))


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _remember_model(root: Path, model: str, *, insist: bool) -> None:
    """Has the board begin with the model that configurations are for: changing it there resets path and template."""
    said = _user_config(root)
    paths = said["path_dict"]
    changed = {"path_dict": {**paths, MODEL: model} if insist or not paths.get(MODEL) else paths}
    if insist or not said["last_model"]:
        changed["last_model"] = MODEL
    _write_user_config(root, said, {**said, **changed})


def _remember_language(root: Path, language: str) -> None:
    """Has the board begin in this language, unless it has one. English needs no word, and so stays open."""
    said = _user_config(root)
    if language != "en" and not said["lang"]:
        _write_user_config(root, said, {**said, "lang": language})


def _user_config(root: Path) -> dict[str, Any]:
    """What the board remembers, with every key that it takes for granted; a broken file counts as none."""
    try:
        said = yaml.safe_load((root / CACHE).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        said = None
    known = said if isinstance(said, dict) else {}
    paths = known.get("path_dict")
    blank = dict.fromkeys(("lang", "hub_name", "cache_dir", "last_model"))
    return {**blank, **known, "path_dict": paths if isinstance(paths, dict) else {}}


def _write_user_config(root: Path, said: dict[str, Any], wanted: dict[str, Any]) -> None:
    if wanted != said:
        write_text(root / CACHE, yaml.safe_dump(wanted, allow_unicode=True))
