"""The raw files that a spec names by their address on a hub, fetched where they are not here yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lf_wrap.dataset.spec import DatasetSpec
from lf_wrap.hub import fetch, fetched


def fetch_missing(specs: Iterable[DatasetSpec], on_bytes: Callable[[str, int, int], None]) -> None:
    """Fetches what is missing; `on_bytes` hears of which id how many bytes of how many are here.

    What was fetched once is taken as it is: a build does not change because a hub did.

    Raises:
        UserError: a hub does not hand it out.
    """
    for folder, what in {folder: what for spec in specs for folder, what in spec.from_hubs.items()}.items():
        record = fetched(folder)
        if record is None or record["id"] != what.id:
            fetch(what, folder, lambda done, total, name=what.id: on_bytes(name, done, total))  # type: ignore[misc]
