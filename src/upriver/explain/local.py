"""The local derivatives of one operation, entry by entry, found by asking its own gradient rule.

A rule pulls a cotangent back: one-hot cotangents give the rows of the local derivative. A rule is linear in the
cotangent, so its own derivative by the cotangent pushes a tangent forward: that gives the columns. No operation is
known here by name. How its entries hang together (each input entry reaching one output entry, or samples that do
not mix, or that all have the same derivatives) is found by probing and then *checked* with a random cotangent;
where the check fails, every row is asked for.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import numpy as np

from ..core.backward import pull_back
from ..core.graph import Node
from ..core.op import Each
from ..core.state import Array, enable_grad, no_grad
from ..core.tensor import Tensor, wrap
from ..errors import GradError
from ..ops.elementwise import Elementwise
from .edges import Edges

_RADIX = 4096  # entries are numbered in two digits, which even float32 divides without error


def has_rule(node: Node, slot: int) -> bool:
    """Whether a gradient flows through an operand at all."""
    return isinstance(node.op.vjps, Each) or node.op.vjps[slot] is not None


class Rule:
    """The gradient rule of one input of one node that ran, pulling cotangents back and pushing tangents forward."""

    def __init__(self, node: Node, slot: int) -> None:
        vjps = node.op.vjps
        rule = next(islice(vjps, slot, None)) if isinstance(vjps, Each) else vjps[slot]
        assert rule is not None
        self.node, self.rule = node, rule
        self.shape: tuple[int, ...] = node.inputs[slot].shape
        self.dtype = node.inputs[slot].dtype
        self._recorded: tuple[Tensor, Any] | None = None

    def pull(self, ct: Array) -> Array:
        """Cotangent of the value → cotangent of the input."""
        node = self.node
        args = [x.array if isinstance(x, Tensor) else x for x in node.inputs]
        with no_grad():
            back = self.rule(ct, node if node.out is None else node.out, *args, **node.attrs)
        return np.asarray(back).reshape(self.shape)

    def push(self, tangent: Array) -> Array:
        """Tangent of the input → tangent of the value: the rule's transpose."""
        node = self.node
        if self._recorded is None:
            ct = wrap(np.zeros(node.shape, node.dtype), None)
            ct.wants_grad = True
            args = [wrap(x.array, None) if isinstance(x, Tensor) else x for x in node.inputs]
            out: Any = node if node.out is None else wrap(node.out, None)
            with enable_grad():
                self._recorded = ct, self.rule(ct, out, *args, **node.attrs)
        ct, back = self._recorded
        if not (isinstance(back, Tensor) and back.wants_grad):
            return np.zeros(node.shape, node.dtype)
        found = pull_back([back], [wrap(np.asarray(tangent, back.dtype), None)], None, False).get(ct)
        return np.zeros(node.shape, node.dtype) if found is None else np.asarray(found)


def edges_of(node: Node, slot: int, reached: Array) -> Edges:
    """The local derivatives of ``node`` by its input ``slot``, from the entries that are ``reached``.

    Args:
        node: an operation that ran.
        slot: an input with a gradient rule.
        reached: for each entry of the input, in row-major order, whether its derivatives are asked for.

    Raises:
        GradError: a derivative is infinite or NaN, so that paths cannot be told apart.
    """
    probe = _Probe(Rule(node, slot), reached)
    if isinstance(node.op, Elementwise):
        found = probe.entrywise()
    else:
        found = probe.one_per_input() or probe.one_per_output() or probe.in_blocks()
    if not np.isfinite(found.factors).all():
        raise GradError(
            f"paths: a local derivative of {node.op.name} is not finite, so its paths cannot be compared",
            "ur.why(parameter.grad) finds where the first one came from.",
        )
    return found


