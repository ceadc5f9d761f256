"""The traces that the Vitest tests of graph and walk draw are those that the engine writes today."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from upriver.web import frames
from upriver.web.asks import derive, network

FOLDER = Path(__file__).parents[2] / "web" / "test" / "content"
CODE = """model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
x = [[0.5, -1.0], [1.5, 2.0]]
y = [[1.0], [-1.0]]
loss = mse_loss(model(x), y)
"""
CONTENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "worked": (derive, {"expression": "(w*x - y)**2", "values": {"w": 2, "x": 3, "y": 10}}),
    "shares": (derive, {"expression": "w*w + w", "values": {"w": 3}}),
    "network": (network, {"code": CODE}),
}


@pytest.mark.parametrize("name", list(CONTENTS))
def test_what_is_drawn_in_tests_is_what_the_engine_writes(name: str) -> None:
    ask, given = CONTENTS[name]
    found = frames.plain(ask.answer(given))
    path = FOLDER / f"{name}.json"
    if os.environ.get("UPRIVER_WRITE"):
        path.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    kept = json.loads(path.read_text(encoding="utf-8"))
    again = "write it anew: UPRIVER_WRITE=1 pytest tests/web/test_lab_content.py"
    assert list(kept) == list(found), again
    for part in ("views", "labels", "groups", "sums", "names"):
        assert kept[part] == json.loads(json.dumps(found[part])), f"{part}: {again}"
    # Generators and versions may change; the walk and the numbers may not.
    for part in ("result", "nodes", "edges", "modules", "frames", "module_frames"):
        assert kept["trace"][part] == json.loads(json.dumps(found["trace"][part])), f"{part}: {again}"
