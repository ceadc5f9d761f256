"""Explanations in a language that marks what it says: no English is left outside of its templates."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.explain.check import verify
from upriver.explain.compare import Problem
from upriver.explain.explanation import Explanation
from upriver.explain.nudge import nudge
from upriver.explain.page import html
from upriver.explain.profile import step_profile
from upriver.explain.records import Step
from upriver.explain.single import read_single
from upriver.explain.why import why

from .marks import english, unsaid

pytestmark = pytest.mark.usefixtures("pseudo")

LETTERS = {"dL", "dw", "dx", "db", "NaN", "nan", "inf", "max", "wrt"}


def leaf(values: Any) -> ur.Tensor:
    return ur.tensor(values, dtype=ur.float64, requires_grad=True)


def explained(L: ur.Tensor, wrt: Any, /, **names: ur.Tensor) -> Explanation:
    return ur.explain(L, wrt=wrt, names_of={"L": L, **names})


KINDS = (
    "numbers", "sum", "matrices", "entry", "convention", "nan", "infinite", "many", "modules", "numbers alone",
)  # fmt: skip


def derivations() -> dict[str, Explanation]:
    """Derivations of every kind: numbers, arrays, entries, sums, layers, conventions, what says nothing, many."""
    w, x = leaf(2.0), leaf(3.0)
    W, X = leaf(np.linspace(-1.0, 1.0, 20).reshape(4, 5)), leaf(np.linspace(0.0, 1.0, 15).reshape(5, 3))
    many = [leaf(float(i)) for i in range(9)]
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    Z = ((W @ X).tanh() ** 2).sum()
    zero = leaf(0.0)
    return {
        "numbers": explained((w * x - 10) ** 2, w, w=w, x=x),
        "sum": explained(w * x + w**2 + ur.relu(w), [w, x], w=w, x=x),
        "matrices": explained(Z, W, W=W, X=X),
        "entry": explained(Z, W[1, 2], W=W, X=X),
        "convention": explained(ur.relu(zero) * 3.0, zero, w=zero),
        "nan": explained((zero * np.inf).log() + w, [zero, w], z=zero, w=w),
        "infinite": explained(zero.sqrt(), zero, z=zero),
        "many": explained(ur.stack(many).sum() + 0 * many[3], many),
        "modules": ur.explain((model(ur.ones(4, 2)) ** 2).mean(), wrt=model[0].weight),
        "numbers alone": ur.explain(leaf(3.0) * 2.0),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_derivations(kind: str) -> None:
    e = derivations()[kind]
    names = {*LETTERS, "weight", "bias", "Sequential", "Linear", "Tanh"}
    for width in (400, 60):
        assert english(e.text(lines=False, width=width), names) == []
    document = e.trace()
    for frame in [*document["frames"], *document["module_frames"], document["result"]]:
        assert english(frame["sentence"], names) == []
        assert frame["said"]["text"]
    assert english(repr(e), {*names, "Explanation"}) == []
    shown = re.sub(r"<style>.*?</style>|<[^>]*>", "\n", e.svg(), flags=re.DOTALL)
    assert english(re.sub(r"\S+: .*", "", shown), {*names, "quot", "amp"}) == []


@pytest.mark.usefixtures("built")
def test_the_page_says_its_words() -> None:
    e = derivations()["numbers"]
    found = re.search(r'id="data">(.*?)</script>', html(e.trace()))
    assert found is not None
    shown = json.loads(found[1])
    assert set(read_single().says) <= shown["catalogue"].keys()
    assert len(shown["catalogue"]) > 100
    assert all(text.startswith("⟦") for text in shown["catalogue"].values())
    assert shown["trace"]["result"]["sentence"].startswith("⟦")


_KEPT: list[ur.Tensor] = []
"""The last loss: what is asked about must be alive."""


def whys() -> dict[str, Callable[[], Any]]:
    """For each cause a computation that has it."""

    def after(loss: ur.Tensor) -> None:
        loss.backward()
        _KEPT[:] = [loss]

    def closed() -> Any:
        w = leaf([1.0, 2.0])
        after(ur.relu(w - 5.0).sum())
        return w

    def saturated() -> Any:
        w = leaf(9.0)
        after(ur.sigmoid(w * 3.0))
        return w

    def zero_weights() -> Any:
        w, v = leaf([[1.0, 2.0]]), leaf([[0.0], [0.0]])
        after((w @ v).sum())
        return w

    def zero_input() -> Any:
        w = leaf([[1.0], [2.0]])
        after((ur.zeros(4, 2, dtype=ur.float64) @ w).sum())
        return w

    def twice() -> Any:
        w = leaf(2.0)
        for _ in range(2):
            after(w * w)
        return w

    def cleared() -> Any:
        w = leaf(2.0)
        after(w * w)
        w.grad = None
        return w

    def unused() -> Any:
        w, v = leaf(2.0), leaf(3.0)
        after(v * v)
        return w

    def not_wanted() -> Any:
        return ur.tensor([1.0, 2.0])

    def no_backward() -> Any:
        return leaf(2.0)

    def detached() -> Any:
        w = leaf(2.0)
        v = leaf(1.0)
        after((w * 2.0).detach() * v)
        return w

    def log_of_negative() -> Any:
        w = leaf([-1.0, 2.0])
        return ur.log(w * 1.0).sum()

    def pole() -> Any:
        w = leaf([0.0, 2.0])
        return (1.0 / (w * 1.0)).sum()

    def overflow() -> Any:
        w = ur.tensor([100.0], requires_grad=True)
        return ur.exp(w * 2.0).sum()

    def bad_data() -> Any:
        w = leaf([1.0, 2.0])
        return (w * ur.tensor([np.nan, 1.0], dtype=ur.float64)).sum()

    def bad_weight() -> Any:
        return (leaf([np.inf, 2.0]) * 2.0).sum()

    def infinite_slope() -> Any:
        w = leaf([0.0, 1.0])
        after(ur.sqrt(w).sum())
        return w

    def masked_late() -> Any:
        w = leaf([-1.0, 1.0])
        after(ur.where(ur.tensor([False, True]), ur.log(w), 0.0 * w).sum())
        return w

    def large() -> Any:
        w = leaf(2.0)
        after(w * 1e6)
        return w

    def small() -> Any:
        w = leaf(2.0)
        after(w * 1e-9)
        return w

    def vanishing() -> Any:
        w = leaf(1.0)
        x = w
        for _ in range(30):
            x = ur.sigmoid(x)
        after(x)
        return w

    def ordinary() -> Any:
        w = leaf([1.0, 2.0])
        after((w * w).sum())
        return w

    def step() -> Any:
        w = leaf(1.3)
        after(ur.floor(w) + 0 * w)
        return w

    def not_chosen() -> Any:
        w = leaf([1.0, 2.0, 3.0])
        after(w.max())
        return w[0]

    def cancels() -> Any:
        w = leaf([1.0, 2.0, 3.0])
        b = leaf(0.5)
        after(ur.softmax(w + b, 0)[0])
        return b

    def flat() -> Any:
        w = leaf(0.0)
        after(w * w)
        return w

    def dropped() -> Any:
        w = leaf([1.0, 2.0, 3.0])
        after(w[1:].sum())
        return w[0]

    def constant() -> Any:
        return ur.tensor([np.nan, 1.0])

    return {name: make for name, make in locals().items() if name != "after"}


@pytest.mark.parametrize("name", list(whys()))
def test_why(name: str) -> None:
    found = why(whys()[name]())
    told = "\n".join([found.finding, found.sentence, found.fix])
    assert english(told, {*LETTERS, "w", "b"}) == []
    assert "⟦" in found.finding
    assert "⟦" in found.sentence


def test_why_as_it_is_printed() -> None:
    text = why(whys()["closed"]()).text()
    assert english("\n".join(line for line in text.splitlines() if ".py" not in line), LETTERS) == []


@pytest.mark.parametrize(
    "loss",
    [
        lambda w: (w * 3.0 - 10.0) ** 2,
        lambda w: w * 3.0,
        lambda w: ur.relu(w - 2.001),
        lambda w: ur.exp(w * 900.0),
        lambda w: 0.0 * w,
        lambda w: ur.sin(w * 500.0),
        lambda w: w * 1e-30 + 1.0,
    ],
)
def test_nudges(loss: Callable[[ur.Tensor], ur.Tensor]) -> None:
    w = leaf(2.0)
    found = nudge(lambda: loss(w), w, by=0.125)
    assert english(re.sub(r"⟪[^⟪⟫]*\.py[^⟪⟫]*⟫", "", found.text()), LETTERS) == []


def test_profile() -> None:
    w = leaf([1.0, 1.0])
    for rate in (0.001, 0.1, 0.15, 0.5, None):
        p = step_profile(lambda: 0.5 * (w * w * ur.tensor([1.0, 10.0], dtype=ur.float64)).sum(), [w], lr=rate)
        assert english(p.text(), LETTERS) == []
    assert english(re.sub(r"<style>.*?</style>|<[^>]*>", "\n", p.svg(), flags=re.DOTALL), LETTERS) == []


def test_paths_and_what_they_are_parts_of() -> None:
    w = leaf([[0.5, -1.0], [2.0, 1.0]])
    loss = ((ur.tanh(ur.ones(3, 2, dtype=ur.float64) @ w) @ w) ** 2).sum()
    loss.backward()
    for k in (1, 2, 999):
        found = ur.paths(loss, w[0, 1], k)
        lines = [line for line in found.text().splitlines() if " × " not in line]
        assert english("\n".join(lines), {*LETTERS, "loss"}) == []
    for what in ("use", "sample", "class", "unit", "node"):
        told = re.sub(r" \([^()]*:\d+\)", "", found.by(what).text())
        assert english(told, {*LETTERS, "loss"}) == []


def test_blame() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    loss = (model(ur.ones(4, 2)) ** 2).mean()
    loss.backward()
    found = ur.blame(loss, model, lr=0.1)
    names = {"weight", "bias", "Sequential"}
    assert english(found.text(), names) == []
    assert english(re.sub(r"<style>.*?</style>|<[^>]*>", "\n", found.svg(), flags=re.DOTALL), names) == []


def test_what_is_wrong_with_an_explanation() -> None:
    e = derivations()["sum"]
    wrong: list[Problem] = []
    for i, step in enumerate(e.steps):
        for change in ({"product": step.product + 1.0}, {"local": 7.5}, {"formula": "w * 7", "exact": "w * 7"}):
            steps = [*e.steps[:i], Step(**{**step.__dict__, **change}), *e.steps[i + 1 :]]
            wrong += verify(Explanation(e.values, tuple(steps), e.answers, e.root, e.graph, e.source))
        wrong += verify(Explanation(e.values, (*e.steps[:i], *e.steps[i + 1 :]), e.answers, e.root, e.graph))
        wrong += verify(Explanation(e.values, (*e.steps, step), e.answers, e.root, e.graph))
    assert len({problem.kind for problem in wrong}) >= 5
    assert english("\n".join(map(str, wrong)), LETTERS) == []


def test_the_test_sees_english() -> None:
    assert english("⟦said ⟪and this is not⟫⟧ nor this") == ["and", "this", "is", "not", "nor", "this"]
    assert unsaid("⟦a ⟪b⟫ c⟧").split() == ["b"]