class _Probe:
    """The questions asked of one rule."""

    def __init__(self, rule: Rule, reached: Array) -> None:
        self.rule, self.reached = rule, reached
        node = rule.node
        self.out_shape, self.in_shape, self.dtype = node.shape, rule.shape, node.dtype
        self.outputs, self.inputs = math.prod(node.shape), math.prod(rule.shape)
        self.random = np.random.default_rng(0)
        self.tolerance = 256 * float(np.finfo(self.dtype).eps)

    def _pull(self, ct: Array) -> Array:
        return self.rule.pull(np.ascontiguousarray(ct, self.dtype).reshape(self.out_shape)).reshape(-1)

    def _push(self, tangent: Array) -> Array:
        return self.rule.push(np.ascontiguousarray(tangent, self.rule.dtype).reshape(self.in_shape)).reshape(-1)

    def _noise(self, size: int) -> Array:
        return self.random.uniform(0.5, 1.5, size).astype(self.dtype)

    def entrywise(self) -> Edges:
        """Each entry of the value depends on that entry of the input alone."""
        factors = self._pull(np.ones(self.outputs))
        places = np.flatnonzero(self.reached & (factors != 0.0))
        return _listed(places, places, factors[places])

    def one_per_input(self) -> Edges | None:
        """Each entry of the input reaches at most one of the value: sums, means, reshaping, choosing."""
        factors = self._pull(np.ones(self.outputs))
        found = _partners(self._pull, factors, self.outputs, self._noise(self.outputs), self.tolerance)
        if found is None:
            return None
        places = np.flatnonzero(self.reached & (factors != 0.0))
        return _listed(places, found[places], factors[places])

    def one_per_output(self) -> Edges | None:
        """Each entry of the value depends on at most one of the input: repeating, looking up, choosing."""
        factors = self._push(np.ones(self.inputs))
        found = _partners(self._push, factors, self.inputs, self._noise(self.inputs), self.tolerance)
        if found is None:
            return None
        places = np.flatnonzero((factors != 0.0) & self.reached[np.where(factors != 0.0, found, 0)])
        order = np.argsort(found[places], kind="stable")
        places = places[order]
        return _listed(found[places], places, factors[places])

    def in_blocks(self) -> Edges:
        """Whatever is left: rows or columns, for as few as the structure allows."""
        found = self.blocks(*self.structure())
        return found if self.holds(found) else self.blocks((), ())

    def structure(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The dimensions along which entries do not mix; of these, those along which all derivatives are the same."""
        apart: list[int] = []
        alike: list[int] = []
        for axis in range(min(len(self.out_shape), len(self.in_shape))):
            n = self.out_shape[axis]
            if n < 2 or self.in_shape[axis] != n:
                continue
            some = self.random.permutation(n) < n // 2
            noise = np.moveaxis(self._noise(self.outputs).reshape(self.out_shape), axis, 0)
            there, elsewhere = (self._along(axis, noise, half) for half in (some, ~some))
            if not there[some].any() or there[~some].any() or elsewhere[some].any():
                continue
            apart.append(axis)
            back = self._along(axis, np.broadcast_to(noise[:1], noise.shape), np.ones(n, np.bool_))
            if np.allclose(back, back[:1], self.tolerance, self.tolerance * float(np.abs(back).max(initial=0.0))):
                alike.append(axis)
        return tuple(apart), tuple(alike)

    def _along(self, axis: int, ct: Array, some: Array) -> Array:
        """What comes back of that part of ``ct`` which lies in ``some`` along ``axis``; the axis moved to the front."""
        part = np.where(some.reshape(-1, *[1] * (ct.ndim - 1)), ct, 0.0)
        return np.moveaxis(self._pull(np.moveaxis(part, 0, axis)).reshape(self.in_shape), axis, 0)

    def blocks(self, apart: tuple[int, ...], alike: tuple[int, ...]) -> Edges:
        """Rows or columns, one for each entry of a block; blocks with the same derivatives share the work."""
        to = _blocked(self.out_shape, apart, alike)
        of = _blocked(self.in_shape, apart, alike)
        shared, rows = to.shape[1:]
        wanted = np.flatnonzero(self.reached[of].any((0, 1)))
        by_rows = -(-rows // shared) <= 3 * -(-len(wanted) // shared)
        asked = np.arange(rows) if by_rows else wanted
        start, end, ask, size = (to, of, self._pull, self.outputs) if by_rows else (of, to, self._push, self.inputs)
        there = wanted if by_rows else np.arange(rows)
        near: list[Array] = [np.empty(0, np.int64)]
        far: list[Array] = [np.empty(0, np.int64)]
        factors: list[Array] = [np.empty((to.shape[0], 0), self.dtype)]
        for first in range(0, len(asked), shared):
            some = asked[first : first + shared]
            one_hot = np.zeros(size, self.dtype)
            one_hot[start[:, np.arange(len(some)), some]] = 1.0
            answer = ask(one_hot)[end[:, : len(some)][:, :, there]]
            row, column = np.nonzero((answer != 0.0).any(0))
            near.append(some[row])
            far.append(there[column])
            factors.append(answer[:, row, column])
        a, b, f = np.concatenate(near), np.concatenate(far), np.concatenate(factors, 1)
        i, o = (b, a) if by_rows else (a, b)
        order = np.lexsort((o, i))
        return Edges(of, to, i[order], o[order], f[:, order])

    def holds(self, edges: Edges) -> bool:
        """Whether the edges say the same as the rule about a random cotangent."""
        noise = self._noise(self.outputs)
        wanted = np.where(self.reached, self._pull(noise), 0.0)
        told, mass = edges.add_up(noise, self.inputs)
        told[~self.reached] = 0.0
        return bool(np.allclose(told, wanted, 0.0, 16 * self.tolerance * float(mass.max(initial=0.0))))


def _partners(ask: Any, factors: Array, size: int, noise: Array, tolerance: float) -> Array | None:
    """With which entry each one is connected, if with one alone; None if that is not so."""
    there = factors != 0.0
    if not np.isfinite(factors).all() or (size > 1 and not there.any()):
        return None
    if size == 1:
        return np.zeros(len(factors), np.int64)
    numbers = np.arange(size)
    safe = np.where(there, factors, 1.0)
    high, low = (np.rint(ask(digit + 1.0) / safe) - 1.0 for digit in (numbers // _RADIX, numbers % _RADIX))
    with np.errstate(invalid="ignore"):
        found = np.where(there, high * _RADIX + low, 0.0)
    if not ((found >= 0) & (found < size)).all():
        return None
    partners = found.astype(np.int64)
    expected = np.where(there, factors * noise[partners], 0.0)
    close = np.abs(ask(noise) - expected) <= tolerance * np.abs(expected)
    return partners if close.all() else None


def _listed(of: Array, to: Array, factors: Array) -> Edges:
    """Edges one by one, as a single block."""
    each = np.arange(len(of))
    inputs, i = np.unique(of, return_inverse=True)
    return Edges(inputs[None, None], to[None, None], i, each, factors[None])


def _blocked(shape: tuple[int, ...], apart: tuple[int, ...], alike: tuple[int, ...]) -> Array:
    """The numbers of the entries as (blocks, blocks that are alike, entries of a block)."""
    own = [a for a in apart if a not in alike]
    rest = [a for a in range(len(shape)) if a not in apart]
    numbers = np.arange(math.prod(shape)).reshape(shape).transpose([*own, *alike, *rest])
    count = [math.prod([shape[a] for a in axes]) for axes in (own, alike, rest)]
    return numbers.reshape(count)
