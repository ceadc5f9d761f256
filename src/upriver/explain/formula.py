"""Formulas read back from what ran: a graph as a term, simplified a little.

Nothing about a derivative is typed in. A local derivative is the operation's own gradient rule, run on
tensors and recorded; its formula is what that recording says. How a term is written is in :mod:`.writing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..core.graph import Node, maker
from ..core.op import Op
from ..core.registry import ops
from ..core.state import tracing
from ..core.tensor import Tensor, wrap
from ..ops.align import cast, sum_to
from ..ops.elementwise import Elementwise, add, div, maximum, minimum, mul, neg, pow, sub

Shape = tuple[int, ...]


class Term(NamedTuple):
    """A formula as a tree: an operation on terms, or a symbol, or a number.

    Attributes:
        op: the operation, or None for a leaf of the tree.
        args: its operands.
        attrs: its static arguments.
        leaf: the symbol (text, LaTeX) or number, where ``op`` is None.
        shape: of its value.
    """

    op: Op | None
    args: tuple[Term, ...] = ()
    attrs: Mapping[str, Any] = {}
    leaf: float | tuple[str, str] = 0.0
    shape: Shape = ()

    @property
    def number(self) -> float | None:
        """The number that it is (at every entry), or None."""
        return self.leaf if self.op is None and not isinstance(self.leaf, tuple) else None


def number(value: float, shape: Shape = ()) -> Term:
    """A number, at every entry of ``shape``."""
    return Term(None, leaf=value, shape=shape)


def read(root: Tensor, names: Mapping[int, Term], constants: dict[str, Any] | None = None) -> Term:
    """The graph of ``root`` as a term, down to what ``names`` (by ``id`` of tensor or node) calls by name.

    A leaf that has no name is written as its value if that is one number, and as ``k1``, ``k2``, … otherwise;
    those are put into ``constants``, with their arrays.
    """
    known: dict[int, Term] = {}
    unnamed: dict[str, Any] = constants if constants is not None else {}

    def called(key: int) -> Term | None:
        return known.get(key) or names.get(key)

    def of(x: Any) -> Term:
        found = called(id(x)) or called(id(maker(x)))
        if found is not None:
            return found
        if isinstance(x, Tensor):
            found = constant(x.array)
            if found is None:
                name = f"k{len(unnamed) + 1}"
                unnamed[name] = x.array
                found = Term(None, leaf=(name, f"k_{{{len(unnamed)}}}"), shape=x.shape)
            return known.setdefault(id(x), found)
        return number(x)

    if root.node is None or id(root) in names or id(root.node) in names:
        return of(root)
    for node in _needed(root.node, names):
        known[id(node)] = Term(node.op, tuple([of(x) for x in node.inputs]), node.attrs, shape=node.shape)
    return known[id(root.node)]


def _needed(root: Node, known: Mapping[int, Term]) -> list[Node]:
    """The nodes between ``root`` and what is named, inputs first: the rest of a large graph is not walked."""
    seen = {root}
    stack = [root]
    while stack:
        for x in stack.pop().inputs:
            node = maker(x)
            if node is not None and node not in seen and id(node) not in known and id(x) not in known:
                seen.add(node)
                stack.append(node)
    return sorted(seen, key=lambda node: node.time)


def constant(array: Any) -> Term | None:
    """An array as a number, if all its entries are the same."""
    if array.size == 0 or array.size > 1_000_000 or (array.size > 1 and not (array == array.flat[0]).all()):
        return None
    return number(short(array.flat[0]), array.shape)


def short(value: Any) -> float:
    """A number of NumPy's as the Python number with the same shortest decimal digits: 0.1, not 0.10000000149."""
    return float(str(value)) if isinstance(value, np.floating) and value.dtype.itemsize < 8 else value.item()


# Simplification: only what a reader would do without thinking, and only what holds for every number.


def is_transparent(t: Term) -> bool:
    """Whether a term is written as its operand, since entry-by-entry arithmetic repeats what is too short."""
    if t.op is None or t.op.formula.text != "{0}":
        return False
    inner = t.args[0].shape
    strip = 0
    while strip < len(t.shape) and t.shape[strip] == 1 and len(t.shape) - strip > len(inner):
        strip += 1
    return t.op.name != "reshape" or t.shape[strip:] == inner or math.prod(inner) == 1


_FOLD: dict[Op, Callable[[float, float], float]] = {
    add: lambda a, b: a + b,
    sub: lambda a, b: a - b,
    mul: lambda a, b: a * b,
}
_SUM, _MEAN = ops.record("sum"), ops.record("mean")
_CLAMP = ops.record("clamp")


def _is(term: Term, value: float) -> bool:
    return term.number is not None and term.number == value


def _value(term: Term) -> float:
    value = term.number
    assert value is not None
    return value


def _plain(term: Term) -> bool:
    """Whether a number can be computed with: true and false are left as they are written."""
    return term.number is not None and not isinstance(term.number, bool) and math.isfinite(term.number)


