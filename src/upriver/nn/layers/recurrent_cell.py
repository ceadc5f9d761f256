"""Recurrent cells: one step of a recurrent layer, for loops of one's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.tensor import literal
from ...errors import ShapeError
from ...ops.linalg import linear
from .. import init
from ..module import Module
from .recurrent_step import GATES, check_nonlinearity, prepare
from .sizes import check_size, empty


class _Cell(Module):
    kind: str
    nonlinearity = "tanh"

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        check_size(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        gates = GATES[self.kind] * hidden_size
        self.weight_ih = empty(gates, input_size, dtype=dtype, device=device)
        self.weight_hh = empty(gates, hidden_size, dtype=dtype)
        self.register_parameter("bias_ih", empty(gates, dtype=dtype) if bias else None)
        self.register_parameter("bias_hh", empty(gates, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights and biases anew, uniform in ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state: (N, input_size) and (N, hidden_size) → (N, hidden_size); N may be left out.

        Of an LSTM cell the state is a pair (h, c), given and returned. Default 0.

        Raises:
            ShapeError: the input or the state has another shape.
        """
        name, pair = type(self).__name__, self.kind == "LSTM"
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ShapeError(
                f"{name}: an input of shape {list(input.shape)} is not (batch, {self.input_size})",
                f"Its last dimension must be input_size={self.input_size}.",
            )
        single = input.ndim == 1
        if hx is None:
            zeros = literal(np.zeros((*input.shape[:-1], self.hidden_size), input.dtype))
            hx = (zeros, zeros) if pair else zeros
        state = tuple([s.unsqueeze(0) if single else s for s in (hx if pair else (hx,))])
        x = input.unsqueeze(0) if single else input
        for s in state:
            if s.shape != (x.shape[0], self.hidden_size):
                raise ShapeError(f"{name}: a state of shape {list(s.shape)}, not {[x.shape[0], self.hidden_size]}")
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        inputs, step = prepare(self.kind, self.nonlinearity, weights)
        state = step([linear(x, w, b) for w, b in inputs], state)
        if single:
            state = tuple([s.squeeze(0) for s in state])
        return state if pair else state[0]

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + (", bias=False" if self.bias_ih is None else "")


class RNNCell(_Cell):
    """One step of :class:`RNN`.

    Args:
        input_size: length of an input.
        hidden_size: length of the state.
        bias: whether there are biases.
        nonlinearity: ``"tanh"`` or ``"relu"``.

    Example:
        >>> import upriver as ur
        >>> ur.nn.RNNCell(3, 5)(ur.zeros(2, 3)).shape
        (2, 5)
    """

    kind = "RNN"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_nonlinearity("RNNCell", nonlinearity)
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity


class LSTMCell(_Cell):
    """One step of :class:`LSTM`: takes and gives a pair (h, c).

    Args:
        input_size: length of an input.
        hidden_size: length of the state.
        bias: whether there are biases.

    Example:
        >>> import upriver as ur
        >>> h, c = ur.nn.LSTMCell(3, 5)(ur.zeros(2, 3))
        >>> h.shape, c.shape
        ((2, 5), (2, 5))
    """

    kind = "LSTM"


class GRUCell(_Cell):
    """One step of :class:`GRU`.

    Args:
        input_size: length of an input.
        hidden_size: length of the state.
        bias: whether there are biases.

    Example:
        >>> import upriver as ur
        >>> ur.nn.GRUCell(3, 5)(ur.zeros(2, 3), ur.zeros(2, 5)).shape
        (2, 5)
    """

    kind = "GRU"
