"""Every exported tensor against what it must be, by arithmetic on the files, one tensor at a time.

A merge is right when each weight is `W + s·B·A`, rounded once to the dtype it is stored in. What it is instead tells
what went wrong: the change that was found, measured in units of the change that was due, is 0 where an adapter is not
in it, 2 where it was merged twice, and unrelated where it is another adapter's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lf_wrap.model.adapter import Adapter
from lf_wrap.model.weights import Weights

if TYPE_CHECKING:
    import torch

NARROWER = {"float32": ("bfloat16", "float16"), "float16": ("bfloat16",)}
SAME_FACTOR = 0.05  # of the change due: merges in another order of operations stay within a hundredth
RELATED = 0.5  # the correlation with the change due below which a change is another adapter's
# B·A is a sum over the rank, and its order is the library's: float32 keeps about five digits of it.
MATMUL = 1e-5


@dataclass(frozen=True)
class WeightParity:
    """How the exported tensors stand to what they must be. `cause` is empty when they are that."""

    compared: int
    max_abs_diff: float
    dtype: str
    kept: float | None
    """The share of the adapter's change that rounding to `dtype` leaves; None where there is no adapter."""
    cause: str = ""
    wrong: list[str] = field(default_factory=list)
    """The first ten tensors that are not what they must be."""


@dataclass
class _Tally:
    """What the tensors together say; products are inner products over all that the adapter touches."""

    compared: int = 0
    max_abs_diff: float = 0.0
    due: float = 0.0  # |change due|²
    found: float = 0.0  # |change found|²
    found_due: float = 0.0  # change found · change due
    rounded_due: float = 0.0  # what rounding leaves of the change due · change due
    wrong: list[str] = field(default_factory=list)
    wrong_elsewhere: list[str] = field(default_factory=list)  # tensors that the adapter does not touch
    sizes: list[str] = field(default_factory=list)
    narrow: set[str] = field(default_factory=set)  # dtypes whose rounding explains every wrong tensor


def weight_parity(
    exported: Weights, origin: Weights, adapter: Adapter | None = None, wanted_dtype: str | None = None
) -> WeightParity | None:
    """`exported` against `origin` (the base of `adapter`; the trained weights where there is none) and its change.

    None where files alone do not tell: adapters other than LoRA, tensors under other names.
    """
    if adapter and not adapter.is_plain_lora:
        return None
    names = [name for name in exported.tensors if name in origin.tensors]
    if not names:
        return None
    tally = _Tally(narrow=set(NARROWER.get(exported.dtype, ())))
    for name in names:
        _compare(name, exported, origin, adapter, tally)
    missing = [name for name in (adapter.touched if adapter else ()) if name not in exported.tensors]
    cause = _cause(tally, exported.dtype, wanted_dtype, missing)
    kept = tally.rounded_due / tally.due if tally.due else None
    wrong = [*tally.sizes, *missing, *tally.wrong, *tally.wrong_elsewhere]
    return WeightParity(tally.compared, tally.max_abs_diff, exported.dtype, kept, cause, wrong[:10])


def _compare(name: str, exported: Weights, origin: Weights, adapter: Adapter | None, tally: _Tally) -> None:
    got = exported[name]
    trained_whole = adapter.replaced.get(name) if adapter else None
    before = adapter.weights[trained_whole] if adapter and trained_whole else origin[name]
    tally.compared += 1
    if got.shape != before.shape:
        tally.sizes.append(name)
    elif adapter and name in adapter.touched:
        _compare_change(name, got, before, adapter.delta(name), tally)
    elif not _equal(got, before):
        tally.max_abs_diff = max(tally.max_abs_diff, float((got.float() - before.float()).abs().max()))
        (tally.wrong_elsewhere if adapter else tally.wrong).append(name)
        tally.narrow = {dtype for dtype in tally.narrow if _is_rounded_to(dtype, got, before)}


