"""Which modules, units and single weights a loss depends on: three measures, named apart and never mixed.

*Sensitivity* is the gradient: how fast the loss changes as a weight does. It is no share of guilt: a weight that has
no influence now may get one, and sensitivities do not add up to the loss. The *effect of the update* is gradient ×
change: by how much, to first order, the coming step changes the loss through this weight; these do add up, to the
predicted change. *Gradient × weight* is by how much, to first order, the loss would change if the weight grew by 100 %
(its negative: if it were 0; Molchanov and others, "Importance Estimation for Neural Network Pruning", CVPR 2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import ArgumentError, GradError
from ..i18n import say
from ..i18n.columns import left, width as columns
from .coming import coming_changes
from .paths import Paths, number_of, paths

SENSITIVITY, UPDATE, TIMES_WEIGHT = "sensitivity", "update", "gradient x weight"
MEASURES = (SENSITIVITY, UPDATE, TIMES_WEIGHT)
LEVELS = ("modules", "units", "weights")


def about(measure: str) -> str:
    """What a measure is, in a sentence."""
    if measure == SENSITIVITY:
        return say("sensitivity: the gradient, dL/dw; of a module or unit the norm of its gradient")
    if measure == UPDATE:
        return say(
            "effect of the update: gradient x change, by how much the coming step changes the loss, to first order"
        )
    return say("gradient x weight: by how much the loss changes if the weight grows by 100 %, to first order")


def called(word: str) -> str:
    """The name of a measure or a level, as a heading."""
    return say(
        "{word, select, sensitivity {sensitivity} update {update} modules {modules} units {units} weights {weights} "
        "other {gradient x weight}}",
        word=word,
    )


class Blamed(NamedTuple):
    """One module, unit or weight in a ranking.

    Attributes:
        name: as in ``hidden.0``, ``hidden.0 unit 3``, ``hidden.0.weight[3, 17]``.
        value: by the measure.
        weight: its value, where it is a single weight; else None.
    """

    name: str
    value: float
    weight: float | None = None


@dataclass(frozen=True, eq=False)
class _Part:
    """One parameter with its gradient and its coming change."""

    name: str
    module: str
    parameter: Tensor
    gradient: Array
    change: Array | None

    def measured(self, measure: str) -> Array:
        if measure == SENSITIVITY:
            return self.gradient
        other = self.change if measure == UPDATE else self.parameter.array
        assert other is not None
        return self.gradient * other


class Blame:
    """Rankings of modules, units and weights.

    Attributes:
        loss: its value.
        count: how many weights were ranked.
        missing: the parameters that have no gradient: nothing was computed for them, which is not zero.
        measures: those that could be taken; ``update`` only with an optimiser or a learning rate.
        owners: the modules that own the weights, in the model's order.
        step: what update was looked at, in words; empty for none.
    """

    def __init__(self, loss: Tensor, parts: Sequence[_Part], missing: Sequence[str], step: str) -> None:
        self._loss, self._parts = loss, parts
        self.loss = float(loss.array.reshape(-1)[0])
        self.count = sum(part.gradient.size for part in parts)
        self.missing = tuple(missing)
        self.step = step
        self.measures = MEASURES if step else (SENSITIVITY, TIMES_WEIGHT)
        self.owners = tuple(dict.fromkeys(part.module for part in parts))
        self._known: dict[tuple[str, str, int], list[Blamed]] = {}

    def modules(self, measure: str = SENSITIVITY, k: int = 10) -> list[Blamed]:
        """The ``k`` modules that come first by ``measure``: those that own parameters themselves."""
        return self.ranked("modules", measure, k)

    def units(self, measure: str = SENSITIVITY, k: int = 10) -> list[Blamed]:
        """The ``k`` units that come first: rows of a module's parameters, which are output units or channels."""
        return self.ranked("units", measure, k)

    def weights(self, measure: str = SENSITIVITY, k: int = 10, within: str | None = None) -> list[Blamed]:
        """The ``k`` single weights that come first by the magnitude of ``measure``, in all or ``within`` a module."""
        if within is None:
            return self.ranked("weights", measure, k)
        return [_blamed(*found) for found in self._top_weights(measure, k, within)]

    def total(self, measure: str) -> float:
        """``measure`` of the whole model: of ``update``, the predicted change of the loss."""
        self._check(measure)
        found = [np.asarray(part.measured(measure), np.float64) for part in self._parts]
        if measure == SENSITIVITY:
            return math.sqrt(sum(float(np.vdot(x, x)) for x in found))
        return float(sum(float(x.sum()) for x in found))

    def paths(self, measure: str = SENSITIVITY, k: int = 5, within: str | None = None) -> Paths:
        """The largest paths by which the weight that comes first, in all or ``within`` a module, reaches the loss."""
        part, entry, _ = self._top_weights(measure, 1, within)[0]
        wrt = part.parameter[entry] if entry else part.parameter
        return paths(self._loss, wrt, k, name=_named(part.name, entry))

    # How they are found.

    def _check(self, measure: str) -> None:
        if measure not in self.measures:
            why = "Give optimizer= or lr=, so that it is known what the coming update is."
            raise ArgumentError(
                f"blame: no measure {measure!r}",
                why if measure == UPDATE else f"There are {', '.join(map(repr, self.measures))}.",
            )

    def ranked(self, level: str, measure: str, k: int) -> list[Blamed]:
        """The ``k`` that come first at one level by one measure."""
        self._check(measure)
        if k < 1:
            raise ArgumentError(f"blame: k = {k}", "Ask for at least one.")
        if (level, measure, k) not in self._known:
            self._known[level, measure, k] = self._find(level, measure, k)
        return self._known[level, measure, k]

    def _find(self, level: str, measure: str, k: int) -> list[Blamed]:
        if level == "weights":
            return [_blamed(*found) for found in self._top_weights(measure, k)]
        groups: dict[tuple[str, int], list[Array]] = {}
        for part in self._parts:
            values = np.asarray(part.measured(measure), np.float64)
            rows = values.reshape(len(values) if values.ndim and level == "units" else 1, -1)
            groups.setdefault((part.module, len(rows) if level == "units" else 0), []).append(_summed(rows, measure))
        found: list[Blamed] = []
        for (module, _), sums in groups.items():
            value = np.sum(sums, 0) if measure != SENSITIVITY else np.sqrt(np.sum(sums, 0))
            for i in _first(value, k):
                found.append(Blamed(_unit(module, int(i)) if level == "units" else module, float(value[i])))
        return [found[i] for i in _first(np.array([item.value for item in found]), k)]

    def _top_weights(
        self, measure: str, k: int, within: str | None = None
    ) -> list[tuple[_Part, tuple[int, ...], float]]:
        self._check(measure)
        found: list[tuple[_Part, tuple[int, ...], float]] = []
        parts = [p for p in self._parts if within is None or f"{p.module}.".startswith(f"{within}.")]
        if not parts:
            own = ", ".join(dict.fromkeys(part.module for part in self._parts))
            raise ArgumentError(f"blame: no module {within!r} has weights with a gradient", f"There are {own}.")
        for part in parts:
            values = part.measured(measure).reshape(-1)
            for i in _first(values, k):
                entry = tuple([int(n) for n in np.unravel_index(i, part.gradient.shape)])
                found.append((part, entry, float(values[i])))
        return [found[i] for i in _first(np.array([value for _, _, value in found]), k)]

    # How they are shown.

    def text(self, k: int = 5) -> str:
        """All rankings for a terminal."""
        lines: list[str] = [say("loss {loss}; {n} weights", loss=f"{self.loss:.6g}", n=self.count)]
        for measure in self.measures:
            lines += ["", about(measure)]
            if measure == UPDATE:
                all_of_it = say("{step}: {total} in all", step=self.step, total=f"{self.total(UPDATE):+.6g}")
                lines.append(f"  {all_of_it}")
            for level in LEVELS:
                items = self.ranked(level, measure, k)
                wide = max([columns(item.name) for item in items], default=0)
                lines.append(f"  {called(level)}")
                lines += [f"    {left(item.name, wide)}  {_shown(item, measure)}" for item in items]
        if self.missing:
            lines += ["", say("no gradient was computed (which is not zero) for {names}", names=list(self.missing))]
        return "\n".join(lines)

    def tables(self, measure: str, k: int = 5) -> list[Any]:
        """The rankings by one measure as tables of rich, to be printed by a console of it."""
        from rich.markup import escape as plain
        from rich.table import Table

        made: list[Any] = []
        for level in LEVELS:
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", title_justify="left")
            table.add_column(called(level), no_wrap=True)
            norm = measure == SENSITIVITY and level != "weights"
            table.add_column(say("|gradient|") if norm else called(measure), justify="right")
            table.add_column("w" if level == "weights" else "", justify="right")
            table.add_column("")
            items = self.ranked(level, measure, k)
            largest = max([abs(item.value) for item in items if math.isfinite(item.value)], default=0.0) or 1.0
            for item in items:
                share = min(1.0, abs(item.value) / largest) if math.isfinite(item.value) else 1.0
                weight = "" if item.weight is None else f"{item.weight:.4g}"
                mark = "=" if measure == SENSITIVITY and level != "weights" else "+" if item.value > 0 else "-"
                bar = mark * max(1, round(16 * share)) if item.value else ""
                table.add_row(plain(item.name), f"{item.value:.4g}", weight, f"[dim]{bar}[/]")
            made.append(table)
        return made

    def svg(self, k: int = 8) -> str:
        """The rankings as bars: to the right what is positive, hatched to the left what is negative."""
        from .blame_picture import picture

        return picture(self, k)

    def to_dict(self, k: int = 20) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            "loss": self.loss,
            "count": self.count,
            "missing": list(self.missing),
            "step": self.step,
            "measures": {
                measure: {
                    "about": about(measure),
                    "total": _finite(self.total(measure)),
                    **{
                        level: [
                            {"name": x.name, "value": _finite(x.value)}
                            | ({} if x.weight is None else {"weight": _finite(x.weight)})
                            for x in self.ranked(level, measure, k)
                        ]
                        for level in LEVELS
                    },
                }
                for measure in self.measures
            },
        }

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return self.text()


