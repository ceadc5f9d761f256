"""What the page draws: boxes at their places, for several ways of opening and closing the modules of a trace.

Everything here comes from the document alone, so that a trace that was read from a file is drawn like a new one.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ..i18n import say
from .collapse import Box
from .labels import number, pretty, shorten
from .layout import Point
from .nest import Arranged, arrange
from .picture import text_width

_LONG = 150
"""A list of more boxes than this is cut into stretches; within a module, one of more than the budget."""
_STRETCH = 24
"""A list of boxes that is too long is cut into this many pieces."""
_MOST = 300
"""No view shows more boxes than this."""
_SPACE = 100_000
"""About how many characters all views together may take."""
_TITLE, _VALUE = 34, 30
_WIDEST, _ENTRY = 10, 8
"""Characters that nearly every number has room in: one by itself, and one of several."""
_REMEMBERED = 64
"""As many layouts are kept, those that were asked for last."""
_laid_out: OrderedDict[Any, dict[str, Any]] = OrderedDict()


def short_value(encoded: Mapping[str, Any] | None) -> str:
    """An array of a trace in a few characters, for a box.

    Example:
        >>> short_value({"shape": [2], "data": [1.0, -0.5]})
        '[1, −0.5]'
    """
    if encoded is None:
        return say("not computed")
    if "data" in encoded:
        text = _nested(encoded["data"], 6 if not encoded["shape"] else 4)
        if len(text) <= _VALUE:
            return text
        flat = _flat(encoded["data"])
        finite = [x for x in flat if not isinstance(x, str)]
        if len(finite) < len(flat):
            return say("{n} of {of} not finite", n=len(flat) - len(finite), of=len(flat))
        return f"{number(min(finite), 2)} … {number(max(finite), 2)}"
    summary = encoded["summary"]
    if summary.get("not_finite"):
        return say("{n} of {of} not finite", n=summary["not_finite"], of=math.prod(encoded["shape"]))
    return f"{number(float(summary['min']), 2)} … {number(float(summary['max']), 2)}"


def sign_of(encoded: Mapping[str, Any] | None) -> int:
    """The sign of an array that is one number; 0 for others."""
    if encoded is None or "data" not in encoded:
        return 0
    flat = _flat(encoded["data"])
    x = float(flat[0]) if len(flat) == 1 else 0.0
    return 0 if x == 0 or math.isnan(x) else 1 if x > 0 else -1


def _nested(data: Any, digits: int) -> str:
    if isinstance(data, list):
        return f"[{', '.join([_nested(x, digits) for x in data])}]"
    return number(float(data) if isinstance(data, str) else data, digits) if data == data else "NaN"


def _flat(data: Any) -> list[Any]:
    return [x for row in data for x in _flat(row)] if isinstance(data, list) else [data]


class Views:
    """The boxes of a trace, and where they are in each view.

    Args:
        data: the document.
        budget: how many boxes the first view may show.
        steady: whether the sizes of boxes are those of the widest values of their shapes, whatever the values.
    """

    def __init__(self, data: Mapping[str, Any], budget: int = 60, *, steady: bool = False) -> None:
        self.data, self.budget, self.steady = data, budget, steady
        self.whole = Box("graph", "")
        self.whole.open = True
        self.groups: dict[str, Box] = {}
        self.box_of: dict[int, Box] = {}
        self.stretches = 0
        self._build()
        self._bound(self.whole)
        self.labels = {i: self._label(data["nodes"][i]) for i in self.box_of}

    def _build(self) -> None:
        nodes, modules = self.data["nodes"], self.data["modules"]
        calls: list[Box] = []
        for i, module in enumerate(modules):
            box = Box("module", f"m{i}", module["path"])
            box.parent = self.whole if module["parent"] is None else calls[module["parent"]]
            calls.append(box)
        placed: dict[int, list[Box]] = {}
        readers: dict[int, list[int]] = {}
        for edge in self.data["edges"]:
            readers.setdefault(edge["from"], []).append(edge["to"])
        for node in nodes:
            if node["kind"] == "operation":
                call = node.get("module")
                box = Box("operation", f"n{node['id']}", value=node["id"])
                box.parent = self.whole if call is None else calls[call]
                self.box_of[node["id"]] = box
        for node in nodes:
            if node["kind"] in ("leaf", "input") or (node["kind"] == "constant" and node["gradient"] is not None):
                users = [self.box_of[i] for i in readers.get(node["id"], ()) if i in self.box_of]
                box = Box("leaf", f"n{node['id']}", value=node["id"])
                box.parent = _around(users) or self.whole
                self.box_of[node["id"]] = box
                first = min(readers.get(node["id"], [0]))
                placed.setdefault(first, []).append(box)
        for node in nodes:
            boxes = [*placed.get(node["id"], ()), self.box_of.get(node["id"])]
            for one in boxes:
                if one is None or (one.kind == "leaf" and one not in placed.get(node["id"], ())):
                    continue
                self._attach(one)
        for box in placed.get(0, ()):
            if box.parent is not None and box not in box.parent.inside:
                self._attach(box)

    def _attach(self, box: Box) -> None:
        """Put a box, and the modules around it that are not there yet, into what is around them."""
        while box.parent is not None and box not in box.parent.inside:
            box.parent.inside.append(box)
            box = box.parent

    def _bound(self, box: Box) -> None:
        """Take a module of one box for that box; cut what is too long into stretches; know every group by its key."""
        for child in list(box.inside):
            self._bound(child)
        inside: list[Box] = []
        for child in box.inside:
            if child.kind == "module" and len(child.inside) == 1:
                only = child.inside[0]
                only.parent, only.path = box, child.path
                self.groups.pop(child.key, None)
                child = only
            inside.append(child)
        while len(inside) > (_LONG if box is self.whole else self.budget):
            size = -(-len(inside) // _STRETCH)
            inside = [self._stretch(inside[i : i + size], box) for i in range(0, len(inside), size)]
        box.inside = inside
        for child in inside:
            if child.inside:
                self.groups[child.key] = child

    def _stretch(self, inside: list[Box], box: Box) -> Box:
        if len(inside) == 1:
            return inside[0]
        self.stretches += 1
        group = Box("stretch", f"s{self.stretches}", box.path)
        group.inside, group.parent = inside, box
        for child in inside:
            child.parent = group
            if child.inside:
                self.groups[child.key] = child
        return group

    # What is written in the boxes.

    def _label(self, node: Mapping[str, Any]) -> dict[str, Any]:
        title = node["name"]
        if node["kind"] == "operation":
            formula = node["formula"]["text"]
            title = pretty(formula if formula == node["name"] else f"{node['name']} = {formula}")
            if len(title) > _TITLE:
                title = node["op"].replace("_", " ")
                if node["name"] != formula and len(node["name"]) + len(title) < _TITLE - 6:
                    title = f"{node['name']} = {title}(…)"
        label: dict[str, Any] = {"t": shorten(title, _TITLE), "v": short_value(node["value"])}
        if node["shape"]:
            label["s"] = "×".join(map(str, node["shape"])) if len(node["shape"]) > 1 else f"[{node['shape'][0]}]"
        if node["gradient"] is not None:
            label["g"], label["d"] = short_value(node["gradient"]), sign_of(node["gradient"])
        path = self.box_of[node["id"]].path
        if path and node["kind"] == "operation":
            label["p"] = shorten(path, _TITLE)
        return label

    def title_of(self, box: Box) -> tuple[str, str]:
        """What a group is called, and what is in it."""
        names = [self.data["nodes"][inner.value]["op"].replace("_", " ") for inner in box.operations()]
        many = say("{n, plural, one {# operation} other {# operations}}", n=len(names))
        if box.kind == "stretch":
            return many, shorten(" … ".join(dict.fromkeys([names[0], names[-1]])), _TITLE) if names else ""
        module = self.data["modules"][int(box.key[1:])]
        return f"{module['path']} ({module['type']})".strip() if module["path"] else module["type"], many

    def _measure(self, box: Box) -> Point:
        if box.inside:
            title, more = self.title_of(box)
            width = text_width(shorten(title, _TITLE), 13, bold=True) + 30
            return (width + 10, 0.0) if box.open else (max(width, text_width(more, 12) + 22, 90.0) + 12, 56.0)
        label = self.labels[box.value]
        rows = [text_width(label["t"], 13, bold=True) + (text_width(label["s"], 11) + 12 if "s" in label else 0)]
        value, gradient = (self._widest(box.value),) * 2 if self.steady else (label["v"], label.get("g"))
        rows += [text_width("= " + value, 12), text_width(label.get("p", ""), 11)]
        if "g" in label:
            rows.append(text_width(say("gradient {value}", value="▲ " + (gradient or "")), 12))
        width = max(rows) + 24
        return math.ceil(width), 30.0 + 17 * (1 + ("g" in label) + ("p" in label))

    def _widest(self, node: int) -> str:
        """A text as wide as any that may be written for a value of this shape."""
        shape = self.data["nodes"][node]["shape"]
        many = math.prod(shape)
        return "0" * (_WIDEST if not shape else min(_VALUE, many * _ENTRY) if many else _ENTRY)

    # Views.

    def all(self) -> dict[str, Any]:
        """Every view: ``{"first", "all", "closed", "open:KEY", "close:KEY"}`` → boxes, frames and lines."""
        if not self.steady:
            return self._all()
        key = self._structure()
        found = _laid_out.pop(key, None)
        _laid_out[key] = found = self._all() if found is None else found
        if len(_laid_out) > _REMEMBERED:
            _laid_out.popitem(last=False)
        return found

    def _structure(self) -> Any:
        """All that a steady layout depends on, as a key."""
        sizes = tuple([(i, self._measure(box)) for i, box in self.box_of.items()])
        groups = tuple([(key, self._measure(box), *self.title_of(box)) for key, box in self.groups.items()])
        modules = tuple([(m["path"], m["type"], m["parent"]) for m in self.data["modules"]])
        within = tuple([node.get("module") for node in self.data["nodes"]])
        edges = tuple([(edge["from"], edge["to"]) for edge in self.data["edges"]])
        return self.budget, sizes, groups, modules, within, edges

    def _all(self) -> dict[str, Any]:
        first = self._first()
        wanted: dict[str, set[str]] = {"first": first, "all": set(self.groups), "closed": set()}
        for key, box in self.groups.items():
            around = {outer.key for outer in box.within if outer.key in self.groups}
            wanted[f"open:{key}"] = first | around | {key}
            if key in first:
                inner = {k for k, b in self.groups.items() if box in b.within}
                wanted[f"close:{key}"] = first - inner - {key}
        found: dict[str, Any] = {}
        done: dict[frozenset[str], str] = {}
        space = 0
        for name, opened in wanted.items():
            same = done.get(frozenset(opened))
            if same is not None:
                found[name] = same
                continue
            view = self._view(opened)
            if view is None or space > _SPACE:
                continue
            space += (
                35 * len(view["b"]) + sum([6 * len(line["r"]) + 20 for line in view["l"]]) if name != "first" else 0
            )
            done[frozenset(opened)] = name
            found[name] = view
        if isinstance(found["first"], dict) and not found["first"]["d"] and found["first"]["w"] > 340:
            found["narrow"] = self._view(first, down=True)
        return found

    def _first(self) -> set[str]:
        """Open from the outside in, as far as the budget goes; modules that are alike together or not at all."""
        opened: set[str] = set()
        refused: set[tuple[int, str]] = set()
        while True:
            classes: dict[tuple[int, str], set[str]] = {}
            for box in self._closed(opened):
                if box.inside:
                    kind = self.data["modules"][int(box.key[1:])]["type"] if box.kind == "module" else box.kind
                    classes.setdefault((len(box.within), kind), set()).add(box.key)
            chosen = next((c for c in sorted(classes, key=lambda c: c[0]) if c not in refused), None)
            if chosen is None:
                return opened
            if len(self._closed(opened | classes[chosen])) > self.budget:
                refused.add(chosen)
            else:
                opened |= classes[chosen]

    def _closed(self, opened: set[str]) -> list[Box]:
        found: list[Box] = []
        stack = list(reversed(self.whole.inside))
        while stack:
            box = stack.pop()
            if box.key in opened and box.inside:
                stack.extend(reversed(box.inside))
            else:
                found.append(box)
        return found

    def _view(self, opened: set[str], down: bool | None = None) -> dict[str, Any] | None:
        """The places of everything when the groups ``opened`` are open; None if that is too much for a picture."""
        boxes = self._closed(opened)
        if len(boxes) > _MOST:
            return None
        for key, box in self.groups.items():
            box.open = key in opened
        shows: dict[int, Box] = {}
        for box in boxes:
            for inner in _leaves_of(box):
                shows[inner.value] = box
        carried: dict[tuple[Box, Box], list[int]] = {}
        for i, edge in enumerate(self.data["edges"]):
            source, target = shows.get(edge["from"]), shows.get(edge["to"])
            if source is not None and target is not None and source is not target:
                carried.setdefault((source, target), []).append(i)
        at = {box: i for i, box in enumerate(boxes)}
        pairs = sorted(carried, key=lambda pair: (at[pair[1]], at[pair[0]]))
        links = [SimpleNamespace(source=source, target=target) for source, target in pairs]
        shown: Any = SimpleNamespace(whole=self.whole, links=links)
        placed = arrange(shown, self._measure, down=bool(down))
        if down is None and (placed.width > 1000 or placed.width > 3 * placed.height + 500):
            placed = arrange(shown, self._measure, down=True)
        return self._write(placed, carried)

    def _write(self, placed: Arranged, carried: Mapping[tuple[Box, Box], list[int]]) -> dict[str, Any]:
        lines = [
            {"e": carried[link.source, link.target], "r": [round(c) for point in route for c in point]}
            for link, route in placed.routes
        ]
        return {
            "w": round(placed.width),
            "h": round(placed.height),
            "d": int(placed.down),
            "b": {box.key: [round(c) for c in rect] for box, rect in placed.boxes.items()},
            "f": {box.key: [round(c) for c in rect] for box, rect in placed.frames.items()},
            "l": lines,
        }

    def group_labels(self) -> dict[str, dict[str, Any]]:
        """For each group what is written in it, which nodes are in it, and what is around it."""
        found = {}
        for key, box in self.groups.items():
            title, more = self.title_of(box)
            found[key] = {
                "t": shorten(title, _TITLE),
                "n": sorted([inner.value for inner in _leaves_of(box)]),
                "m": more,
                "in": box.parent.key if box.parent is not None else "",
            }
        return found


def _around(boxes: Sequence[Box]) -> Box | None:
    """The innermost group that all of ``boxes`` are in."""
    if not boxes:
        return None
    shared: Iterable[Box] = boxes[0].within
    for box in boxes[1:]:
        outer = box.within
        shared = [b for b in shared if b in outer]
    return next(iter(shared), None)


def _leaves_of(box: Box) -> Iterable[Box]:
    """The boxes of single values in a box, in order."""
    stack = [box]
    while stack:
        one = stack.pop()
        if one.inside:
            stack.extend(reversed(one.inside))
        else:
            yield one
