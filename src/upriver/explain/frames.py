"""The walk as frames, one for each thing that happens: forward, each operation; backward, each product and its sum.

A frame names what it is about and says it in a sentence; the numbers are those of the trace. The sentences stand
together at the end of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.graph import maker
from .render import derivative, format_value

if TYPE_CHECKING:
    from .explanation import Explanation
    from .records import Step, Value

Frame = dict[str, Any]


def by_operation(e: Explanation, edge_of: Sequence[int], encode: Callable[..., dict[str, Any]]) -> list[Frame]:
    """The frames of the whole walk, in the order in which things happened.

    Args:
        e: the derivation.
        edge_of: for each step back the index of its edge in the trace.
        encode: writes an array.
    """
    root = e.values[e.root]
    found: list[Frame] = [{"phase": "start", "sentence": _given(e)}]
    values = {v.key: v for v in e.values}
    for v in e.values:
        if v.operation is not None:
            found.append({"phase": "forward", "node": v.index, "sentence": _computed(v, values)})
    found.append({"phase": "seed", "node": e.root, "sentence": _seeded(root)})
    so_far: dict[int, Any] = {}
    for s in e.steps:
        before = so_far.get(s.target)
        so_far[s.target] = total = s.product if before is None else before + s.product
        target = e.values[s.target]
        frame: Frame = {
            "phase": "backward",
            "node": s.target,
            "edge": edge_of[s.index],
            "share": target.parts.index(s.index) + 1,
            "shares": len(target.parts),
        }
        if len(target.parts) > 1:
            frame["sum"] = encode(total, s.target)
        frame["sentence"] = _pulled(e, s, None if before is None else total)
        found.append(frame)
    found.append({"phase": "end", "sentence": e.conclusion()})
    return found


def by_module(
    e: Explanation, walk: Sequence[Frame], nodes: Sequence[dict[str, Any]], modules: Sequence[dict[str, Any]]
) -> list[Frame]:
    """The same walk in longer strides: neighbouring frames that belong to one call of one module are one.

    Args:
        e: the derivation.
        walk: its frames by operation.
        nodes: the trace's nodes, which know the call in which each ran.
        modules: the trace's calls.
    """
    closed = _strides(modules)
    at_step = [e.values[s.source].index for s in e.steps]
    found: list[Frame] = []
    step = 0
    for i, frame in enumerate(walk):
        maker = frame.get("node")
        if frame["phase"] == "backward":
            maker, step = at_step[step], step + 1
        call = nodes[maker].get("module") if maker is not None and frame["phase"] in ("forward", "backward") else None
        module = None if call is None else closed[call]
        last = found[-1] if found else None
        joined = (
            last is not None and last["phase"] == frame["phase"] and last["module"] == module and module is not None
        )
        if joined and last is not None:
            last["last"] = i
        else:
            found.append({"phase": frame["phase"], "module": module, "first": i, "last": i})
    for frame in found:
        frame["sentence"] = (
            walk[frame["first"]]["sentence"]
            if frame["first"] == frame["last"]
            else _strode(e, modules[frame["module"]], frame, walk, nodes)
        )
    return found


def _strides(modules: Sequence[dict[str, Any]]) -> list[int]:
    """For each call the call whose frames it is part of: a child of the outermost one, or a container's child.

    A container is a module around others that is itself around nothing but modules named by numbers.
    """
    inside: dict[int | None, list[int]] = {}
    for i, module in enumerate(modules):
        inside.setdefault(module["parent"], []).append(i)
    found: list[int] = []
    for i, module in enumerate(modules):
        parent = module["parent"]
        if parent is None or modules[parent]["parent"] is None:
            found.append(i)
        else:
            above = found[parent]
            grouped = modules[above]["type"] in ("Sequential", "ModuleList") and above == parent
            found.append(i if grouped else above)
    return found


# What the frames say.


def _given(e: Explanation) -> str:
    given = [f"{v.name} = {format_value(v.array)}" for v in e.values if v.kind == "input"]
    more = f", and {len(given) - 6} more" if len(given) > 6 else ""
    return f"Given: {', '.join(given[:6])}{more}." if given else "Nothing is given but numbers."


def _computed(v: Value, of: Mapping[Any, Value]) -> str:
    formula = f"{v.name} = {v.formula}" if v.formula and v.name != v.formula else v.name
    operands = dict.fromkeys([maker(x) or x for x in v.key.inputs])
    read = [of[x] for x in operands if x in of and of[x].kind != "constant"][:3]
    given = " and ".join([f"{x.name} = {format_value(x.array, widest=30)}" for x in read])
    return f"{v.operation}: {formula} = {format_value(v.array)}{', from ' + given if given else ''}."


def _seeded(root: Value) -> str:
    return f"Backward begins at {root.name}: {derivative(root.name, root.name)} = 1."


def _pulled(e: Explanation, s: Step, total: Any) -> str:
    root, source, target = e.values[e.root], e.values[s.source], e.values[s.target]
    whole = derivative(root.name, target.name)
    if s.entrywise:
        up, local = format_value(s.upstream, widest=30), format_value(s.local, widest=30)
        how = f"upstream {up} × local {local} = {format_value(s.product, widest=30)}"
    else:
        how = f"{s.formula} = {format_value(s.product, widest=30)}, where {s.upstream_symbol} is "
        how += derivative(root.name, source.name)
    if len(target.parts) == 1:
        return f"{s.operation}: {whole}: {how}."
    share = f"share {target.parts.index(s.index) + 1} of {len(target.parts)}"
    added = "" if total is None else f" Added up so far: {format_value(total, widest=30)}."
    return f"{s.operation}: {whole}, {share}: {how}.{added}"


def _strode(
    e: Explanation, module: dict[str, Any], frame: Frame, walk: Sequence[Frame], nodes: Sequence[dict[str, Any]]
) -> str:
    many = frame["last"] - frame["first"] + 1
    name = f"{module['path']} ({module['type']})" if module["path"] else module["type"]
    value = e.values[walk[frame["last"]]["node"]]
    if frame["phase"] == "forward":
        return f"{name}: {many} operations forward, which give {value.name} = {format_value(value.array)}."
    symbol = derivative(e.values[e.root].name, value.name)
    return f"{name}: {many} steps back, the last of which gives {symbol} = {format_value(value.gradient)}."
