"""What recurrent layers and cells do at a step: each prepares its weights once, and then goes from step to step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...core.tensor import Tensor
from ...errors import ArgumentError
from ...ops.activation import relu, sigmoid
from ...ops.linalg import linear
from ...ops.trigonometry import tanh

State = tuple[Tensor, ...]
Step = Callable[[Any, State], State]


def _simple(nonlinearity: str, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> tuple[Any, Step]:
    """``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` (Elman, "Finding Structure in Time", 1990)."""
    activation = tanh if nonlinearity == "tanh" else relu

    def step(x: Any, state: State) -> State:
        return (activation(x[0] + linear(state[0], w_hh)),)

    return [(w_ih, None if b_ih is None else b_ih + b_hh)], step


def _lstm(w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> tuple[Any, Step]:
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with a forget gate (Gers and others, 2000).

    ``i, f, o = σ(...)``, ``g = tanh(...)``, ``c = f·c + i·g``, ``h = o·tanh(c)``.
    """
    n = w_hh.shape[1]

    def step(x: Any, state: State) -> State:
        h, c = state
        gates = x[0] + linear(h, w_hh)
        i, f = sigmoid(gates[:, :n]), sigmoid(gates[:, n : 2 * n])
        g, o = tanh(gates[:, 2 * n : 3 * n]), sigmoid(gates[:, 3 * n :])
        c = f * c + i * g
        return o * tanh(c), c

    return [(w_ih, None if b_ih is None else b_ih + b_hh)], step


def _gru(w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> tuple[Any, Step]:
    """The gated recurrent unit (Cho and others, 2014), its reset gate on the product with the state.

    ``r, z = σ(...)``, ``n = tanh(W_in x + b_in + r·(W_hn h + b_hn))``, ``h = (1 − z)·n + z·h``.
    """
    k = w_hh.shape[1]
    w_gates, w_new = w_hh[: 2 * k], w_hh[2 * k :]
    b_gates = b_input = b_new = None
    if b_ih is not None:
        b_gates, b_input, b_new = b_ih[: 2 * k] + b_hh[: 2 * k], b_ih[2 * k :], b_hh[2 * k :]

    def step(x: Any, state: State) -> State:
        (h,) = state
        gates = sigmoid(x[0] + linear(h, w_gates))
        r, z = gates[:, :k], gates[:, k:]
        new = tanh(x[1] + r * linear(h, w_new, b_new))
        return (new + z * (h - new),)

    return [(w_ih[: 2 * k], b_gates), (w_ih[2 * k :], b_input)], step


GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def prepare(kind: str, nonlinearity: str, weights: Sequence[Any]) -> tuple[Any, Step]:
    """What the inputs are multiplied with, and the step."""
    if kind == "LSTM":
        return _lstm(*weights)
    return _gru(*weights) if kind == "GRU" else _simple(nonlinearity, *weights)


def check_nonlinearity(layer: str, nonlinearity: str) -> None:
    """Refuse an activation that a simple recurrent layer does not have.

    Raises:
        ArgumentError: it is neither tanh nor ReLU.
    """
    if nonlinearity not in ("tanh", "relu"):
        raise ArgumentError(f"{layer}: there is no nonlinearity {nonlinearity!r}", "Use 'tanh' or 'relu'.")