def _compare_change(name: str, got: torch.Tensor, before: torch.Tensor, delta: torch.Tensor, tally: _Tally) -> None:
    import torch

    perfect = (before.float() + delta).to(got.dtype).float()
    change, rounded = got.float() - before.float(), perfect - before.float()
    tally.due += _product(delta, delta)
    tally.found += _product(change, change)
    tally.found_due += _product(change, delta)
    tally.rounded_due += _product(rounded, delta)
    off = (got.float() - perfect).abs()
    last_digit = torch.finfo(got.dtype).eps
    allowed = last_digit * (perfect.abs() + delta.abs()) + MATMUL * float(delta.abs().max())
    tally.max_abs_diff = max(tally.max_abs_diff, float(off.max()))
    if not bool((off <= allowed).all()):  # NaN is not within it either
        tally.wrong.append(name)
        tally.narrow = {dtype for dtype in tally.narrow if _is_rounded_to(dtype, got, perfect)}


def _cause(tally: _Tally, dtype: str, wanted_dtype: str | None, missing: list[str]) -> str:
    """What went wrong, in words; empty when nothing did."""
    return next(_causes(tally, dtype, wanted_dtype, missing), "")


def _causes(tally: _Tally, dtype: str, wanted_dtype: str | None, missing: list[str]) -> Iterator[str]:
    if tally.sizes or missing:
        yield f"the exported model is of another shape: {', '.join([*tally.sizes, *missing][:3])}"
    if wanted_dtype and dtype != wanted_dtype:
        yield f"wrong dtype: the weights are stored as {dtype}, not as {wanted_dtype}"
    wrong = tally.wrong or tally.wrong_elsewhere
    if wrong and tally.narrow:
        through = " or ".join(sorted(tally.narrow))
        yield f"wrong dtype: the weights are stored as {dtype} but have been through {through}"
    if not tally.due:
        if wrong:
            yield f"the exported weights are not the trained ones: {len(wrong)} tensors differ, first {wrong[0]}"
        return
    yield from _causes_of_change(tally)
    if tally.wrong_elsewhere:
        yield (
            f"another base: {len(tally.wrong_elsewhere)} tensors differ that the adapter does not touch, "
            f"first {tally.wrong_elsewhere[0]}"
        )


def _causes_of_change(tally: _Tally) -> Iterator[str]:
    factor, kept = tally.found_due / tally.due, tally.rounded_due / tally.due
    if not tally.wrong and abs(factor - kept) <= SAME_FACTOR:
        return
    correlation = tally.found_due / math.sqrt(tally.found * tally.due) if tally.found else 0.0
    if not tally.found:
        yield "unmerged: the exported weights are the base's, the adapter is not in them"
    elif correlation < RELATED:
        yield f"another adapter: the change found correlates {correlation:.2f} with what this adapter adds"
    elif abs(factor - kept) > SAME_FACTOR:
        why = "twice, or its scale alpha / r was applied twice" if factor > 1 else "only in part of the layers"
        yield f"wrong scale: the adapter was merged {factor:.2f} times over: {why}"
    else:
        yield f"the merge differs in {len(tally.wrong)} tensors, first {tally.wrong[0]}"


def _equal(got: torch.Tensor, before: torch.Tensor) -> bool:
    import torch

    return bool(torch.equal(got, before.to(got.dtype)))


def _product(left: torch.Tensor, right: torch.Tensor) -> float:
    import torch

    return float(torch.sum(left.double() * right.double()))


def _is_rounded_to(dtype: str, got: torch.Tensor, due: torch.Tensor) -> bool:
    """Whether `got` is `due` as the narrower `dtype` holds it."""
    import torch

    narrow = getattr(torch, dtype)
    near = (got.float() - due.float()).abs() <= torch.finfo(narrow).eps * due.float().abs()
    return bool(near.all()) and torch.equal(got.to(narrow).to(got.dtype), got)
