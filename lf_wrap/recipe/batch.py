"""Batch size, accumulation and checkpointing: the fastest way to the wished rows a step that fits the memory."""

from __future__ import annotations

from lf_wrap.recipe.hardware import Hardware
from lf_wrap.recipe.memory import GIB, Load, peak_memory
from lf_wrap.recipe.setting import Setting, Settings
from lf_wrap.recipe.shape import Shape

EFFECTIVE_BATCH = 8  # the tutorial's 2 × 4
EFFECTIVE_PACKS = 1  # each holds many rows, and more steps learn more: docs/benchmarks.md
UNKNOWN_MEMORY = {True: 2, False: 4}  # rows a batch, on a GPU and on a CPU
ROOM = 0.85  # of the GPU: the estimate is some percent off, and evaluation wants memory too
BATCH, ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"
STORED = "disable_gradient_checkpointing"


def batch(
    said: Settings, wish: int | None, shape: Shape | None, longest: int | None, hardware: Hardware, zero: int
) -> Settings:
    """Batch size and accumulation that make the wished rows a step (8 without a wish, or a pack a process), as far as
    the recipe leaves them open; and on a GPU whether activations are computed twice (gradient checkpointing).

    Few large batches beat many small ones, and what fits need not be computed twice: 8 rows a step took 1.08 s on an
    H100 as 2 × 4 with checkpointing, 0.13 s as 8 × 1 without (Qwen2.5-0.5B, docs/benchmarks.md). What the recipe says
    stays; where the numbers do not divide, a step has the nearest number of rows below. `longest` is the longest row in
    tokens, `zero` DeepSpeed's stage.
    """
    processes, packed = hardware.world_size, _packed(said)
    wished = wish or (EFFECTIVE_PACKS * processes if packed else EFFECTIVE_BATCH)
    accumulation = int(said[ACCUMULATION].value) if ACCUMULATION in said else None
    most = 1 if _one_pack(said) else max(1, wished // (processes * (accumulation or 1)))
    size, filled = min(UNKNOWN_MEMORY[bool(hardware.gpus)], most), Settings()
    memory = min((gpu.memory_bytes or 0 for gpu in hardware.gpus), default=0)
    if memory and shape and longest:
        size, filled = _largest(said, most, wished, Load(shape, {}, longest, processes, zero), memory)
    elif BATCH in said:
        size = int(said[BATCH].value)
    accumulation = accumulation or max(1, wished // (size * processes))
    rows = size * accumulation * processes
    why = f"{size} × {accumulation} × {processes} = {rows} {'packs' if packed else 'rows'} a step"
    if wish and rows != wished:
        why += f", where {wished} were wished" if rows > wished else f", the nearest to {wished}"
    return {BATCH: Setting(size), ACCUMULATION: Setting(accumulation, why), **filled}


def _packed(said: Settings) -> bool:
    """Whether several conversations are put into one row; the blocks of pretraining text are rows of their own."""
    pretrains = "stage" in said and said["stage"].value == "pt"
    return not pretrains and any(key in said and said[key].value for key in ("packing", "neat_packing"))


def _one_pack(said: Settings) -> bool:
    """Whether LLaMA-Factory takes but one pack a batch: with flash attention it does (0.9.5, `data/collator.py`)."""
    return all(
        key in said and said[key].value == value for key, value in (("neat_packing", True), ("flash_attn", "fa2"))
    )


def _largest(said: Settings, most: int, wished: int, load: Load, memory: int) -> tuple[int, Settings]:
    """The largest batch that fits, without checkpointing if that fits too; a batch of one where nothing does."""
    arguments = {key: setting.value for key, setting in said.items()}
    sizes = [int(arguments[BATCH])] if BATCH in said else [most >> halvings for halvings in range(most.bit_length())]
    for size in sizes:
        for stored in (True, False):
            if stored is not arguments.get(STORED, stored):
                continue
            tried = {ACCUMULATION: max(1, wished // (size * load.processes)), **arguments, BATCH: size, STORED: stored}
            needed = peak_memory(Load(load.shape, tried, load.row, load.processes, load.zero)).needed
            if needed <= ROOM * memory:
                why = f"about {needed / GIB:,.0f} of {memory / GIB:,.0f} GiB are needed: nothing is computed twice"
                return size, {STORED: Setting(True, why)} if stored else {}
    return sizes[-1], {}
