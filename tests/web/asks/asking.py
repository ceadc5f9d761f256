"""Asking as the server does: an answer that JSON can hold, or an error that is a sentence; and in time."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import strategies as st

from upriver.errors import UpriverError
from upriver.web.asks import find
from upriver.web.frames import plain
from upriver.web.limits import Limits

LONGEST = Limits().ask_seconds
"""Seconds after which the server ends a question: none of those here comes near, however slow the machine."""
WORKED: dict[str, Any] = {"expression": "(w*x - y)**2", "values": {"w": 2, "x": 3, "y": 10}}
CLASS = '''import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)

class Net(nn.Module):
    """Two layers."""
    def __init__(self, hidden):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.act = nn.Tanh()
        self.fc2 = nn.Linear(hidden, 2)

    def forward(self, x):
        h = self.act(self.fc1(x))
        return self.fc2(h)

net = Net(4)
criterion = nn.CrossEntropyLoss()
x = torch.tensor([[1.0, 2.0], [0.5, -1.0]])
y = torch.tensor([0, 1])
out = net(x)
loss = criterion(out, y)
loss.backward()
'''


def ask(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The answer as it arrives in a page."""
    start = time.thread_time()
    answer = json.loads(json.dumps(plain(find(name)(given)), allow_nan=False))
    assert time.thread_time() - start < LONGEST
    assert isinstance(answer, dict)
    return answer


def survives(name: str, given: dict[str, Any]) -> str:
    """Ask what may be refused: "answered", or the sentence of the refusal."""
    start, refused = time.thread_time(), "answered"
    try:
        ask(name, given)
    except UpriverError as error:
        refused = error.message.strip()
    assert refused
    assert time.thread_time() - start < LONGEST
    return refused


NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.floats(-100, 100),
    st.sampled_from([0.0, -0.0, 1e-300, 1e300, float("inf"), float("-inf"), float("nan"), 10**400, True]),
)
LISTS = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=4), max_leaves=12)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=10,
)
