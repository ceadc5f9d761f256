"""The walk as frames, one for each thing that happens: forward, each operation; backward, each product and its sum.

A frame names what it is about and says it in a sentence; the numbers are those of the trace. The sentences stand
together at the end of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.graph import maker
from ..i18n import Message, say
from .render import derivative, format_value
from .telling import equation

if TYPE_CHECKING:
    from .explanation import Explanation
    from .records import Step, Value

Frame = dict[str, Any]
Show = Callable[[Any, int], str]


def by_operation(e: Explanation, edge_of: Sequence[int], encode: Callable[..., dict[str, Any]]) -> list[Frame]:
    """The frames of the whole walk, in the order in which things happened.

    Args:
        e: the derivation.
        edge_of: for each step back the index of its edge in the trace.
        encode: writes an array.
    """
    root = e.values[e.root]
    show = _shower()
    found: list[Frame] = [told({"phase": "start"}, _given(e))]
    values = {v.key: v for v in e.values}
    for v in e.values:
        if v.operation is not None:
            found.append(told({"phase": "forward", "node": v.index}, _computed(v, values, show)))
    found.append(told({"phase": "seed", "node": e.root}, _seeded(root)))
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
        found.append(told(frame, _pulled(e, s, None if before is None else total, show)))
    found.append(told({"phase": "end"}, e.conclusion()))
    return found


def told(frame: Frame, sentence: str) -> Frame:
    """The frame with its sentence, and with what it takes to say that in another language."""
    frame["sentence"] = str(sentence)
    if isinstance(sentence, Message):
        frame["said"] = sentence.data()
    return frame


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
        if frame["first"] == frame["last"]:
            frame |= {key: value for key, value in walk[frame["first"]].items() if key in ("sentence", "said")}
        else:
            told(frame, _strode(e, modules[frame["module"]], frame, walk, nodes))
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


def _shower() -> Show:
    """:func:`.render.format_value`, which reads each array of the derivation once however often it is told of."""
    known: dict[tuple[int, int], str] = {}

    def show(array: Any, widest: int) -> str:
        key = id(array), widest
        if key not in known:
            known[key] = format_value(array, widest=widest)
        return known[key]

    return show


def _given(e: Explanation) -> Message:
    given = [equation(v.name, format_value(v.array)) for v in e.values if v.kind == "input"]
    if not given:
        return say("Nothing is given but numbers.")
    if len(given) > 6:
        return say("Given: {values}, and {n} more.", values=given[:6], n=len(given) - 6)
    return say("Given: {values}.", values=given)


def _computed(v: Value, of: Mapping[Any, Value], show: Show) -> Message:
    operation, value = v.operation, show(v.array, 60)
    formula = f"{v.name} = {v.formula}" if v.formula and v.name != v.formula else v.name
    operands = dict.fromkeys([maker(x) or x for x in v.key.inputs])
    read = [of[x] for x in operands if x in of and of[x].kind != "constant"][:3]
    given = [equation(x.name, show(x.array, 30)) for x in read]
    if not given:
        return say("{operation}: {formula} = {value}.", operation=operation, formula=formula, value=value)
    if len(given) == 1:
        return say(
            "{operation}: {formula} = {value}, from {a}.", operation=operation, formula=formula, value=value, a=given[0]
        )
    a, b, *rest = given
    if not rest:
        return say(
            "{operation}: {formula} = {value}, from {a} and {b}.",
            operation=operation, formula=formula, value=value, a=a, b=b,
        )  # fmt: skip
    return say(
        "{operation}: {formula} = {value}, from {a} and {b} and {c}.",
        operation=operation, formula=formula, value=value, a=a, b=b, c=rest[0],
    )  # fmt: skip


def _seeded(root: Value) -> Message:
    return say("Backward begins at {name}: {symbol} = 1.", name=root.name, symbol=derivative(root.name, root.name))


def _pulled(e: Explanation, s: Step, total: Any, show: Show) -> Message:
    root, source, target = e.values[e.root], e.values[s.source], e.values[s.target]
    operation, symbol = s.operation, derivative(root.name, target.name)
    product = show(s.product, 30)
    if s.entrywise:
        up, local = show(s.upstream, 30), show(s.local, 30)
        how = say("upstream {up} × local {local} = {product}", up=up, local=local, product=product)
    else:
        upstream = derivative(root.name, source.name)
        how = say(
            "{formula} = {product}, where {letter} is {upstream}",
            formula=s.formula, product=product, letter=s.upstream_symbol, upstream=upstream,
        )  # fmt: skip
    if len(target.parts) == 1:
        return say("{operation}: {symbol}: {how}.", operation=operation, symbol=symbol, how=how)
    share, of = target.parts.index(s.index) + 1, len(target.parts)
    if total is None:
        return say(
            "{operation}: {symbol}, share {share} of {of}: {how}.",
            operation=operation, symbol=symbol, share=share, of=of, how=how,
        )  # fmt: skip
    return say(
        "{operation}: {symbol}, share {share} of {of}: {how}. Added up so far: {total}.",
        operation=operation, symbol=symbol, share=share, of=of, how=how, total=format_value(total, widest=30),
    )  # fmt: skip


def _strode(
    e: Explanation, module: dict[str, Any], frame: Frame, walk: Sequence[Frame], nodes: Sequence[dict[str, Any]]
) -> Message:
    many = frame["last"] - frame["first"] + 1
    name = f"{module['path']} ({module['type']})" if module["path"] else module["type"]
    value = e.values[walk[frame["last"]]["node"]]
    if frame["phase"] == "forward":
        return say(
            "{module}: {n} operations forward, which give {name} = {value}.",
            module=name, n=many, name=value.name, value=format_value(value.array),
        )  # fmt: skip
    return say(
        "{module}: {n} steps back, the last of which gives {symbol} = {value}.",
        module=name, n=many, symbol=derivative(e.values[e.root].name, value.name), value=format_value(value.gradient),
    )  # fmt: skip