def blame(loss: Tensor, model: Any, *, optimizer: Any = None, lr: float | None = None) -> Blame:
    """Which modules, units and weights of ``model`` the loss depends on, after ``backward()``.

    Args:
        loss: what ``backward()`` was called on.
        model: a Module, or anything with ``named_parameters()``.
        optimizer: whose coming step is looked at; neither it nor a weight is changed.
        lr: without an optimiser, the learning rate of a plain step, ``-lr * gradient``.

    Returns:
        A :class:`Blame`: print it, or take ``.weights("sensitivity")``, ``.units(...)``, ``.modules(...)``, ``.svg()``.

    Raises:
        GradError: ``backward()`` has not been called, or the loss has no history.
        ArgumentError: both an optimiser and a learning rate are given, or the model has no parameters.

    Example:
        >>> import upriver as ur
        >>> model = ur.nn.Linear(2, 1, bias=False)
        >>> model.weight.data = ur.tensor([[1.0, -3.0]])
        >>> loss = (model(ur.tensor([[2.0, 1.0]])) ** 2).sum()
        >>> loss.backward()
        >>> [(w.name, w.value) for w in ur.blame(loss, model).weights("sensitivity")]
        [('weight[0, 0]', -4.0), ('weight[0, 1]', -2.0)]
    """
    if not isinstance(loss, Tensor) or loss.array.size != 1:
        shape = list(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise ArgumentError(f"blame: the loss is {shape}, not a tensor of one number", "Reduce it, as in y.mean().")
    if loss.node is None or not loss.wants_grad:
        raise GradError(
            "blame: the loss has no history: computed inside no_grad(), or from nothing that requires a gradient",
            "Compute it while recording, and call loss.backward().",
        )
    if optimizer is not None and lr is not None:
        raise ArgumentError(
            "blame: both an optimizer and lr are given", "An optimiser knows its own rate: leave lr out."
        )
    named = [(name, p) for name, p in model.named_parameters() if p.wants_grad]
    if not named:
        raise ArgumentError("blame: the model has no parameters that require a gradient")
    missing = [name for name, p in named if p.grad is None]
    if len(missing) == len(named):
        raise GradError(
            "blame: no parameter has a gradient: backward() has not been called (not computed yet is not zero)",
            "Call loss.backward() first, and zero_grad() only after blame().",
        )
    change: Callable[[Tensor], Array | None] = lambda p: None
    step = ""
    if optimizer is not None:
        changes = coming_changes(optimizer)
        change = lambda p: changes.get(id(p), np.zeros_like(p.array))
        step = say("the coming step of {optimizer}", optimizer=type(optimizer).__name__)
    elif lr is not None:
        rate = float(lr)
        change = lambda p: p.grad.array * p.dtype.type(-rate)  # type: ignore[union-attr]
        step = say("a plain step, -{rate} x gradient", rate=f"{rate:g}")
    parts = [
        _Part(name, name.rpartition(".")[0] or type(model).__name__, p, p.grad.array, change(p))
        for name, p in named
        if p.grad is not None
    ]
    return Blame(loss, parts, missing, step)


def _blamed(part: _Part, entry: tuple[int, ...], value: float) -> Blamed:
    return Blamed(_named(part.name, entry), value, float(part.parameter.array[entry]))


def _named(name: str, entry: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, entry))}]" if entry else name