def _simplify_one(t: Term) -> Term:
    """One step at the top of a term whose operands are simple already."""
    op, args = t.op, t.args
    if op is None:
        return t
    if op.formula.text == "{0}" and _plain(args[0]):
        return number(_value(args[0]), t.shape)
    if op in (_SUM, _MEAN, sum_to) and _plain(args[0]):
        times = 1 if op is _MEAN else math.prod(args[0].shape) // max(1, math.prod(t.shape))
        return number(_value(args[0]) * times, t.shape)
    if op in _FOLD and _plain(args[0]) and _plain(args[1]):
        return number(_FOLD[op](_value(args[0]), _value(args[1])), t.shape)
    if op is _CLAMP and None in t.attrs.values():
        low, high = t.attrs["min"], t.attrs["max"]
        bound, choose = (high, minimum) if low is None else (low, maximum)
        return Term(choose, (args[0], number(bound)), shape=t.shape)
    if op in _STEPS:
        return _STEPS[op](t, args)
    return t


def _product(t: Term, args: tuple[Term, ...]) -> Term:
    a, b = args
    if _plain(b) and not _plain(a):
        a, b = b, a  # a number goes first: exact, since a product does not depend on the order
    if _is(a, 1):
        return b
    if _is(a, 0):
        return number(0.0, t.shape)
    if _is(a, -1):
        return _simplify_one(Term(neg, (b,), shape=t.shape))
    if a.op is neg or b.op is neg:
        inner = (a.args[0], b) if a.op is neg else (a, b.args[0])
        return _simplify_one(Term(neg, (_simplify_one(Term(mul, inner, shape=t.shape)),), shape=t.shape))
    if _plain(a) and b.op is mul and _plain(b.args[0]) and _binary_exact(a.number, b.args[0].number):
        return _simplify_one(Term(mul, (number(_value(a) * _value(b.args[0])), b.args[1]), shape=t.shape))
    return Term(mul, (a, b), shape=t.shape)


def _binary_exact(a: float | None, b: float | None) -> bool:
    """Whether two factors are both small whole numbers or halves, so that to multiply them first changes nothing."""
    return all(x is not None and abs(x) < 1e4 and float(x * 2).is_integer() for x in (a, b))


def _sum(t: Term, args: tuple[Term, ...]) -> Term:
    a, b = args
    if _is(a, 0) or _is(b, 0):
        return b if _is(a, 0) else a
    if b.op is neg:
        return Term(sub, (a, b.args[0]), shape=t.shape)
    return t


def _difference(t: Term, args: tuple[Term, ...]) -> Term:
    a, b = args
    if _is(b, 0):
        return a
    if _is(a, 0):
        return _simplify_one(Term(neg, (b,), shape=t.shape))
    return Term(add, (a, b.args[0]), shape=t.shape) if b.op is neg else t


def _negative(t: Term, args: tuple[Term, ...]) -> Term:
    if args[0].op is neg:
        return args[0].args[0]
    return number(-_value(args[0]), t.shape) if _plain(args[0]) else t


def _quotient(t: Term, args: tuple[Term, ...]) -> Term:
    if args[0].op is neg:
        return Term(neg, (Term(div, (args[0].args[0], args[1]), shape=t.shape),), shape=t.shape)
    return args[0] if _is(args[1], 1) else t


def _power(t: Term, args: tuple[Term, ...]) -> Term:
    return args[0] if _is(args[1], 1) else t


_STEPS: dict[Op, Callable[[Term, tuple[Term, ...]], Term]] = {
    mul: _product,
    add: _sum,
    sub: _difference,
    neg: _negative,
    div: _quotient,
    pow: _power,
}


def simplify(term: Term) -> Term:
    """The term with 1 · x, 0 + x, −(−x) and the like gone, and numbers combined. Iterative."""
    done: dict[int, Term] = {}
    stack = [(term, False)]
    while stack:
        t, ready = stack.pop()
        if id(t) in done:
            continue
        if ready or not t.args:
            done[id(t)] = _simplify_one(t._replace(args=tuple([done[id(a)] for a in t.args])))
        else:
            stack.append((t, True))
            stack.extend((a, False) for a in t.args)
    return done[id(term)]


# Local derivatives.


def entrywise(node: Node) -> bool:
    """Whether each entry of the value depends on that entry of the inputs alone."""
    return isinstance(node.op, Elementwise) or node.op in (cast, ops.record("where"), ops.record("clone"))


class Derivative(NamedTuple):
    """A gradient rule that was run, and what it said.

    Attributes:
        term: the formula as the rule computed it.
        value: what came out.
        constants: arrays that the rule made and the formula names.
    """

    term: Term
    value: Any
    constants: dict[str, Any]


def run_rule(
    node: Node, i: int, inputs: tuple[Any, ...], out: Any, ct: Tensor, names: Mapping[int, Term]
) -> Derivative:
    """The gradient rule of ``node`` for its input ``i``, run on the cotangent ``ct`` and read back.

    Args:
        node: the operation.
        i: the input to differentiate by; it must have a rule.
        inputs: the inputs as tensors (without a history) and numbers.
        out: the value, as a tensor without a history.
        ct: the cotangent of the value: ones, so that the local derivative comes out, or the true one.
        names: what to call them, by ``id``.
    """
    rule = next(rule for j, rule in enumerate(node.op.vjps) if j == i)
    assert rule is not None
    with tracing():
        value = rule(ct, out, *inputs, **node.attrs)
    constants: dict[str, Any] = {}
    term = read(value, names, constants)
    return Derivative(term, value.array, constants)


def ones(node: Node) -> Tensor:
    """The cotangent 1 at every entry."""
    return wrap(np.ones(node.shape, node.dtype), None)
