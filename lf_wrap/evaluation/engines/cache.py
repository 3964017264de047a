"""Answers that were given before: the base is asked once across runs and sweeps, a broken-off evaluation goes on.

One SQLite file in the workspace. SQLite keeps it whole through a crash and lets several processes write to it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.evaluation.engines.engine import Asked, Engine, OnReply, Weighed
from lf_wrap.evaluation.tasks import Reply
from lf_wrap.files import shown

CACHE = Path("runs/.answers.sqlite")
SECONDS_TO_WAIT = 60.0  # for another process that writes


class Cached:
    """An engine that is asked only what it has not answered before. Failures are not kept: they are asked again."""

    def __init__(self, engine: Engine, path: Path) -> None:
        """Opens or makes the cache at `path`.

        Raises:
            UserError: the file is no cache of ours.
        """
        self.engine, self.path = engine, path
        self.identity, self.lasting = engine.identity, engine.lasting
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(self._open()) as file, file:
                file.execute("CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, engine TEXT, reply TEXT)")
        except sqlite3.DatabaseError as error:
            raise UserError(f"{shown(path)} cannot be used: {error}", fix="move it away: it is made anew") from None

    def room_for(self, references: Sequence[str]) -> int:
        return self.engine.room_for(references)

    def answer(self, asked: Sequence[Asked], on_reply: OnReply) -> None:
        keys = [self._key({"messages": one.messages, "max_new_tokens": one.max_new_tokens}) for one in asked]
        missing = self._known(keys, on_reply)
        if missing:
            self.engine.answer([asked[place] for place in missing], self._kept(keys, missing, on_reply))

    def weigh(self, weighed: Sequence[Weighed], on_reply: OnReply) -> None:
        keys = [self._key({"before": one.before, "text": one.text}) for one in weighed]
        missing = self._known(keys, on_reply)
        if missing:
            self.engine.weigh([weighed[place] for place in missing], self._kept(keys, missing, on_reply))

    def forget(self) -> None:
        """Drops this engine's replies: for one whose identity may stand for another model tomorrow."""
        with closing(self._open()) as file, file:
            file.execute("DELETE FROM replies WHERE engine = ?", (self._engine,))

    def _known(self, keys: Sequence[str], on_reply: OnReply) -> list[int]:
        """Hands out the replies that are known; the places of the others."""
        missing = []
        with closing(self._open()) as file:
            for place, key in enumerate(keys):
                found = file.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
                if found:
                    on_reply(place, Reply(**json.loads(found[0])))
                else:
                    missing.append(place)
        return missing

    def _kept(self, keys: Sequence[str], missing: Sequence[int], on_reply: OnReply) -> OnReply:
        """What keeps a reply before it is handed on."""

        def keep(place: int, reply: Reply) -> None:
            if reply.failure is None:
                told = json.dumps(asdict(reply), ensure_ascii=False)
                with closing(self._open()) as file, file:
                    row = (keys[missing[place]], self._engine, told)
                    file.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", row)
            on_reply(missing[place], reply)

        return keep

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=SECONDS_TO_WAIT)

    @property
    def _engine(self) -> str:
        return hashlib.sha256(self.identity.encode()).hexdigest()[:32]

    def _key(self, asked: dict[str, object]) -> str:
        told = json.dumps([self.identity, asked], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
