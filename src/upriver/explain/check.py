"""An explanation checked without trusting what made it: by differences, by adding up again, by reading its formulas.

Nothing here runs a gradient rule. Values are computed again by the operations' kernels; local derivatives are
compared with central differences of those kernels; formulas are parsed and evaluated; sums are added up anew; and
in the end the inputs are really nudged and the whole computation is run again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.graph import Node
from ..core.state import Array, no_grad
from ..core.tensor import wrap
from ..errors import UpriverError
from ..i18n import say
from . import language
from .compare import Problem, few, in_double, slope_at_zero
from .evaluate import evaluate
from .explanation import Explanation
from .records import Answer, Number, Step, Value

_LARGEST = 100_000
"""Arrays with more entries than this are checked along one random direction only."""


def verify(explanation: Explanation) -> list[Problem]:
    """What is wrong with an explanation: nothing, if the list is empty.

    Example:
        >>> import upriver as ur
        >>> w = ur.tensor(2.0, requires_grad=True)
        >>> verify(ur.explain((w * 3.0 - 10.0) ** 2, wrt=w))
        []
    """
    return _Check(explanation).run()


class _Check:
    def __init__(self, explanation: Explanation) -> None:
        self.e = explanation
        self.values, self.steps = explanation.values, explanation.steps
        self.problems: list[Problem] = []
        single = any(v.array.dtype.kind == "f" and v.array.dtype.itemsize < 8 for v in self.values)
        self.tolerance = 2e-3 if single else 1e-6
        self.scope, self.spelling = self._names()
        self.random = np.random.default_rng(0)

    def run(self) -> list[Problem]:
        with no_grad(), np.errstate(all="ignore"):
            for v in self.values:
                self._forward(v)
            self._walk()
            for s in self.steps:
                self._step(s)
            for v in self.values:
                self._sum(v)
            for a in self.e.answers:
                self._answer(a)
        return self.problems

    def _say(self, kind: str, where: str, message: str) -> None:
        self.problems.append(Problem(kind, where, message))

    def _close(self, a: Any, b: Any, summands: float = 0.0) -> bool:
        """Whether two arrays are the same number for number, but for rounding (of what was added up to get them)."""
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if a.shape != b.shape:
            return False
        finite = np.isfinite(a) & np.isfinite(b)
        if not np.array_equal(np.where(finite, 0.0, a), np.where(finite, 0.0, b), equal_nan=True):
            return False
        scale = max(1e-12, summands, float(np.abs(np.where(finite, b, 0.0)).max(initial=0.0)))
        return bool((np.abs(a - b)[finite] <= self.tolerance * (np.abs(b)[finite] + 1e-3 * scale)).all())

    # Formulas, read again.

    def _names(self) -> tuple[dict[str, Array], dict[str, str]]:
        """What each symbol stands for, and the spelling by which the reader of formulas can know it."""
        scope: dict[str, Array] = {}
        spelling: dict[str, str] = {}
        for v in self.values:
            if v.kind == "constant" or not re.fullmatch(r"[\w.\[\]]+", v.name):
                continue
            if v.name in spelling:
                self._say("name", v.name, say("two values are called {name}", name=v.name))
            spelling[v.name] = v.name if v.name.isidentifier() else f"value_{v.index}_"
            scope[spelling[v.name]] = v.array
        return scope, spelling

    def _read(self, formula: str, extra: Mapping[str, Any], shape: tuple[int, ...]) -> Array | None:
        """The value of a formula; None if it is not in the language."""
        odd = sorted((n for n in self.spelling if not n.isidentifier()), key=len, reverse=True)
        if odd:
            pattern = r"(?<![\w.])(" + "|".join(map(re.escape, odd)) + r")(?!\w)"
            formula = re.sub(pattern, lambda found: self.spelling[found.group()], formula)
        known = {k: wrap(in_double(x), None) for k, x in {**self.scope, **extra}.items()}
        try:
            value = evaluate(language.parse(formula, internal=True), known)[""].array
            return np.broadcast_to(value, shape)
        except (UpriverError, ValueError, TypeError, IndexError, KeyError):
            return None

    # Forward.

    def _forward(self, v: Value) -> None:
        node = v.key
        if not isinstance(node, Node):
            return
        again = node.op.forward(*self._operands(v, double=False), **node.attrs)
        if not self._close(again, v.array):
            told = say(
                "its value is {value}, but {operation} of its operands is {again}",
                value=few(v.array), operation=node.op.name, again=few(again),
            )  # fmt: skip
            self._say("value", v.name, told)
        if v.exact is None or v.array.size > _LARGEST:
            return
        read = self._read(v.exact, {}, v.array.shape)
        if read is not None and v.array.dtype.kind == "f" and not self._close(read, v.array):
            told = say(
                "its formula {formula} gives {read}, not {value}",
                formula=v.formula, read=few(read), value=few(v.array),
            )  # fmt: skip
            self._say("formula", v.name, told)

    def _operands(self, v: Value, *, double: bool) -> list[Any]:
        arrays: list[Any] = []
        for x in v.operands:
            if isinstance(x, Number):
                arrays.append(x.number)
            else:
                array = self.values[x].array
                arrays.append(in_double(array) if double else array)
        return arrays

    # The walk as a whole.

    def _walk(self) -> None:
        """Whether every use is there, once, and in an order in which each gradient is whole before it is used."""
        seen: dict[tuple[int, int], int] = {}
        for s in self.steps:
            seen[s.source, s.operand] = seen.get((s.source, s.operand), 0) + 1
            where = self._step_name(s)
            v = self.values[s.source]
            if not isinstance(v.key, Node) or s.operand >= len(v.operands) or v.operands[s.operand] != s.target:
                self._say("graph", where, say("the graph has no such edge"))
        for (source, operand), times in seen.items():
            if times > 1:
                told = say("its step to operand {operand} is counted {times} times", operand=str(operand), times=times)
                self._say("twice", self.values[source].name, told)
        on_the_way = {v.index for v in self.values if v.on_the_way}
        for v in self.values:
            if not isinstance(v.key, Node) or v.index not in on_the_way:
                continue
            for i, (x, edge) in enumerate(zip(v.operands, v.key.edges, strict=False)):
                if isinstance(x, Number) or x not in on_the_way:
                    continue
                if edge is not None and (v.index, i) not in seen and self._has_rule(v.key, i):
                    told = say("the path through it to {name} is left out", name=self.values[x].name)
                    self._say("missing", v.name, told)
        done: set[int] = set()
        for s in self.steps:
            if s.target in done:
                told = say("{name} was used before this was added", name=self.values[s.target].name)
                self._say("order", self._step_name(s), told)
            done.add(s.source)

    @staticmethod
    def _has_rule(node: Node, i: int) -> bool:
        rules = node.op.vjps
        return not isinstance(rules, tuple) or (i < len(rules) and rules[i] is not None)

    def _step_name(self, s: Step) -> str:
        return say(
            "step {n}, {operation} from {source} to {target}",
            n=s.index + 1, operation=s.operation, source=self.values[s.source].name, target=self.values[s.target].name,
        )  # fmt: skip

    # One step.

    def _step(self, s: Step) -> None:
        where = self._step_name(s)
        source, target = self.values[s.source], self.values[s.target]
        if source.gradient is None or not self._close(s.upstream, source.gradient):
            told = say(
                "upstream is {upstream}, but the gradient of {name} is {gradient}",
                upstream=few(s.upstream), name=source.name, gradient=few(source.gradient),
            )  # fmt: skip
            self._say("upstream", where, told)
        if s.entrywise and s.local is not None:
            product = np.asarray(s.upstream) * s.local
            if not self._close(s.product, product):
                told = say(
                    "{upstream} × {local} is {product}, not {given}",
                    upstream=few(s.upstream), local=few(s.local), product=few(product), given=few(s.product),
                )  # fmt: skip
                self._say("product", where, told)
        self._step_formula(s, where)
        if not isinstance(source.key, Node) or s.operand >= len(source.operands):
            return
        if s.entrywise and s.local is not None and source.array.shape == target.array.shape:
            self._local(s, where, source)
        elif s.entrywise and s.local is not None:
            self._direction(s, where, source, np.ones(source.array.shape), s.local)
        else:
            self._direction(s, where, source, in_double(s.upstream), s.product)

    def _step_formula(self, s: Step, where: str) -> None:
        claimed = s.local if s.entrywise else s.product
        if claimed is None or np.asarray(claimed).size > _LARGEST:
            return
        read = self._read(s.exact, {**s.constants, s.upstream_symbol: s.upstream}, np.shape(claimed))
        if read is None:
            if s.entrywise and self.values[s.source].array.shape == self.values[s.target].array.shape:
                self._say("unreadable", where, say("its formula {formula} is not in the language", formula=s.exact))
            return
        summands = float(np.abs(np.asarray(s.upstream, np.float64)).max(initial=0.0))
        if not self._close(read, claimed, 0.0 if s.entrywise else summands):
            told = say(
                "the formula {formula} gives {read}, and the {what, select, local {local derivative} other {product}} "
                "is {claimed}",
                formula=s.formula, read=few(read), what="local" if s.entrywise else "product", claimed=few(claimed),
            )  # fmt: skip
            self._say("formula", where, told)
        short = self._read(s.formula, {**s.constants, s.upstream_symbol: s.upstream}, np.shape(claimed))
        if short is None or not np.allclose(short, read, rtol=1e-4, atol=1e-5, equal_nan=True):
            told = say(
                "the formula shown, {formula}, is not the one with all digits, {exact}",
                formula=s.formula, exact=s.exact,
            )  # fmt: skip
            self._say("formula", where, told)

    def _local(self, s: Step, where: str, source: Value) -> None:
        """An entrywise local derivative against differences of the kernel, each entry by itself."""
        assert s.local is not None
        x = self._operands(source, double=True)
        at = np.asarray(x[s.operand])
        h = 1e-3 * np.clip(np.abs(at), 1e-2, 1.0)

        node = source.key

        def f(shift: Array) -> Array:
            moved = [*x[: s.operand], at + shift, *x[s.operand + 1 :]]
            return np.asarray(node.op.forward(*moved, **node.attrs), np.float64)

        middle = f(0.0 * h)
        coarse, fine = (f(h) - f(-h)) / (2 * h), (f(h / 2) - f(-h / 2)) / h
        slope = (4 * fine - coarse) / 3
        left, right = (middle - f(-h / 64)) / (h / 64), (f(h / 64) - middle) / (h / 64)
        local = np.asarray(s.local, np.float64)
        room = 1e2 * self.tolerance * (1.0 + np.abs(slope)) * 1e-1
        smooth = np.maximum(np.abs(coarse - fine), np.abs(right - left)) <= 1e-3 * (1.0 + np.abs(fine))
        between = (local >= np.minimum(left, right) - room) & (local <= np.maximum(left, right) + room)
        good = np.where(smooth, np.abs(local - slope) <= room, between) | ~np.isfinite(slope)
        if not good.all():
            i = np.unravel_index(int(np.argmin(good)), good.shape)
            told = say(
                "the local derivative is given as {local}; differences give {slope}",
                local=f"{local[i]:.6g}", slope=f"{slope[i]:.6g}",
            )  # fmt: skip
            self._say("local", where, told)

    def _direction(self, s: Step, where: str, source: Value, weight: Array, claimed: Any) -> None:
        """A product against the difference of the kernel along a random direction."""
        x = self._operands(source, double=True)
        at = np.asarray(x[s.operand], np.float64)
        if self.values[s.target].array.dtype.kind != "f" or not np.isfinite(at).all():
            return
        direction = self.random.normal(size=at.shape)

        def f(t: float) -> float:
            out = source.key.op.forward(*x[: s.operand], at + t * direction, *x[s.operand + 1 :], **source.key.attrs)
            return float(np.sum(weight * np.asarray(out, np.float64)))

        slope, sure = slope_at_zero(f)
        stated = float(np.sum(np.asarray(claimed, np.float64) * direction))
        size = (
            abs(slope) + float(np.linalg.norm(np.asarray(claimed, np.float64))) + 1e-3 * float(np.linalg.norm(weight))
        )
        if sure and np.isfinite(slope) and abs(stated - slope) > 10 * self.tolerance * (size + 1e-9):
            what = "local" if s.entrywise else "product"
            told = say(
                "along a random direction the {what, select, local {local derivative} other {product}} gives "
                "{stated}; differences give {slope}",
                what=what, stated=f"{stated:.6g}", slope=f"{slope:.6g}",
            )  # fmt: skip
            self._say(what, where, told)

    # Sums.

    def _sum(self, v: Value) -> None:
        if v.index == self.e.root:
            if v.gradient is None or not np.all(np.asarray(v.gradient) == 1):
                told = say("the walk must start with 1, not with {gradient}", gradient=few(v.gradient))
                self._say("start", v.name, told)
            return
        arriving = [s for s in self.steps if s.target == v.index]
        if not v.on_the_way or not arriving:
            if v.gradient is not None:
                told = say("nothing was computed for it, but {gradient} is given", gradient=few(v.gradient))
                self._say("not computed", v.name, told)
            return
        if v.gradient is None:
            self._say("not computed", v.name, say("its gradient was computed, but is not given"))
            return
        listed = [s.index for s in arriving]
        if sorted(v.parts) != sorted(listed):
            told = say("{shares} shares are listed, and {steps} steps arrive", shares=len(v.parts), steps=len(listed))
            self._say("shares", v.name, told)
        total: Any = 0.0
        for s in arriving:
            total = total + np.asarray(s.product, np.float64)
        if not self._close(v.gradient, total):
            how = " + ".join(few(s.product) for s in arriving[:6])
            told = say(
                "{sum} is {total}, but its gradient is given as {gradient}",
                sum=how, total=few(total), gradient=few(v.gradient),
            )  # fmt: skip
            self._say("sum", v.name, told)

    # Answers.

    def _answer(self, a: Answer) -> None:
        v = self.values[a.value]
        if v.gradient is None:
            self._say("answer", a.name, say("its gradient was not computed"))
            return
        expected = v.gradient if a.entry is None else np.asarray(v.gradient)[a.entry]
        if not self._close(a.gradient, expected):
            told = say(
                "the answer is {answer}, but the walk came to {expected}",
                answer=few(a.gradient), expected=few(expected),
            )  # fmt: skip
            self._say("answer", a.name, told)
        for part in a.parts:
            s = self.steps[part.step]
            if not np.isclose(part.upstream, np.asarray(s.upstream)[part.at], rtol=self.tolerance):
                told = say(
                    "the upstream gradient at {place} is not {value}",
                    place=str(list(part.at)), value=f"{part.upstream:.6g}",
                )  # fmt: skip
                self._say("entry", a.name, told)
        if a.parts and a.count <= len(a.parts):
            total = sum(p.upstream * p.local for p in a.parts)
            if not np.isclose(total, float(a.gradient), rtol=10 * self.tolerance, atol=self.tolerance):
                told = say(
                    "its products add up to {total}, not to {gradient}",
                    total=f"{total:.6g}", gradient=few(a.gradient),
                )  # fmt: skip
                self._say("entry", a.name, told)
        self._nudge(a, v)

    def _nudge(self, a: Answer, v: Value) -> None:
        """The whole computation run again with the value nudged, along a direction or at one entry."""
        at = in_double(v.array)
        direction: Array = np.asarray(self.random.normal(size=at.shape))
        if a.entry is not None:
            direction = np.zeros(at.shape)
            direction[a.entry] = 1.0

        def f(t: float) -> float:
            return float(self._replay({a.value: at + t * direction}))

        slope, sure = slope_at_zero(f)
        stated = float(np.sum(np.asarray(a.gradient, np.float64) * (direction if a.entry is None else 1.0)))
        size = abs(slope) + float(np.linalg.norm(np.asarray(a.gradient, np.float64)))
        if sure and np.isfinite(slope) and abs(stated - slope) > 20 * self.tolerance * (size + 1e-6):
            told = say(
                "nudging {name} changes the result at a rate of {slope}, not {stated}",
                name=a.name, slope=f"{slope:.6g}", stated=f"{stated:.6g}",
            )  # fmt: skip
            self._say("nudge", a.name, told)

    def _replay(self, changed: Mapping[int, Array]) -> Any:
        known: list[Any] = []
        for v in self.values:
            if v.index in changed:
                known.append(changed[v.index])
            elif isinstance(v.key, Node):
                inputs = [x.number if isinstance(x, Number) else known[x] for x in v.operands]
                known.append(np.asarray(v.key.op.forward(*inputs, **v.key.attrs)))
            else:
                known.append(in_double(v.array))
        return np.asarray(known[self.e.root]).reshape(())
