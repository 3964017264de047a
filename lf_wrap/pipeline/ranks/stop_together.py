"""Ranks that are asked to save in different steps wait for each other in different collectives, for ever. They agree.

transformers' own callback heeds SIGTERM in each process by itself, at whatever place of a step it is. Here it is heeded
at the end of a step, and by all ranks at the same one: at the end of each step rank 0 says whether the next shall be
the last, and the others read it at the end of that next one, when it has long been said. Whoever is asked tells rank 0.
They talk through the store they met at (`torch.distributed`), so no GPU waits for anything.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

# Ranks come to their first step together, since making the model ready for several is a collective.
MEETING = timedelta(seconds=60)
# Of a rank that is ahead of rank 0; what rank 0 measures or writes between two steps, it does after its word.
PATIENCE = timedelta(hours=12)
ASKED, LAST, MORE = "asked", b"last", b"more"

logger = logging.getLogger("transformers.lfw")


class Agreement:
    """One rank's side of it. `store` is a `torch.distributed.Store` that nobody else uses."""

    def __init__(self, store: Any, rank: int, ranks: int) -> None:
        self._store, self._rank = store, rank
        self._begun = self._told = False
        self.holds = self._all_are_here(ranks)
        """Whether every rank takes part: on another node they may have been started without this."""

    def is_last(self, step: int, *, asked: bool) -> bool:
        """Whether all stop at the end of this step. Every rank asks at the end of every step."""
        if asked and not self._told:
            self._store.set(ASKED, b"")
            self._told = True
        if self._rank == 0:
            self._store.set(f"after {step}", LAST if self._store.check([ASKED]) else MORE)
        if not self._begun:
            self._begun = True
            return False
        said = f"after {step - 1}"
        self._store.wait([said], PATIENCE)
        return bytes(self._store.get(said)) == LAST

    def _all_are_here(self, ranks: int) -> bool:
        """Rank 0 sees who comes, and its word counts for all."""
        self._store.set(f"here {self._rank}", b"")
        if self._rank == 0:
            came = self._come([f"here {rank}" for rank in range(ranks)], MEETING)
            self._store.set("all here", b"yes" if came else b"no")
        return self._come(["all here"], 2 * MEETING) and bytes(self._store.get("all here")) == b"yes"

    def _come(self, keys: list[str], within: timedelta) -> bool:
        try:
            self._store.wait(keys, within)
        except RuntimeError:  # torch.distributed.DistStoreError: the time is over
            return False
        return True


def together(alone: Any) -> Any:
    """transformers' `JITCheckpointCallback`, heeded by all ranks in the same step."""

    class Together(alone):  # type: ignore[misc]
        """Where not every rank takes part, each heeds it alone, as it was."""

        agreement: Agreement | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            from torch.distributed import PrefixStore, get_rank, get_world_size
            from torch.distributed.distributed_c10d import _get_default_store

            if self.jit_manager is None:
                return
            agreement = Agreement(PrefixStore("lfw", _get_default_store()), get_rank(), get_world_size())
            if agreement.holds:
                self.agreement = agreement
            else:
                logger.warning("some ranks were started without lfw: asked to stop, each would save by itself")

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.agreement is None:
                super().on_step_begin(args, state, control, **kwargs)

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.agreement is None:
                super().on_pre_optimizer_step(args, state, control, **kwargs)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.agreement and self.jit_manager:
                asked = self.jit_manager.is_checkpoint_requested
                self.jit_manager.is_checkpoint_requested = self.agreement.is_last(state.global_step, asked=asked)
            super().on_step_end(args, state, control, **kwargs)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.agreement is None:
                super().on_epoch_end(args, state, control, **kwargs)

    return Together
