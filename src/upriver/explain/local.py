"""The local derivatives of one operation, entry by entry, found by asking its own gradient rule.

A rule pulls a cotangent back: one-hot cotangents give the rows of the local derivative. A rule is linear in the
cotangent, so its own derivative by the cotangent pushes a tangent forward: that gives the columns. No operation is
known here by name. How its entries hang together (each input entry reaching one output entry, or samples that do
not mix, or that all have the same derivatives) is found by probing and then *checked* with a random cotangent;
where the check fails, every row is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
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

_RADIX = 4096  # entries are numbered in two digits, which even float32 divides without error
_CHUNK = 1 << 22  # numbers worked on at a time
_CACHED = 1 << 17  # numbers that stay in the processor's cache


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


@dataclass(eq=False)
class Edges:
    """The local derivatives of a node by one of its inputs, those that are not zero.

    Entries fall into blocks that do not mix: edge ``n`` leads, in each block ``(u, s)``, from entry ``of[u, s, i[n]]``
    of the input to entry ``to[u, s, o[n]]`` of the value, with the factor ``factors[u, n]``: the same for every ``s``.

    Attributes:
        of, to: (U, S, I) and (U, S, O): the entries of input and value, counted in row-major order.
        i, o: (N,) each, in the order of ``i``.
        factors: (U, N).
    """

    of: Array
    to: Array
    i: Array
    o: Array
    factors: Array

    @cached_property
    def inputs(self) -> Array:
        """The places of ``i`` that have edges."""
        return self.i[np.flatnonzero(np.diff(self.i, prepend=-1))]

    @cached_property
    def starts(self) -> Array:
        """Where the edges of each of ``inputs`` begin; one more at the end."""
        return np.append(np.flatnonzero(np.diff(self.i, prepend=-1)), len(self.i))

    @cached_property
    def _single(self) -> bool:
        """Whether no input entry has two edges."""
        return len(self.inputs) == len(self.i)

    @cached_property
    def _sources(self) -> Array:
        """The entries of the input that have edges, (U, S, inputs)."""
        return self.of[:, :, self.inputs]

    @cached_property
    def _place(self) -> Array:
        place = np.full(int(self.of.max(initial=-1)) + 1, -1)
        place[self.of.reshape(-1)] = np.arange(self.of.size)
        return place

    @cached_property
    def _dense(self) -> Array | None:
        """The derivatives as matrices (U, inputs, O), if they are nearly all there."""
        rows, columns = len(self.inputs), self.to.shape[2]
        if len(self.i) < 64 or len(self.i) * 3 < rows * columns or self.factors.size * 3 > _CHUNK * 16:
            return None
        matrix = np.zeros((len(self.factors), rows, columns))
        matrix[:, np.searchsorted(self.inputs, self.i), self.o] = self.factors
        return matrix

    def leaving(self, entry: int) -> tuple[Array, Array]:
        """For an entry of the input: the entries of the value that it reaches, and the factors."""
        place = int(self._place[entry]) if entry < len(self._place) else -1
        if place < 0:
            return np.empty(0, np.int64), np.empty(0)
        u, rest = divmod(place, self.of.shape[1] * self.of.shape[2])
        s, i = divmod(rest, self.of.shape[2])
        a, b = np.searchsorted(self.i, [i, i + 1])
        return self.to[u, s, self.o[a:b]], self.factors[u, a:b].astype(np.float64)

    def reach(self, reached: Array, size: int) -> Array:
        """The entries of the value that can be reached from those of the input (a few more, where blocks are many)."""
        found = np.zeros(size, np.bool_)
        inside = reached[self.of]
        if self.of.shape[:2] == (1, 1):
            found[self.to[0, 0, self.o[inside[0, 0, self.i]]]] = True
        else:
            blocks = inside[:, :, self.inputs].any(2)
            found[self.to[:, :, np.unique(self.o)][blocks].reshape(-1)] = True
        return found

    def pull(self, ahead: Sums, size: int) -> Sums:
        """What can be told of all paths from the entries of the input, given it for those of the value."""
        return Sums(
            self._best(ahead.best, size),
            self.add_up(ahead.total, size),
            self.add_up(ahead.mass, size, np.abs),
            self.add_up(ahead.count, size, lambda f: (f != 0.0).astype(np.float64)),
        )

    def add_up(self, ahead: Array, size: int, of_factors: Callable[[Array], Array] = np.asarray) -> Array:
        """For each entry of the input the sum of ``ahead`` times the factors, or a function of the factors."""
        found = np.zeros(size)
        if self._dense is not None:
            found[self._sources] = ahead[self.to] @ of_factors(self._dense).transpose(0, 2, 1)
            return found
        for into, targets, factors in self._pieces():
            products = ahead[targets] * of_factors(factors)
            found[into] = products if self._single else np.add.reduceat(products, self.starts[:-1], 1)
        return found

    def _best(self, ahead: Array, size: int) -> Array:
        """As :meth:`add_up`, with the largest magnitude in place of the sum."""
        found = np.zeros(size)
        if self._dense is None:
            for into, targets, factors in self._pieces():
                products = ahead[targets] * np.abs(factors)
                found[into] = products if self._single else np.maximum.reduceat(products, self.starts[:-1], 1)
            return found
        values: Any = ahead[self.to][:, :, None]
        sizes = np.abs(self._dense)
        best: Array = np.empty(self._sources.shape)
        step = max(1, _CACHED // sizes[0].size)
        for u in range(len(sizes)):
            for s in range(0, best.shape[1], step):
                best[u, s : s + step] = (sizes[u] * values[u, s : s + step]).max(2)
        found[self._sources] = best
        return found

    def _pieces(self) -> Iterator[tuple[Array, Array, Array]]:
        """The edges in pieces of many blocks: entries of the input, of the value, and the factors."""
        step = max(1, _CHUNK // max(1, len(self.i)))
        for u in range(self.of.shape[0] if len(self.i) else 0):
            for s in range(0, self.of.shape[1], step):
                blocks = slice(s, s + step)
                yield self._sources[u, blocks], self.to[u, blocks][:, self.o], self.factors[u].astype(np.float64)


@dataclass
class Sums:
    """What is known, for every entry of a value, of the paths from it to the loss.

    Attributes:
        best: the largest magnitude of a product.
        total: the sum of the products.
        mass: the sum of their magnitudes.
        count: their number.
    """

    best: Array
    total: Array
    mass: Array
    count: Array

    @classmethod
    def zeros(cls, size: int) -> Sums:
        """No path at all."""
        return cls(np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size))

    def __iter__(self) -> Iterator[Array]:
        return iter((self.best, self.total, self.mass, self.count))

    def join(self, other: Sums) -> None:
        """Take further paths in."""
        np.maximum(self.best, other.best, out=self.best)
        self.total += other.total
        self.mass += other.mass
        self.count += other.count


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
        told = edges.add_up(noise, self.inputs)
        told[~self.reached] = 0.0
        scale = float(edges.add_up(noise, self.inputs, np.abs).max(initial=0.0))
        return bool(np.allclose(told, wanted, 0.0, 16 * self.tolerance * scale))


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
