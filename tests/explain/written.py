"""Traces that the page in one file is written of: here its text is read, in tests/web it is opened in a browser."""

from __future__ import annotations

from typing import Any

import upriver as ur
from upriver.cli.explain import explain_expression
from upriver.explain.trace import trace


def worked() -> dict[str, Any]:
    return trace(explain_expression("(w*x - y)**2", ["w=2", "x=3", "y=10"], "w"))


class Block(ur.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = ur.nn.LayerNorm(4)
        self.fc1 = ur.nn.Linear(4, 8)
        self.fc2 = ur.nn.Linear(8, 4)

    def forward(self, x: Any) -> Any:
        return x + self.fc2(ur.relu(self.fc1(self.norm(x))))


def network(blocks: int) -> dict[str, Any]:
    ur.manual_seed(0)
    model = ur.nn.Sequential(*[Block() for _ in range(blocks)], ur.nn.Linear(4, 3))
    return trace(ur.nn.functional.cross_entropy(model(ur.randn(6, 4)), ur.tensor([0, 1, 2, 0, 1, 2])))
