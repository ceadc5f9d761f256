"""A wrong number is matched to the mistake that makes it, and answered with the learner's own numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from upriver.errors import UpriverError

sys.path.insert(0, str(Path(__file__).parent))
from asking import WORKED, ask

from upriver.web.asks import find

TWO_PATHS: dict[str, Any] = {"expression": "(w*x)*(w+1)", "values": {"w": 2, "x": 3}}
RELU: dict[str, Any] = {"expression": "(relu(w*x+b)-y)**2", "values": {"w": 0.5, "x": 4, "b": 1, "y": 5}}
NEURON: dict[str, Any] = {"expression": "(w*x + b - y)**2", "values": {"w": 1, "b": 0, "x": 2.1, "y": 4}}


def said(given: dict[str, Any], number: Any, name: str = "w", **more: Any) -> tuple[str | None, str]:
    asked = {**given, "name": name, "given": number, **more}
    ask("mistakes", asked)
    found = find("mistakes")(asked)
    return ("right" if found["right"] else found["mistake"]), str(found["message"])


@pytest.mark.parametrize(
    ("given", "number", "mistake", "part"),
    [
        (WORKED, -24, "right", "dL/dw = −24"),
        (WORKED, -24.1, "right", "−24"),
        (WORKED, 24, "sign", "the sign is not"),
        (WORKED, -5, "added", "You added: −8 + 3 = −5. Along a path the factors are multiplied: −8 × 3 = −24."),
        (WORKED, -11, "added", "You added the sizes: 8 + 3 = 11."),
        (WORKED, 3, "forgot-upstream", "multiplied by the upstream gradient −8: −8 × 3 = −24"),
        (WORKED, -8, "forgot-local", "multiplied by the local derivative 3"),
        (WORKED, -12, "forgot-factor", "The factor 2 is missing: dL/d(w * x - y) = 2 * (w * x - y) = −8, not −4."),
        (WORKED, 48, "forgot-factor", "You used the value 16 itself"),
        (WORKED, -16, "other-name", "That is dL/dx"),
        (WORKED, 16, "forward-value", "16 is a value from the forward pass: L"),
        (WORKED, -4, "forward-value", "w * x - y"),
        (WORKED, -19.68, "after-update", "after w has been updated"),
        (WORKED, 1000, None, "Not yet."),
        (TWO_PATHS, 15, "right", "15"),
        (TWO_PATHS, 9, "overwrote", "9 comes along one path (3 × 3). w reaches L along 2 paths"),
        (TWO_PATHS, 6, "overwrote", "6 + 9 = 15"),
        (TWO_PATHS, 54, "multiplied-paths", "where paths meet, we add"),
        (RELU, -16, "right", "−16"),
        (RELU, 4, "forgot-upstream", "−4 × 4 = −16"),
        (RELU, -4, "forgot-local", "local derivative 4"),
        (RELU, 0, "added", "−4 + 4 = 0"),
        (NEURON, -8, "right", "−7.98"),
        (NEURON, -3.8, "forgot-local", "−3.8 × 2.1 = −7.98"),
    ],
)
def test_the_mistake_is_named(given: dict[str, Any], number: float, mistake: str | None, part: str) -> None:
    found, message = said(given, number)
    assert found == mistake
    assert part in message


@pytest.mark.parametrize(
    ("number", "mistake"),
    [(2.24, "right"), (1.76, "sign"), (26, "forgot-rate"), (-22, "forgot-rate"), (0.24, "step-alone"),
     (-0.24, "step-alone"), (-24, "gradient"), (2, "unchanged"), (7, None)],
)  # fmt: skip
def test_of_an_update_too(number: float, mistake: str | None) -> None:
    assert said(WORKED, number, kind="update", lr=0.01)[0] == mistake


def test_the_mistakes_follow_the_values_and_not_a_list() -> None:
    moved = {**WORKED, "values": {"w": 1, "x": -2, "y": 5}}  # difference −7, upstream −14, local −2, gradient 28
    assert said(moved, 28)[0] == "right"
    assert said(moved, -16) == (
        "added", "You added: −14 − 2 = −16. Along a path the factors are multiplied: −14 × (−2) = 28.",
    )  # fmt: skip


def test_the_right_number_is_never_a_mistake() -> None:
    # Where the gradient is 0, so are its negative and many products.
    flat = {**WORKED, "values": {"w": 2, "x": 3, "y": 6}}
    assert said(flat, 0)[0] == "right"
    assert said(flat, 3)[0] == "forgot-upstream"


LAYER: dict[str, Any] = {"expression": "sum((W @ x)**2)", "values": {"W": [[1, 2], [3, 4]], "x": [1, 2]}}


@pytest.mark.parametrize(
    ("name", "entry", "number", "mistake", "part"),
    [
        ("W", [0, 1], 20, "right", "dL/dW[0, 1] = 20"),
        ("W", [0, 1], -20, "sign", "the sign is not"),
        ("W", [0, 1], 12, "added", "You added: 10 + 2 = 12. Along a path the factors are multiplied: 10 × 2 = 20."),
        ("W", [0, 1], 2, "forgot-upstream", "multiplied by the upstream gradient 10"),
        ("W", [0, 1], 10, "forgot-local", "dL/d((W @ x)[0])"),
        ("W", [0, 1], 22, "other-name", "That is dL/dW[1, 0]. Asked for is dL/dW[0, 1]"),
        ("W", [0, 1], 121, "forward-value", "((W @ x)**2)[1]"),
        ("W", [0, 1], 18.4, "after-update", "after W[0, 1] has been updated"),
        ("W", [0, 1], 1000, None, "Not yet."),
        ("x", [0], 76, "right", "76"),
        ("x", [0], 66, "overwrote", "66 comes along one path (22 × 3). x[0] reaches L along 2 paths"),
        ("x", [0], 660, "multiplied-paths", "we add: 66 + 10 = 76"),
        ("x", [0], 38, "forgot-factor", "The factor 2 of the power is missing in each path"),
        ("W @ x", [1], 22, "right", "22"),
        ("W @ x", [1], 11, "forgot-factor", "The factor 2 is missing"),
    ],
)
def test_one_entry_of_an_array(name: str, entry: list[int], number: float, mistake: str | None, part: str) -> None:
    found, message = said(LAYER, number, name, entry=entry)
    assert found == mistake
    assert part in message


def test_every_entry_has_its_own_paths() -> None:
    for i in range(2):
        for j in range(2):
            right = 2 * (5, 11)[i] * (1, 2)[j]
            assert said(LAYER, right, "W", entry=[i, j])[0] == "right"
            assert said(LAYER, -right, "W", entry=[i, j])[0] == "sign"


def test_a_value_in_between_and_a_pasted_network() -> None:
    assert said(WORKED, -8, "w * x")[0] == "right"
    assert said(WORKED, -4, "w * x")[0] == "forgot-factor"
    code = "model = Linear(2, 1)\nx = [[1., 2.]]\ny = [[1.]]\nloss = mse_loss(model(x), y)"
    answer = ask("mistakes", {"code": code, "name": "weight", "entry": [0, 1], "given": 2})
    assert answer["mistake"] == "forgot-upstream"
    right = answer["answer"]
    assert ask("mistakes", {"code": code, "name": "weight", "entry": [0, 1], "given": right})["right"]
    wrong = ask("mistakes", {"code": code, "name": "weight", "entry": [0, 1], "given": right / 2})
    assert wrong["mistake"] is not None


def test_where_there_are_too_many_paths_what_is_left_is_matched() -> None:
    many: dict[str, Any] = {
        "expression": "sum((W @ (W @ x))**2)",
        "values": {"W": [[0.1 * (i + j) for j in range(8)] for i in range(8)], "x": [1.0] * 8},
    }
    right = ask("mistakes", {**many, "name": "x", "entry": [0], "given": 1e200})["answer"]
    assert said(many, right, "x", entry=[0])[0] == "right"
    assert said(many, -right, "x", entry=[0])[0] == "sign"


@pytest.mark.parametrize(
    ("number", "part"),
    [("many", "a number is needed"), ("1,000", "not one clear number"), (None, "a number"), (float("nan"), "bounds")],
)
def test_what_is_no_number_is_refused(number: Any, part: str) -> None:
    with pytest.raises(UpriverError, match=part):
        said(WORKED, number)


def test_numbers_may_be_written_with_the_minus_that_pages_show() -> None:
    assert said(WORKED, "−24")[0] == "right"
