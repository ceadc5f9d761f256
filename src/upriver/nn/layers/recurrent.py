"""Recurrent layers: one cell, step after step, its state handed on.

The products with the inputs of all steps are one product; what is left for each step is the product with the
state and the gates. Every step is recorded, so gradients flow back through time and can be followed there.

To train on a sequence that is too long (truncation through time; Williams and Peng, "An Efficient
Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories", 1990), cut it into pieces
and pass the state on without its history::

    state = None
    for piece in pieces:
        output, state = rnn(piece, state)
        loss(output).backward()
        state = state.detach()          # of an LSTM: tuple(s.detach() for s in state)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.tensor import Tensor, literal
from ...errors import ArgumentError, ShapeError
from ...ops.join import cat, stack
from ...ops.linalg import linear
from .. import functional as F, init
from ..module import Module
from .recurrent_step import GATES, State, check_nonlinearity, prepare
from .sizes import check_probability, check_size, empty


def _run(
    kind: str, nonlinearity: str, weights: Sequence[Any], x: Any, state: State, reverse: bool
) -> tuple[Tensor, State]:
    """One layer in one direction: (T, N, in) and a state → (T, N, hidden) and the last state."""
    inputs, step = prepare(kind, nonlinearity, weights)
    products = [linear(x, w, b) for w, b in inputs]
    length = x.shape[0]
    outputs: list[Any] = [None] * length
    for t in reversed(range(length)) if reverse else range(length):
        state = step([p[t] for p in products], state)
        outputs[t] = state[0]
    return stack(outputs), state


class _Recurrent(Module):
    """What the three kinds share.

    Args:
        input_size: length of an input.
        hidden_size: length of the state.
        num_layers: layers, each of which takes the outputs of the one before.
        bias: whether there are biases.
        batch_first: whether the batch comes first, (N, T, ...), instead of time, (T, N, ...).
        dropout: the probability with which outputs between layers are dropped while training.
        bidirectional: whether a second cell goes from the end to the start; outputs are side by side.
        device: the CPU.
        dtype: of the parameters; default float32.
    """

    kind: str
    nonlinearity = "tanh"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_size(self.kind, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout = check_probability(self.kind, dropout)
        if self.dropout and num_layers == 1:
            raise ArgumentError(
                f"{self.kind}: dropout={dropout} acts between layers, and there is one",
                "Use num_layers=2 or more, or put a Dropout after it.",
            )
        gates = GATES[self.kind] * hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else hidden_size * (1 + bidirectional)
            for suffix in self._suffixes(layer):
                setattr(self, f"weight_ih_{suffix}", empty(gates, width, dtype=dtype, device=device))
                setattr(self, f"weight_hh_{suffix}", empty(gates, hidden_size, dtype=dtype))
                if bias:
                    setattr(self, f"bias_ih_{suffix}", empty(gates, dtype=dtype))
                    setattr(self, f"bias_hh_{suffix}", empty(gates, dtype=dtype))
        self.reset_parameters()

    def _suffixes(self, layer: int) -> list[str]:
        return [f"l{layer}", f"l{layer}_reverse"] if self.bidirectional else [f"l{layer}"]

    def _weights(self, suffix: str) -> list[Any]:
        own = self._parameters
        names = ("weight_ih_", "weight_hh_", "bias_ih_", "bias_hh_")
        return [own.get(name + suffix) for name in names]

    def reset_parameters(self) -> None:
        """Draw all weights and biases anew, uniform in ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: it is here for programs that call it."""

    def forward(self, input: Any, hx: Any = None) -> tuple[Tensor, Any]:
        """The states of the last layer at every step, and the last states of every layer.

        Args:
            input: (T, N, input_size), (N, T, input_size) if ``batch_first``, or (T, input_size).
            hx: the first state, (layers·directions, N, hidden_size), without N if the input has none;
                of an LSTM a pair of them; default 0.

        Returns:
            (T, N, directions·hidden_size), ordered like the input, and the last state, shaped like ``hx``.

        Raises:
            ShapeError: the input or the state has another shape.
        """
        if input.ndim not in (2, 3) or input.shape[-1] != self.input_size:
            raise ShapeError(
                f"{self.kind}: an input of shape {list(input.shape)} is not (batch, steps, {self.input_size})"
                if self.batch_first
                else f"{self.kind}: an input of shape {list(input.shape)} is not (steps, batch, {self.input_size})",
                f"Its last dimension must be input_size={self.input_size}; one sequence may be (steps, input_size).",
            )
        single = input.ndim == 2
        x = input.unsqueeze(1) if single else input.transpose(0, 1) if self.batch_first else input
        if x.shape[0] == 0:
            raise ShapeError(f"{self.kind}: a sequence of no steps", "Give it at least one step.")
        states = self._first_states(x, hx, single)
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outputs: list[Tensor] = []
            for suffix in self._suffixes(layer):
                first = tuple([s[len(last)] for s in states])
                weights = self._weights(suffix)
                output, state = _run(self.kind, self.nonlinearity, weights, x, first, suffix.endswith("reverse"))
                outputs.append(output)
                last.append(state)
            x = cat(outputs, 2) if len(outputs) > 1 else outputs[0]
        final = [stack(parts) for parts in zip(*last, strict=True)]
        if single:
            x, final = x.squeeze(1), [s.squeeze(1) for s in final]
        elif self.batch_first:
            x = x.transpose(0, 1)
        return x, tuple(final) if self.kind == "LSTM" else final[0]

    def _first_states(self, x: Any, hx: Any, single: bool) -> list[Any]:
        """The first states (one, or two of an LSTM) of all layers."""
        shape = (self.num_layers * (1 + self.bidirectional), x.shape[1], self.hidden_size)
        pair = self.kind == "LSTM"
        if hx is None:
            zeros = literal(np.zeros(shape, x.dtype))
            return [zeros, zeros] if pair else [zeros]
        if pair != isinstance(hx, (tuple, list)) or (pair and len(hx) != 2):
            raise ArgumentError(f"{self.kind}: the first state is {'a pair (h, c)' if pair else 'one tensor'}")
        states = [s.unsqueeze(1) if single else s for s in (hx if pair else [hx])]
        for s in states:
            if s.shape != shape:
                wanted = [n for i, n in enumerate(shape) if not (single and i == 1)]
                given = [n for i, n in enumerate(s.shape) if not (single and i == 1)]
                raise ShapeError(
                    f"{self.kind}: a first state of shape {given}, not {wanted}",
                    "It is (layers × directions, batch, hidden_size), also with batch_first.",
                )
        return states

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        if self.num_layers != 1:
            parts.append(f"num_layers={self.num_layers}")
        if not self.bias:
            parts.append("bias=False")
        if self.batch_first:
            parts.append("batch_first=True")
        if self.dropout:
            parts.append(f"dropout={self.dropout}")
        if self.bidirectional:
            parts.append("bidirectional=True")
        return ", ".join(parts)


class RNN(_Recurrent):
    """A recurrent layer: ``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` at every step.

    Args: as :class:`LSTM`, and ``nonlinearity``, ``"tanh"`` or ``"relu"``, after ``num_layers``.

    Source: Elman, "Finding Structure in Time" (1990).

    Example:
        >>> import upriver as ur
        >>> output, last = ur.nn.RNN(3, 5)(ur.zeros(7, 2, 3))
        >>> output.shape, last.shape
        ((7, 2, 5), (1, 2, 5))
    """

    kind = "RNN"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_nonlinearity("RNN", nonlinearity)
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)
        self.nonlinearity = nonlinearity


class LSTM(_Recurrent):
    """A recurrent layer with a memory: gates say what enters it, what stays in it and what is shown of it.

    ``i, f, o = σ(...)``, ``g = tanh(...)``, ``c = f·c + i·g``, ``h = o·tanh(c)``.

    Args:
        input_size: length of an input.
        hidden_size: length of the state.
        num_layers: layers, each of which takes the outputs of the one before.
        bias: whether there are biases.
        batch_first: whether the batch comes first, (N, T, ...), instead of time, (T, N, ...).
        dropout: the probability with which outputs between layers are dropped while training.
        bidirectional: whether a second cell goes from the end to the start; outputs are side by side.
        device: the CPU.
        dtype: of the parameters; default float32.

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997); Gers, Schmidhuber and Cummins,
    "Learning to Forget" (2000), for the forget gate.

    Example:
        >>> import upriver as ur
        >>> output, (h, c) = ur.nn.LSTM(3, 5, bidirectional=True)(ur.zeros(7, 2, 3))
        >>> output.shape, h.shape, c.shape
        ((7, 2, 10), (2, 2, 5), (2, 2, 5))
    """

    kind = "LSTM"


class GRU(_Recurrent):
    """A recurrent layer with two gates: how much of the state is renewed, and how much of it the new one sees.

    ``r, z = σ(...)``, ``n = tanh(W_in x + b_in + r·(W_hn h + b_hn))``, ``h = (1 − z)·n + z·h``.

    Args: as :class:`LSTM`.

    Source: Cho and others, "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
    Machine Translation" (2014).

    Example:
        >>> import upriver as ur
        >>> output, last = ur.nn.GRU(3, 5, batch_first=True)(ur.zeros(2, 7, 3))
        >>> output.shape, last.shape
        ((2, 7, 5), (1, 2, 5))
    """

    kind = "GRU"
