"""What a box of a picture says: title, place, formula, value, gradient, source line. Plain text for every format."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..core import site
from ..core.graph import Graph, Node, maker
from ..core.state import Array
from ..core.tensor import Tensor
from ..errors import GradError
from ..i18n import say
from . import names as naming
from .boxes import Box, Collapsed, Link, shown
from .collapse import collapse
from .telling import listed
from .writing import write

_LONGEST = 34
_NAMED = 2000
"""In a graph of more operations than this nobody follows formulas from box to box."""
_NAME = re.compile(r"[^\W\d][\w.]*(\[[\w, :.]*\])?|\d+(\.\w+)+")
"""What can stand in a formula: a variable, an entry of it, or the path of a parameter."""
_FRESH = re.compile(r"\b[vwc]\d+\b")
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Label(NamedTuple):
    """What is written in a box.

    Attributes:
        title: the operation, formula, module or name.
        shape: of its value; empty for one number.
        place: the path of its module within the frame around it, or what it stands for.
        value: a number, a few numbers, or a summary.
        gradient: the same of the gradient; empty where none is wanted.
        sign: of a gradient that is one number: −1, 0 or 1; None for others.
        parameters: a line for each parameter in it, or one for all.
        line: the line of the user's code.
    """

    title: str
    shape: str
    place: str
    value: str
    gradient: str
    sign: int | None
    parameters: tuple[str, ...]
    line: str

    @property
    def spoken(self) -> str:
        """All of it as one sentence."""
        parts = [self.title, self.place, self.shape, self.value, self.gradient, *self.parameters]
        return listed([part for part in parts if part])


def number(x: Any, digits: int = 6) -> str:
    """A number as short as it can be told in ``digits`` digits, with a real minus sign."""
    if isinstance(x, (bool, np.bool_)):
        return str(bool(x))
    x = float(x)
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    text = f"{x:.{digits}g}"
    digits_of, e, power = text.partition("e")
    text = f"{digits_of}·10{str(int(power)).translate(_SUPERSCRIPT)}" if e else text
    return text.replace("-", "−")


def signed(x: float) -> str:
    """A number with its sign, whichever it is."""
    return ("+" if x > 0 else "") + number(x)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as ``8×16×64``; empty for a single number."""
    return "×".join(map(str, shape)) if len(shape) != 1 else f"[{shape[0]}]"


def summary(array: Array) -> str:
    """An array in a few words: all its numbers if they are few, else range and mean."""
    if array.size == 0:
        return say("empty")
    if array.ndim == 0:
        return number(array)
    if array.size <= 3:
        return f"[{', '.join([number(x, 4) for x in array.ravel()])}]"
    if array.dtype.kind not in "fiu":
        return say("{n} of {of} true", n=int(np.count_nonzero(array)), of=array.size)
    if array.dtype.kind != "f":
        return f"{number(array.min(), 4)} … {number(array.max(), 4)}"
    with np.errstate(all="ignore"):
        low, high, mean = array.min(), array.max(), array.mean(dtype=np.float64)
    broken = int(array.size - np.count_nonzero(np.isfinite(array)))
    if broken:
        return say("{n} of {of} not finite", n=broken, of=array.size)
    return say("{low} … {high}, mean {mean}", low=number(low, 2), high=number(high, 2), mean=number(mean, 2))


def size_of(gradient: Array) -> float:
    """The Euclidean norm of a gradient."""
    return float(np.linalg.norm(gradient.astype(np.float64, copy=False).ravel()))


def pretty(formula: str) -> str:
    """A formula of the terminal's as people write it: ``(w * x)**2`` as ``(w·x)²``."""
    formula = re.sub(r"\*\*(-?\d+)(?![\d.])", lambda m: m[1].translate(_SUPERSCRIPT), formula)
    formula = formula.replace(" * ", "·").replace(" - ", " − ").replace(" / ", " / ")
    return re.sub(r"(?<![\w.])-(?=[\w(])", "−", formula)


