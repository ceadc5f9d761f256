"""Whether a document is as ``trace.schema.json`` says: the few words of JSON Schema that it is written in.

The schema is the one description of the format; what is checked when a trace is read is read from it, so that
the two cannot differ. (``jsonschema`` agrees with it in the tests, and is not needed to read a trace.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

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
    return isinstance(data, _TYPES[kind]) and (kind == "boolean" or not isinstance(data, bool))


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
            return f"{at or 'the document'} is {_shown(data)}, not {' or '.join(kinds)}"
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