def _unit(module: str, i: int) -> str:
    return say("{module} unit {i}", module=module, i=str(i))


def _summed(rows: Array, measure: str) -> Array:
    return np.einsum("ij,ij->i", rows, rows) if measure == SENSITIVITY else rows.sum(1)


def _first(values: Array, k: int) -> Array:
    """The places of the ``k`` largest magnitudes, largest first; NaN before all."""
    sizes = np.abs(values)
    if not np.isfinite(sizes.sum()):
        sizes = np.where(np.isnan(sizes), np.inf, sizes)
    if len(sizes) > k:
        least = np.partition(sizes, -k)[-k]
        above = np.flatnonzero(sizes > least)
        top = np.append(above, np.flatnonzero(sizes == least)[: k - len(above)])  # of equals the first
    else:
        top = np.arange(len(sizes))
    return top[np.lexsort((top, -sizes[top]))]


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None


def _shown(item: Blamed, measure: str) -> str:
    text = f"{number_of(item.value):<16}"
    if item.weight is None:
        return text.rstrip()
    weight = f"w = {item.weight:.6g}"
    if measure != SENSITIVITY or not item.value:
        return text + weight
    if item.value > 0:
        return text + say("{weight}: raising it raises the loss", weight=weight)
    return text + say("{weight}: raising it lowers the loss", weight=weight)
