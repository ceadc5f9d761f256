"""Examples worked out by hand, in print: every digit of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import upriver as ur


def double(value: Any, requires_grad: bool = False) -> ur.Tensor:
    return ur.tensor(value, dtype=ur.float64, requires_grad=requires_grad)


def retained(t: ur.Tensor) -> ur.Tensor:
    t.retain_grad()
    return t


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_lessons_squared_error(dtype: Any) -> None:
    """L = (w·x − y)² at w = 2, x = 3, y = 10."""
    w, x, y = ur.tensor(2.0, dtype=dtype, requires_grad=True), ur.tensor(3.0, dtype=dtype), 10.0
    product = retained(w * x)
    diff = retained(product - y)
    loss = diff**2
    assert (product.item(), diff.item(), loss.item()) == (6.0, -4.0, 16.0)
    loss.backward()
    assert (diff.grad.item(), product.grad.item(), w.grad.item()) == (-8.0, -8.0, -24.0)
    # Raising w lowers the loss.
    assert ((w.detach() + 0.01) * x - y).item() ** 2 < loss.item()


def test_the_slides_single_neuron() -> None:
    """ŷ = w·x + b with squared error at x = 2.1, w = 1, b = 0, y = 4, and one step with learning rate 0.01."""
    w, b = double(1.0, True), double(0.0, True)

    def forward() -> tuple[ur.Tensor, ur.Tensor]:
        prediction = w * 2.1 + b
        return prediction, (prediction - 4.0) ** 2

    prediction, loss = forward()
    assert prediction.item() == pytest.approx(2.1, abs=1e-12)
    assert loss.item() == pytest.approx(3.61, abs=1e-12)
    loss.backward()
    assert w.grad.item() == pytest.approx(-7.98, abs=1e-12)
    assert b.grad.item() == pytest.approx(-3.8, abs=1e-12)
    w.data -= 0.01 * w.grad
    b.data -= 0.01 * b.grad
    assert w.item() == pytest.approx(1.0798, abs=1e-12)
    assert b.item() == pytest.approx(0.038, abs=1e-12)
    after = forward()[1].item()
    assert f"{after:.2f} {after:.4f} {loss.item() - after:.2f} {loss.item() - after:.4f}" == "2.87 2.8711 0.74 0.7389"


class Mazur:
    """The 2-2-2 network of sigmoids of M. Mazur, "A Step by Step Backpropagation Example" (2015).

    Its biases are one number for each layer, and are not learned.
    """

    def __init__(self) -> None:
        self.x, self.target = double([0.05, 0.10]), double([0.01, 0.99])
        self.hidden = double([[0.15, 0.20], [0.25, 0.30]], True)
        self.output = double([[0.40, 0.45], [0.50, 0.55]], True)
        self.biases = double([0.35, 0.35]), double([0.60, 0.60])

    def forward(self) -> tuple[ur.Tensor, ur.Tensor, ur.Tensor]:
        h = ur.sigmoid(ur.nn.functional.linear(self.x, self.hidden, self.biases[0]))
        o = ur.sigmoid(ur.nn.functional.linear(h, self.output, self.biases[1]))
        return h, o, (0.5 * (self.target - o) ** 2).sum()

    def step(self) -> None:
        self.hidden.grad = self.output.grad = None
        self.forward()[2].backward()
        self.hidden.data -= 0.5 * self.hidden.grad
        self.output.data -= 0.5 * self.output.grad


def test_mazurs_forward_pass() -> None:
    h, o, error = Mazur().forward()
    assert [f"{v:.9f}" for v in h.tolist()] == ["0.593269992", "0.596884378"]
    assert [f"{v:.9f}" for v in o.tolist()] == ["0.751365070", "0.772928465"]
    assert f"{error.item():.9f}" == "0.298371109"


def test_mazurs_gradients() -> None:
    network = Mazur()
    network.forward()[2].backward()
    assert f"{network.output.grad[0, 0].item():.9f}" == "0.082167041"
    assert f"{network.hidden.grad[0, 0].item():.9f}" == "0.000438568"


def test_mazurs_first_step() -> None:
    network = Mazur()
    network.step()
    hidden, output = network.hidden.tolist(), network.output.tolist()
    # The page prints w5 to eight digits.
    assert f"{output[0][0]:.8f}" == "0.35891648"
    assert [f"{v:.9f}" for v in (output[0][1], *output[1])] == ["0.408666186", "0.511301270", "0.561370121"]
    assert [f"{v:.9f}" for row in hidden for v in row] == ["0.149780716", "0.199561432", "0.249751144", "0.299502287"]
    assert f"{network.forward()[2].item():.10f}" == "0.2910277737"


def test_mazurs_ten_thousand_steps() -> None:
    network = Mazur()
    for _ in range(10_000):
        network.step()
    error = network.forward()[2]
    assert f"{error.item():.11f}" == "0.00003510188"


DERIVATIVES: list[tuple[str, Callable[[ur.Tensor], ur.Tensor], Callable[[float], float]]] = [
    ("a line", lambda x: 3.0 * x + 1.0, lambda x: 3.0),
    ("a power", lambda x: x**3, lambda x: 3 * x**2),
    ("a chain", lambda x: ur.exp(ur.sin(x)), lambda x: np.exp(np.sin(x)) * np.cos(x)),
    ("a product", lambda x: x * ur.log(x), lambda x: np.log(x) + 1),
    ("a quotient", lambda x: x / (1 + x * x), lambda x: (1 - x * x) / (1 + x * x) ** 2),
    ("the logistic curve", lambda x: 1 / (1 + ur.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
]


@pytest.mark.parametrize(("name", "function", "derivative"), DERIVATIVES, ids=[name for name, *_ in DERIVATIVES])
def test_derivatives_of_a_textbook(name: str, function: Any, derivative: Any) -> None:
    x = ur.Tensor(np.linspace(0.3, 2.7, 7), requires_grad=True)
    (g,) = ur.grad(function(x).sum(), x)
    np.testing.assert_allclose(g.array, [derivative(v) for v in x.tolist()], rtol=1e-13)
