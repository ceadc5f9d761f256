"""Whether a document is a trace: as ``trace.schema.json`` says, and with every reference leading somewhere.

The schema is the one description of the format; what is checked when a trace is read is read from it, so that
the two cannot differ. (``jsonschema`` agrees with it in the tests, and is not needed to read a trace.)
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import either

FORMAT = "upriver-trace"
VERSION = 1
_OF_FRAME = {"forward": ("node",), "seed": ("node",), "backward": ("node", "edge", "share", "shares")}
_TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool,
    "null": type(None),
}  # fmt: skip


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the format."""
    text = files(__package__).joinpath("trace.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def problem(data: Any) -> str | None:
    """The first place where ``data`` is not as the schema says, as a sentence; None if there is none."""
    return _problem(data, schema(), "")


def _is(data: Any, kind: str) -> bool:
    if not isinstance(data, _TYPES[kind]) or (kind != "boolean" and isinstance(data, bool)):
        return False
    # Some readers of JSON take NaN for a number, and give integers that no float holds.
    return kind not in ("number", "integer") or -sys.float_info.max <= data <= sys.float_info.max


def _problem(data: Any, rule: Mapping[str, Any], at: str) -> str | None:
    if "$ref" in rule:
        return _problem(data, schema()["$defs"][rule["$ref"].rpartition("/")[2]], at)
    if "anyOf" in rule:
        wrong: str | None = None
        for choice in rule["anyOf"]:
            if (wrong := _problem(data, choice, at)) is None:
                return None
        return wrong
    if (kinds := rule.get("type")) is not None:
        if isinstance(kinds, str):
            kinds = (kinds,)
        if not (_is(data, kinds[0]) or (len(kinds) > 1 and any([_is(data, kind) for kind in kinds[1:]]))):
            return f"{at or 'the document'} is {_shown(data)}, not {either(kinds)}"
    if "const" in rule and data != rule["const"]:
        return f"{at} is {_shown(data)}, not {rule['const']!r}"
    if "enum" in rule and data not in rule["enum"]:
        return f"{at} is {_shown(data)}, not one of {', '.join(map(str, rule['enum']))}"
    if "pattern" in rule and isinstance(data, str) and not re.search(rule["pattern"], data):
        return f"{at} is {_shown(data)}, which is not of the form {rule['pattern']}"
    if "minimum" in rule and data < rule["minimum"]:
        return f"{at} is {data}, less than {rule['minimum']}"
    if isinstance(data, dict):
        return _within(data, rule, at)
    if isinstance(data, list) and "items" in rule:
        for i, item in enumerate(data):
            if (wrong := _problem(item, rule["items"], f"{at}[{i}]")) is not None:
                return wrong
    return None


def _within(data: Mapping[str, Any], rule: Mapping[str, Any], at: str) -> str | None:
    for key in rule.get("required", ()):
        if key not in data:
            return f"{at or 'the document'} has no {key!r}"
    known, other = rule.get("properties", {}), rule.get("additionalProperties", True)
    for key, value in data.items():
        inner = known.get(key, other if isinstance(other, dict) else None)
        if inner is not None and (wrong := _problem(value, inner, f"{at}.{key}" if at else str(key))) is not None:
            return wrong
    return None


def _shown(data: Any) -> str:
    text = repr(data) if not isinstance(data, (dict, list)) else "an object" if isinstance(data, dict) else "a list"
    return text if len(text) <= 40 else text[:39] + "…"


def rejected(data: Any) -> tuple[str, str | None] | None:
    """What is wrong with a document, and what to do about it; None if it is a trace that can be read here."""
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        return "is not a trace of Upriver", f'A trace begins with "format": "{FORMAT}".'
    version = data.get("version")
    if isinstance(version, int) and version > VERSION:
        return (
            f"was written in version {version} of the format by {data.get('generator', 'a newer Upriver')}; "
            f"this Upriver reads up to version {VERSION}",
            "Update Upriver.",
        )
    wrong = problem(data) or next((w for w in (*_incomplete(data), *_misdirected(data)) if w is not None), None)
    return None if wrong is None else (f"is damaged: {wrong}", "Write it again from the computation.")


def _incomplete(data: Mapping[str, Any]) -> Iterator[str]:
    """What some nodes, edges and frames must have, and others need not."""
    for i, node in enumerate(data["nodes"]):
        for key in ("op", "formula", "inputs") if node["kind"] == "operation" else ():
            if key not in node:
                yield f"nodes[{i}] has no {key!r}"
    for i, edge in enumerate(data["edges"]):
        for key in ("derivative", "product") if "step" in edge else ():
            if key not in edge:
                yield f"edges[{i}] has no {key!r}"
    for i, frame in enumerate(data["frames"]):
        for key in _OF_FRAME.get(frame["phase"], ()):
            if key not in frame:
                yield f"frames[{i}] has no {key!r}"


def _misdirected(data: Mapping[str, Any]) -> Iterator[str | None]:
    """The references to something that is not there, or that comes too late; None for each that is right."""
    nodes, edges, modules, walk = (data[key] for key in ("nodes", "edges", "modules", "frames"))

    def outside(place: str, i: Any, many: int) -> str | None:
        return f"{place} is {i}, and there are {many}" if i is not None and i >= many else None

    yield outside("result.node", data["result"]["node"], len(nodes))
    for i, node in enumerate(nodes):
        if node["id"] != i:
            yield f"nodes[{i}].id is {node['id']}"
        for x in node.get("inputs", ()):
            if x.get("node", -1) >= i:
                yield f"nodes[{i}] reads node {x['node']}, which comes after it"
        yield outside(f"nodes[{i}].module", node.get("module"), len(modules))
    for i, edge in enumerate(edges):
        yield outside(f"edges[{i}].to", edge["to"], len(nodes))
        if edge["from"] >= edge["to"]:
            yield f"edges[{i}] leads from node {edge['from']} to {edge['to']}, which is not after it"
    for i, module in enumerate(modules):
        if module["parent"] is not None and module["parent"] >= i:
            yield f"modules[{i}].parent is {module['parent']}, which comes after it"
    for i, frame in enumerate(walk):
        yield outside(f"frames[{i}].node", frame.get("node"), len(nodes))
        yield outside(f"frames[{i}].edge", frame.get("edge"), len(edges))
    for i, frame in enumerate(data["module_frames"]):
        yield outside(f"module_frames[{i}].module", frame.get("module"), len(modules))
        if not frame["first"] <= frame["last"] < len(walk):
            yield f"module_frames[{i}] goes from frame {frame['first']} to {frame['last']} of {len(walk)}"
    for i, answer in enumerate(data["answers"]):
        yield outside(f"answers[{i}].node", answer["node"], len(nodes))