def shorten(text: str, longest: int) -> str:
    """A text of no more than ``longest`` characters, with an ellipsis for what was left out of its middle."""
    if len(text) <= longest:
        return text
    head = (longest - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"


def rows(label: Label) -> list[tuple[str, str]]:
    """The lines under the title of a box, with what they are: "p", "m": a gradient above, below zero; "s q": small."""
    found: list[tuple[str, str]] = []
    if label.value:
        found.append((label.value if label.shape else f"= {label.value}", ""))
    found += [(shorten(text, 48), "s q") for text in label.parameters]
    if label.gradient:
        found.append((label.gradient, {1: "p", -1: "m"}.get(label.sign or 0, "")))
    return found


class Flow(NamedTuple):
    """The gradient that flows back along a link.

    Attributes:
        size: its Euclidean norm.
        number: itself, if it is one number.
    """

    size: float
    number: float | None

    @property
    def words(self) -> str:
        """It as words and numbers."""
        if self.number is None:
            return say("gradient norm {norm}", norm=number(self.size, 3))
        return say("gradient {value}", value=signed(self.number))

    @property
    def sign(self) -> int:
        """−1 or 1 for a number; 0 for others."""
        return 0 if not self.number else (1 if self.number > 0 else -1)


class Labels:
    """The labels of all the boxes of a picture.

    Args:
        collapsed: what it shows.
        gradients: by node and leaf, as far as they are known. A leaf's own ``.grad`` is read where none is given.
        names: what the user calls nodes and leaves.
    """

    def __init__(self, collapsed: Collapsed, gradients: Mapping[Any, Any] | None, names: Mapping[Any, str] | None):
        self.graph: Graph = collapsed.graph
        self.gradients = {k: np.asarray(getattr(g, "array", g)) for k, g in (gradients or {}).items()}
        for leaf in self.graph.leaves:
            if leaf.grad is not None and not gradients:
                self.gradients[leaf] = leaf.grad.array
        try:
            self.values = dict(zip(self.graph.nodes, self.graph.values(), strict=True))
        except GradError:  # changed in place since: what the graph itself kept is still true
            self.values = {node: node.out for node in self.graph if node.out is not None}
        known = {k: n for k, n in (names or {}).items() if _NAME.fullmatch(n)}
        self.given = {**naming.of_scopes(self.graph), **known}
        few = len(self.graph) <= _NAMED
        self.named = naming.name_all(self.graph if few else Graph(self.graph.root, [], self.graph.leaves), self.given)
        self.readings = collapsed.readings
        # Names that were made up may be used in formulas where a box bears them.
        bare = [b for b in collapsed.boxes if b.kind == "leaf" or (b.kind == "operation" and b.value.scope is None)]
        self.seen = {self.named[b.value].text for b in bare if b.value in self.named} | set(self.given.values())
        self.modular = any(node.scope is not None for node in self.graph)
        if self.modular:
            self.seen -= {self.named[b.value].text for b in bare if b.kind == "leaf" and b.value not in self.given}

    def of(self, box: Box) -> Label:
        """The label of a box."""
        leaf = isinstance(box.value, Tensor)
        array = box.value.array if leaf else self.values.get(box.value)
        title, place = self._leaf(box.value) if leaf else self._title(box)
        gradient, sign = self._gradient(box.value)
        return Label(
            title,
            "" if box.value.shape == () else shape_text(tuple(box.value.shape)),
            place,
            "" if array is None else summary(array),
            gradient,
            sign,
            self._parameters(box),
            "" if leaf else _line(box),
        )

    def _leaf(self, leaf: Tensor) -> tuple[str, str]:
        if leaf in self.given:
            return self.given[leaf], ""
        named = self.named.get(leaf)
        if self.modular and not leaf.requires_grad and named is not None and named.term.number is None:
            return say("input"), ""
        if named is None or named.term.number is not None:
            return say("constant"), ""
        return named.text, ""

    def _title(self, box: Box) -> tuple[str, str]:
        around = box.parent.path if box.parent is not None else ""
        path = box.path.removeprefix(f"{around}.") if around else box.path
        if box.kind == "repeat":
            count = sum(1 for _ in box.operations()) // box.times
            what = type(box.module).__name__ if box.module is not None else say("{n} operations", n=count)
            return f"{what} × {box.times}", path if box.path != around else ""
        if box.kind == "stretch":
            first = [inner.value.op.name for inner in box.operations()]
            return say("{n} operations", n=len(first)), f"{first[0]} … {first[-1]}"
        if box.module is not None:
            if box.like is not None:
                path = say("{path}, like {other}", path=path, other=_short(box.like.path, box.path))
            return type(box.module).__name__, path
        node: Node = box.value
        named = self.named.get(node)
        if named is None or named.formula is None:
            return node.op.name.replace("_", " "), ""
        plain = write(named.formula)
        formula = pretty(plain)
        name = named.term.leaf[0] if named.term.op is None and isinstance(named.term.leaf, tuple) else ""
        if len(formula) + len(name) > _LONGEST or any(word not in self.seen for word in _FRESH.findall(plain)):
            return node.op.name.replace("_", " "), ""
        return (f"{pretty(name)} = {formula}" if name else formula), ""

    def _gradient(self, key: Any) -> tuple[str, int | None]:
        gradient = self.gradients.get(key)
        if gradient is None:
            wants = key.requires_grad if isinstance(key, Tensor) else any(e is not None for e in key.edges)
            return (say("gradient not computed") if wants and self.gradients else ""), None
        if gradient.size == 1:
            value = float(gradient.ravel()[0])
            sign = 0 if value == 0 or math.isnan(value) else (1 if value > 0 else -1)
            return say("gradient {value}", value=signed(value)), sign
        if gradient.size <= 3:
            return say("gradient {value}", value=summary(gradient)), None
        return say("gradient norm {norm}", norm=number(size_of(gradient), 3)), None

    def _parameters(self, box: Box) -> tuple[str, ...]:
        own = box.parameters
        if not own:
            return ()
        if box.kind == "operation" or len(own) <= 2:
            return tuple([self._parameter(name, p) for name, p in own.items()])
        n = sum(p.array.size for p in own.values())
        known = [self.gradients[p] for p in own.values() if p in self.gradients]
        if known:
            norm = number(math.hypot(*[size_of(g) for g in known]), 3)
            return (say("{n} parameters, gradient norm {norm}", n=n, norm=norm),)
        return (say("{n} parameters", n=n),)

    def _parameter(self, name: str, p: Tensor) -> str:
        gradient = self.gradients.get(p)
        text = f"{name} {shape_text(p.shape) or number(p.array)}"
        if gradient is None:
            return text
        words = Flow(size_of(gradient), float(gradient) if p.ndim == 0 else None).words
        return say("{parameter}, {gradient}", parameter=text, gradient=words)

    def flow(self, link: Link) -> Flow | None:
        """The gradient that flows back along a link; None if it is not known."""
        shares: dict[Any, Array] = {}
        for key, reader, i in link.reads:
            share = self._share(key, reader, i)
            if share is not None:
                shares[key] = shares[key] + share if key in shares else share
        if not shares:
            return None
        one = next(iter(shares.values()))
        only = float(one.ravel()[0]) if len(shares) == 1 and one.size == 1 else None
        return Flow(math.hypot(*[size_of(share) for share in shares.values()]), only)

    def _share(self, key: Any, reader: Node, i: int) -> Array | None:
        """What one reading of a value adds to its gradient: all of it, or what the reader's rule says."""
        if reader.edges[i] is None:
            return None
        if self.readings[key] == 1:  # all of it comes from here
            return self.gradients.get(key)
        share = self.gradients.get(reader)
        while share is not None:
            rule = next((rule for j, rule in enumerate(reader.op.vjps) if j == i), None)
            if rule is None:
                return None
            out = reader if reader.out is None else reader.out
            args = [getattr(x, "array", x) for x in reader.inputs]
            share = np.asarray(rule(share, out, *args, **reader.attrs))
            made_by = maker(reader.inputs[i])
            if made_by is key or made_by is None:
                break
            reader, i = made_by, 0  # a view that was folded away
        return share


class Content(NamedTuple):
    """What a picture shows and says, whatever the format."""

    collapsed: Collapsed
    labels: Labels
    said: dict[Box, Label]


def content(
    graph: Graph,
    *,
    gradients: Mapping[Any, Any] | None = None,
    names: Mapping[Any, str] | None = None,
    budget: int = 60,
    expand: Collection[str] = (),
    views: bool = False,
) -> Content:
    """The boxes, frames and links of a picture of ``graph``, with their labels."""
    collapsed = collapse(graph, budget=budget, expand=expand, views=views)
    labels = Labels(collapsed, gradients, names)
    return Content(collapsed, labels, {box: labels.of(box) for box in shown(collapsed.whole)})


def _short(path: str, beside: str) -> str:
    """A path as it is said beside another: without what they share."""
    a, b = path.split("."), beside.split(".")
    while len(a) > 2 and len(b) > 2 and a[:2] == b[:2]:
        del a[0], b[0]
    return ".".join(a[a[:1] == b[:1] and len(a) > 2 :])


def _line(box: Box) -> str:
    found = next(iter(box.operations())).value.site
    return site.describe(found) if found is not None else ""
