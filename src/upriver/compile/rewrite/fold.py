"""What is known before the program runs is computed now: numbers, and constants of few entries."""

from __future__ import annotations

import numpy as np

from ..primitives.evaluate import evaluate
from ..primitives.prims import Prim
from .table import Rule, Table, size

FEW = 4096


def _known(x: Prim, m: Table) -> Prim | None:
    for y in x.args:
        if y.kind != "number" and y.kind != "constant":
            return None
    if size(x.shape) > FEW or max([size(y.shape) for y in x.args], default=0) > FEW:
        return None
    if x.kind == "reshape" and x.args[0].kind == "number":
        return None  # how one entry becomes an array: see repeats
    (array,) = evaluate([x])
    return _constant(m, array)


def _constant(m: Table, array: np.ndarray) -> Prim:
    if not array.ndim:
        return m.number(array.item(), array.dtype)
    return m.make("constant", (), array.shape, array.dtype, {"array": np.ascontiguousarray(array)})


def _one_number(x: Prim, m: Table) -> Prim | None:
    """A constant whose entries are all one number, to the bit."""
    array = x.attrs["array"]
    if not array.size or array.size > 16 * FEW or array.dtype.kind not in "fiub":
        return None
    first = array.reshape(-1)[:1]
    bits = np.ascontiguousarray(array).view(np.uint8).reshape(array.size, -1)
    if (bits == first.view(np.uint8)).all():
        return m.filled(first.item(), x.shape, x.dtype)
    return None


RULES: dict[str, tuple[Rule, ...]] = {
    "constant": (_one_number,),
    **dict.fromkeys(("map", "reduce", "reshape", "permute", "slice", "place", "concat"), (_known,)),
}
