"""A graph as few boxes: modules closed until a budget is kept, repeats recognised, views and parameters folded in.

A module's call is an interval of time, and so is everything else that is closed here: a stretch of operations,
or one pattern of them several times over. A partition of a topological order into intervals has no cycles, so
boxes depend on each other only forwards, whatever is closed and whatever is open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from ..core.graph import Graph, Node, maker
from ..core.scope import Paths
from ..core.tensor import Tensor
from ..errors import ArgumentError
from . import names as naming
from .boxes import Box, Collapsed, Key, Kind, Link, closed, everything

__all__ = ["Box", "Collapsed", "Link", "collapse", "is_view"]

_QUIET = 4
"""A layer of the library with no more operations than this stays closed unless asked for."""
_FEW = 6
"""No more leaves than this show even if all that reads them is one closed stretch."""
_LONGEST = 128
"""The longest pattern of operations that is looked for."""


def is_view(node: Node) -> bool:
    """Whether an operation only looks at its operand in another way, and is folded into what reads it."""
    return node.op.formula.text in ("{0}", "{0}.T")


def collapse(graph: Graph, *, budget: int = 60, expand: Collection[str] = (), views: bool = False) -> Collapsed:
    """The boxes that show ``graph``, at most ``budget`` of them, and what they read of each other.

    Whatever is closest to the surface is opened first; of neighbours that look alike, the first.

    Args:
        graph: what ran.
        budget: how many boxes to show. Only what ``expand`` asks for may go beyond it.
        expand: paths of modules (``blocks.0``) or keys of boxes to open.
        views: show reshape, permute, cast and the like too.

    Raises:
        ArgumentError: there is nothing of that name to open, or the budget is less than 1.

    Example:
        >>> import upriver as ur
        >>> model = ur.nn.Sequential(ur.nn.Linear(2, 3), ur.nn.Tanh(), ur.nn.Linear(3, 1))
        >>> collapse(Graph.of(model(ur.ones(4, 2)).mean())).boxes
        [<leaf x0>, <operation 0>, <operation 1>, <operation 2>, <operation n3>]
    """
    if budget < 1:
        raise ArgumentError(f"budget: {budget} boxes show nothing", "Allow 1 or more.", at=False)
    builder = _Builder(graph, budget, views)
    builder.open(expand)
    return builder.result()


class _Builder:
    def __init__(self, graph: Graph, budget: int, views: bool) -> None:
        self.graph, self.budget = graph, budget
        self.few = min(budget, max(24, budget // 2))  # stretches of a graph that has no other parts
        root = graph.root.node
        self.folded = {n for n in graph if is_view(n) and n is not root} if not views else set[Node]()
        self.box_of: dict[Key, Box] = {}
        self.paths: dict[str, list[Box]] = {}
        self._path = Paths()
        self._signs: dict[Any, int] = {}
        self._used: Counter[str] = Counter()
        self.parameters = naming.of_scopes(graph)
        self.whole = Box("graph", "")
        self.whole.open = True
        self._build()
        self._tidy(self.whole)
        self._leaves()

    # The tree of everything, all closed.

    def _build(self) -> None:
        stack, chain = [self.whole], list[Any]()
        for i, node in enumerate(self.graph):
            if node in self.folded:
                continue
            calls = self._calls(node.scope)
            same = 0
            while same < min(len(calls), len(chain)) and calls[same] is chain[same]:
                same += 1
            del stack[same + 1 :], chain[same:]
            for call in calls[same:]:
                path = self._path(call)
                box = Box("module", self._unique(path or type(call[0]).__name__), path, module=call[0])
                stack[-1].inside.append(box)
                self.paths.setdefault(path, []).append(box)
                stack.append(box)
                chain.append(call)
            box = Box("operation", f"n{i}", stack[-1].path, node)
            self.box_of[node] = box
            stack[-1].inside.append(box)

    def _unique(self, key: str) -> str:
        self._used[key] += 1
        return key if self._used[key] == 1 else f"{key}#{self._used[key]}"

    @staticmethod
    def _calls(scope: Any) -> list[Any]:
        calls: list[Any] = []
        while scope is not None:
            calls.append(scope)
            scope = scope[1]
        return [c for i, c in enumerate(reversed(calls)) if not i or c[0] is not c[1][0]]

    def _tidy(self, box: Box) -> None:
        """Merge a module of one operation with it, number what looks alike, and bound how much a box contains."""
        for child in box.inside:
            self._tidy(child)
        inside: list[Box] = []
        for child in box.inside:
            only = child.inside[0] if len(child.inside) == 1 else None
            if only is not None and child.kind == "module" and only.kind == "operation":
                if only.module is None:
                    only.module, only.path, only.key = child.module, child.path, child.key
                self.paths[child.path] = [only if b is child else b for b in self.paths[child.path]]
                only.sign = self._sign(("module", type(only.module).__name__, only.sign))
                child = only
            inside.append(child)
        box.inside = self._bounded(inside, box)
        for child in box.inside:
            child.parent = box
        seen: dict[int, Box] = {}
        for child in box.inside:
            if child.kind == "module":
                child.like = seen.setdefault(child.sign, child)
                child.like = None if child.like is child else child.like
        if box.kind == "operation":
            node = box.value
            box.sign = self._sign((node.op, node.shape, node.site))
        elif box.kind != "repeat":
            what = type(box.module).__name__ if box.kind == "module" else ""
            box.sign = self._sign((box.kind, what, *[child.sign for child in box.inside]))
        if box.inside:
            box.value = box.inside[-1].value

    def _sign(self, what: Any) -> int:
        return self._signs.setdefault(what, len(self._signs) + 1)

    def _bounded(self, inside: list[Box], box: Box) -> list[Box]:
        """No more boxes than the budget: repeats become one, and then stretches of the same length do."""
        if len(inside) <= self.budget:
            return inside
        inside = self._repeats(inside, box)
        while len(inside) > self.budget:
            size = -(-len(inside) // self.few)
            inside = [self._group("stretch", inside[i : i + size], box) for i in range(0, len(inside), size)]
        return inside

    def _group(self, kind: Kind, inside: list[Box], box: Box) -> Box:
        if len(inside) == 1:
            return inside[0]
        group = Box(kind, self._unique(f"{box.key}/{kind}" if box.key else kind), box.path)
        group.inside, group.value = inside, inside[-1].value
        for child in inside:
            child.parent = group
        group.sign = self._sign((kind, *[child.sign for child in inside]))
        return group

    def _repeats(self, inside: list[Box], box: Box) -> list[Box]:
        """Patterns that follow upon themselves three times or more, each as one box."""
        signs = [child.sign for child in inside]
        found: list[Box] = []
        i = 0
        while i < len(inside):
            best, times = 0, 0
            for p in range(1, min(_LONGEST, (len(inside) - i) // 3) + 1):
                if signs[i] != signs[i + p] or signs[i : i + p] != signs[i + p : i + 2 * p]:
                    continue
                n = 2
                while signs[i : i + p] == signs[i + n * p : i + (n + 1) * p]:
                    n += 1
                if n > 2 and n * p > best * times:
                    best, times = p, n
            if not times:
                found.append(inside[i])
                i += 1
                continue
            steps = [self._group("stretch", inside[i + k * best : i + (k + 1) * best], box) for k in range(times)]
            if len(steps) > self.budget:
                size = -(-times // self.few)
                parts = [self._group("stretch", steps[k : k + size], box) for k in range(0, times, size)]
            else:
                parts = steps
            group = self._group("repeat", parts, box)
            group.times, group.module = times, steps[0].module
            for step in steps[1:]:
                step.like = steps[0]
            found.append(group)
            i += best * times
        return found

    # Leaves: parameters go into the box of the module that owns them; others are boxes if there is room.

    def _leaves(self) -> None:
        self.readers: dict[Tensor, list[Box]] = {}
        self.readings: Counter[Key] = Counter()
        alone: set[Tensor] = set()
        for node in self.graph:
            if node in self.folded:
                continue
            made = [self.made_by(x) for x in node.inputs]
            self.readings.update([key for key, edge in zip(made, node.edges, strict=True) if edge is not None])
            for key in made:
                if not isinstance(key, Tensor):
                    continue
                box = self.box_of[node]
                name = self.parameters.get(key)
                if name is not None and node.scope is not None:
                    inside = f"{box.path}."
                    box.parameters[name[len(inside) :] if name.startswith(inside) else name.rpartition(".")[2]] = key
                    continue
                self.readers.setdefault(key, []).append(box)
                # A mask or a constant that a module made for itself says little.
                small = key.dtype == bool or (key.array.size == 1 and not key.requires_grad)
                if not (node.scope is not None and small and any(isinstance(k, Node) for k in made)):
                    alone.add(key)
        self.first = first = {leaf: i for i, leaf in enumerate(self.graph.leaves)}
        self.leaves = sorted(alone, key=lambda leaf: (not leaf.requires_grad, first[leaf]))
        for leaf in self.leaves:
            box = Box("leaf", f"x{first[leaf]}", value=leaf)
            box.parent = self.whole
            self.box_of[leaf] = box
        if not len(self.graph):
            self.box_of[self.graph.root] = Box("leaf", "x0", value=self.graph.root)
            self.leaves = [self.graph.root]

    def made_by(self, x: Any) -> Key:
        """The node or leaf that an input is, past views; a number stays what it is."""
        node = maker(x)
        while node is not None and node in self.folded:
            x = node.inputs[0]
            node = maker(x)
        return node if node is not None else x

    # Opening.

    def shown(self) -> dict[Box, Box]:
        """For each operation the box that shows it."""
        found: dict[Box, Box] = {}
        stack = [self.whole]
        while stack:
            box = stack.pop()
            if box.open:
                stack.extend(box.inside)
            else:
                for operation in box.operations():
                    found[operation] = box
        return found

    def _shows(self, leaf: Tensor, shown: dict[Box, Box]) -> bool:
        boxes = {shown[box] for box in self.readers.get(leaf, ())}
        return len(boxes) != 1 or next(iter(boxes)).kind not in ("repeat", "stretch")

    def _count(self) -> int:
        shown = self.shown()
        return len(set(shown.values())) + sum(self._shows(leaf, shown) for leaf in self.leaves)

    def open(self, expand: Collection[str]) -> None:
        """Open what was asked for, and then what there is room for."""
        self.asked = bool(expand)
        by_key = {box.key: box for box in everything(self.whole)}
        for name in expand:
            boxes = [by_key[name]] if name in by_key else self.paths.get(name, [])
            if not boxes:
                some = ", ".join([p for p in dict.fromkeys([*self.paths, *by_key]) if p][:12])
                raise ArgumentError(f"expand: nothing is called {name!r}", f"There are: {some}, …", at=False)
            for box in boxes:
                for outer in [box, *box.within]:
                    outer.open = bool(outer.inside)
        refused: set[tuple[int, int]] = set()
        while True:
            classes: dict[tuple[int, int], list[Box]] = {}
            for box, depth in closed(self.whole):
                if box.inside and box.like is None and box.kind in ("module", "stretch") and not _quiet(box):
                    classes.setdefault((depth, box.sign if box.kind == "module" else 0), []).append(box)
            chosen = next((c for c in sorted(classes, key=lambda c: c[0]) if c not in refused), None)
            if chosen is None:
                return
            for box in classes[chosen]:
                box.open = True
            if self._count() > self.budget:
                refused.add(chosen)
                for box in classes[chosen]:
                    box.open = False

    # What came of it.

    def result(self) -> Collapsed:
        shown = self.shown()
        room = None if self.asked else max(0, self.budget - len(set(shown.values())))
        leaves = [leaf for leaf in self.leaves if self._shows(leaf, shown)][:room]
        others = [leaf for leaf in self.leaves if not self._shows(leaf, shown)]
        if len(others) <= _FEW and (room is None or len(leaves) + len(others) <= room):
            leaves += others
        visible = {leaf: self.box_of[leaf] for leaf in leaves}
        read: dict[tuple[Box, Box], list[tuple[Key, Node, int]]] = {}
        for box, outer in shown.items():
            node = box.value
            if box is not outer:
                outer.parameters.update({_beneath(outer, box, name): p for name, p in box.parameters.items()})
            for i, x in enumerate(node.inputs):
                key = self.made_by(x)
                source = visible.get(key) if isinstance(key, Tensor) else shown[self.box_of[key]] if maker(x) else None
                if source is not None and source is not outer:
                    read.setdefault((source, outer), []).append((key, node, i))
        self.whole.inside = [visible[leaf] for leaf in sorted(leaves, key=self.first.__getitem__)] + self.whole.inside
        boxes = [box for box, _ in closed(self.whole)]
        at = {box: i for i, box in enumerate(boxes)}
        links = [
            Link(source, target, tuple(reads), any(node.edges[i] is not None for _, node, i in reads))
            for (source, target), reads in sorted(read.items(), key=lambda kv: (at[kv[0][1]], at[kv[0][0]]))
        ]
        return Collapsed(self.graph, self.whole, boxes, links, self.readings)


def _beneath(outer: Box, box: Box, name: str) -> str:
    """The name of a parameter of ``box`` as seen from a box around it."""
    start = f"{outer.path}." if outer.path else ""
    return (f"{box.path.removeprefix(start)}." if box.path != outer.path and box.path else "") + name


def _quiet(box: Box) -> bool:
    """Whether a box is a layer that everybody knows, with few operations in it."""
    library = type(box.module).__module__.partition(".nn.")[0] == __package__.partition(".")[0]
    known = library and type(box.module).__module__.startswith(f"{__package__.partition('.')[0]}.nn.layers")
    return known and all(child.kind == "operation" for child in box.inside) and len(box.inside) <= _QUIET
