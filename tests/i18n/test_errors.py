"""Messages of errors in a language that marks what it says: raised where they happen, and no English left in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import upriver as ur
from upriver import nn, optim
from upriver.data import CharVocab, DataLoader, TensorDataset, read_arrays, read_table, split
from upriver.errors import UpriverError
from upriver.explain.expression import Expression
from upriver.explain.nudge import nudge
from upriver.explain.profile import step_profile
from upriver.explain.reading import load_trace
from upriver.explain.why import why
from upriver.i18n import errors, extract, icu
from upriver.nn import functional as F
from upriver.recipes import load_recipe
from upriver.train import Trainer
from upriver.train.checkpoint import load_checkpoint
from upriver.train.run import Run

from .marks import english

one, two, three = ur.ones(3), ur.ones(2, 3), ur.ones(2, 3, 4)
leaf = lambda *shape: ur.ones(*shape, requires_grad=True)
layer = nn.Linear(3, 2)
ints = ur.tensor([0, 1])
NAMES = set(
    """
    ab Adam auto betas bias bool boolean clip clone cnn dark Dropout embedding explain float forward groups int key
    kernel_size light Linear lr LSTM mean mlp momentum most MSELoss nan none nothing nowhere nudge other pink Python rnn
    second seconds Sequential SGD size step steps str sum taste upriver week weight xor zeros epoch elapsed generator
    mm ij squeeze foo one for No such file or directory
    digts digits mnist fashion names moons spiral Conv MaxPool BatchNorm batch_norm LayerNorm Embedding Trainer by
    """.split()
)
"""Names of things, which no language translates."""


def trained(**options: Any) -> Any:
    loader = DataLoader(TensorDataset(ur.ones(4, 3), ur.ones(4, 2)), 2)
    return Trainer(layer, nn.MSELoss(), optim.SGD(layer.parameters(), 0.1), progress="quiet", **options).fit(
        loader, epochs=1
    )


WRONG: list[Callable[[], Any]] = [
    lambda: one + ur.ones(4),
    lambda: two @ two,
    lambda: ur.matmul(one, ur.ones(4)),
    lambda: ur.mm(one, two),
    lambda: two.reshape(4, 2),
    lambda: two.sum(5),
    lambda: two[7],
    lambda: two[0, 0, 0],
    lambda: one.size(3),
    lambda: ur.cat([two, three]),
    lambda: ur.stack([one, two]),
    lambda: ur.einsum("ij,jk->ik", two, two),
    lambda: ur.einsum("ij", three),
    lambda: two.permute(0, 0),
    lambda: three.squeeze(5),
    lambda: one.expand(2, 4),
    lambda: one.view(2, 2),
    lambda: ur.tensor([[1, 2], [3]]),
    lambda: ur.zeros(-1),
    lambda: ur.arange(0, 1, 0),
    lambda: ints.requires_grad_(),
    lambda: ints.backward(),
    lambda: two.backward(),
    lambda: one.sum().backward(),
    lambda: ur.grad(leaf(2).sum(), leaf(2)),
    lambda: ur.gather(two, 1, ur.tensor([[9]])),
    lambda: ur.maximum(ur.tensor([True]), "x"),
    lambda: (ur.tensor([True]) - ur.tensor([False])),
    lambda: leaf(2).add_(1.0),
    lambda: leaf(2).__setitem__(0, 1.0),
    lambda: layer(ur.ones(4, 5)),
    lambda: layer(ints),
    lambda: nn.Linear(0, 2),
    lambda: nn.Conv2d(3, 4, 3)(ur.ones(2, 3)),
    lambda: nn.Conv2d(3, 4, 3, groups=2),
    lambda: nn.LSTM(3, 4)(ur.ones(2, 2, 5)),
    lambda: nn.LSTM(3, 4)(ur.ones(2, 2, 3), ur.ones(1, 2, 4)),
    lambda: nn.Embedding(5, 3)(ur.tensor([7])),
    lambda: nn.Dropout(1.5),
    lambda: nn.MSELoss(reduction="most"),
    lambda: nn.Sequential(nn.Linear(2, 2))[5],
    lambda: nn.MultiheadAttention(5, 2),
    lambda: nn.BatchNorm1d(3)(ur.ones(2, 4)),
    lambda: nn.LayerNorm(4)(ur.ones(2, 3)),
    lambda: nn.MaxPool2d(9)(ur.ones(1, 1, 4, 4)),
    lambda: layer.load_state_dict({"weight": ur.ones(9, 9), "other": one}),
    lambda: F.cross_entropy(ur.ones(2, 3), ur.tensor([0, 7])),
    lambda: F.cross_entropy(ur.ones(2, 3), ur.ones(2)),
    lambda: F.mse_loss(two, three),
    lambda: F.softmax(two, 4),
    lambda: F.one_hot(ur.tensor([3]), 2),
    lambda: nn.init.kaiming_uniform_(one),
    lambda: nn.utils.clip_grad_norm_(layer.parameters(), -1.0),
    lambda: optim.SGD(layer.parameters(), lr=-1.0),
    lambda: optim.SGD([], lr=0.1),
    lambda: optim.Adam(layer.parameters(), betas=(2.0, 0.9)),
    lambda: optim.SGD(layer.parameters(), 0.1, nesterov=True),
    lambda: optim.lr_scheduler.StepLR(optim.SGD(layer.parameters(), 0.1), step_size=0),
    lambda: optim.lr_scheduler.OneCycleLR(optim.SGD(layer.parameters(), 0.1), 0.1, total_steps=0),
    lambda: ur.explain(two),
    lambda: Expression("w*", {"w": "1"}).explain(),
    lambda: Expression("(w*x - y)^2", {"w": "1", "x": "2", "y": "3"}).explain(),
    lambda: Expression("foo(w)", {"w": "1"}).explain(),
    lambda: Expression("w.x", {"w": "1"}).explain(),
    lambda: Expression("w*x", {"w": "1"}).explain(),
    lambda: Expression("sum([[1, 2], [3]]) * w", {"w": "1"}).explain(),
    lambda: Expression("w + 1/0", {"w": "1"}).explain(),
    lambda: Expression("w", {"w": "1", "v": "2"}).explain(),
    lambda: Expression("w*2", {"w": "one"}).explain(),
    lambda: Expression("w*2", {"w": "1"}).explain("v"),
    lambda: Expression("h = w; h = 2", {"w": "1"}).explain(),
    lambda: Expression("for", {}),
    lambda: Expression("w < 2", {"w": "1"}).explain(),
    lambda: Expression("relu", {}),
    lambda: Expression("relu(w, w)", {"w": "1"}).explain(),
    lambda: ur.draw(3),
    lambda: ur.draw(one, theme="pink"),
    lambda: why(3),
    lambda: why(None),
    lambda: nudge(3, leaf(1)),
    lambda: nudge(lambda: two, leaf(1)),
    lambda: nudge(lambda: leaf(1).sum(), leaf(1), by=0),
    lambda: step_profile(lambda: leaf(1).sum(), []),
    lambda: ur.paths(one.sum(), one, 0),
    lambda: ur.blame(two, layer),
    lambda: load_trace({"format": "other"}),
    lambda: load_trace({"format": "upriver-trace", "version": 99}),
    lambda: load_trace({"format": "upriver-trace", "version": 1}),
    lambda: load_trace("nowhere.json"),
    lambda: read_table("nowhere.csv"),
    lambda: read_arrays("nowhere"),
    lambda: split(3, test=2.0),
    lambda: CharVocab("ab").encode("abc"),
    lambda: DataLoader([1, 2], batch_size=0),
    lambda: DataLoader([1, 2], shuffle=True, sampler=[0]),
    lambda: TensorDataset(ur.ones(2), ur.ones(3)),
    lambda: TensorDataset(),
    lambda: load_recipe("digts"),
    lambda: load_recipe("digits").options(model="rnn"),
    lambda: Run.open("nothing-here"),
    lambda: load_checkpoint(Path("nothing.safetensors")),
    lambda: trained(clip=-1.0),
    lambda: trained(schedule_every="week"),
    lambda: trained(monitor="taste", patience=2),
    lambda: ur.set_num_threads(0),
    lambda: ur.compile(lambda x: x if x.sum().item() > 0 else -x)(one),
    lambda: ur.gradcheck(lambda x: x.detach() * x, (ur.ones(2, dtype=ur.float64, requires_grad=True),)),
]  # fmt: skip


def raised(wrong: Callable[[], Any]) -> UpriverError | None:
    try:
        wrong()
    except UpriverError as error:
        return error
    except Exception as error:  # Python's own
        print("not Upriver's:", wrong.__code__.co_firstlineno, repr(error)[:100])
    else:
        print("no error:", wrong.__code__.co_firstlineno)
    return None


def said(error: UpriverError) -> str:
    """Message and fix, without the line of the test, and without the source under the message."""
    text = "\n".join([error.message, error.fix or ""])
    return re.sub(r"\n  .*\n *⟪?\^⟫?", "", text)


@pytest.mark.usefixtures("pseudo")
def test_errors_are_said_whole() -> None:
    found = [(i, raised(wrong)) for i, wrong in enumerate(WRONG)]
    told = {i: said(error) for i, error in found if error is not None}
    assert len(told) >= 60
    left = {i: (english(text, NAMES), text) for i, text in told.items() if english(text, NAMES)}
    assert not left, "\n".join(f"{i}: {words}\n    {text}" for i, (words, text) in left.items())
    assert all("⟦" in text for text in told.values())


def test_each_message_that_is_raised_can_be_read_in_the_source(templates: extract.Found) -> None:
    assert [place for place in templates.unreadable if ".py:" in place] == []
    assert len(templates.templates["errors"]) > 600


@pytest.mark.usefixtures("pseudo")
def test_each_message_is_read_back_from_its_english(templates: extract.Found) -> None:
    """Every template, filled with numbers, is recognised, and nothing of it is left in English."""
    left: list[str] = []
    for template in templates.templates["errors"]:
        args = {name: str(i) for i, name in enumerate(sorted(icu.arguments(template)))}
        shown = icu.fill(template, args, icu.About())
        if english(errors.told(shown), NAMES):
            left.append(f"{shown!r} → {errors.told(shown)!r}")
    assert left == []


def test_a_raise_site_that_hides_its_words_is_reported() -> None:
    source = """
def fail(shape):
    words = ["no", "such", "shape"]
    raise ShapeError(" ".join(words))

def help(shape, what):
    raise ShapeError(f"add: {what} of {shape}", "Mend it." if shape else FIX)

def call(x):
    help(x, "a broken thing")

FIX = "Look at it."
class ShapeError(UpriverError): ...
"""
    raised_ = extract.Raised({"here.py": ast.parse(source)})
    assert [place.partition(":")[2] for place in raised_.unreadable] == ["4: ' '.join(words)"]
    assert list(raised_.templates) == ["add: {what} of {shape}", "a broken thing", "Mend it.", "Look at it."]
