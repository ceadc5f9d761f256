"""The network of the next-word lab as it learns: one step at a time, the same course for the same seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import upriver as ur
from upriver.data import CharVocab, blocks, split_text
from upriver.nn.utils import clip_grad_norm_
from upriver.optim import AdamW
from upriver.recipes.char_transformer import CharTransformer, Size

from ....compile import compile as compiled
from ....core.state import Array
from ....errors import DataError

BATCH = 16
WARM = 50
"""In so many steps the learning rate rises to its value."""
HELD_OUT = 0.1
_WINDOWS = 16
"""On so many stretches of the held-out text the loss is measured."""


@dataclass(frozen=True)
class Options:
    """What the learner is made of; see :func:`upriver.web.sessions.words.options` for the bounds."""

    context: int
    layers: int
    heads: int
    width: int
    lr: float
    seed: int


class Learner:
    """A text, its alphabet, a network and its optimiser.

    Args:
        text: what is read.
        options: the sizes.

    Raises:
        DataError: the held-out end of the text is too short to measure on.
    """

    def __init__(self, text: str, options: Options) -> None:
        self.options = options
        self.vocab = CharVocab(text, special=None)
        self.train_text, self.held_out = split_text(text, HELD_OUT)
        if len(self.held_out) < options.context + 2:
            raise DataError(
                f"a tenth of the text, {len(self.held_out)} characters, is held out, and a context has "
                f"{options.context}",
                "Give a longer text, or choose a shorter context.",
                at=False,
            )
        self._x, self._y = blocks(self.train_text, options.context, self.vocab)
        seen, following = blocks(self.held_out, options.context, self.vocab)
        rows = np.unique(np.linspace(0, len(seen) - 1, _WINDOWS).astype(int))
        self._seen, self._following = ur.tensor(seen[rows]), ur.tensor(following[rows])
        ur.manual_seed(options.seed)
        size = Size(len(self.vocab), options.context, options.layers, options.heads, options.width)
        self.model = CharTransformer(size)
        self.optimizer = AdamW(self.model.parameters(), lr=options.lr, betas=(0.9, 0.95), weight_decay=0.01)
        self.lr = options.lr
        self._draw = np.random.default_rng(options.seed)
        self.steps = 0
        self._step = compiled(self._train)

    def _train(self, x: Any, y: Any) -> Any:
        self.optimizer.zero_grad()
        loss = self.model.loss(x, y)
        loss.backward()
        clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss

    def step(self) -> float:
        """One step on stretches drawn from the text; the loss before it."""
        self.optimizer.param_groups[0]["lr"] = self.lr * min(1.0, (self.steps + 1) / WARM)
        rows = self._draw.integers(0, len(self._x), BATCH)
        loss = self._step(self._x[rows], self._y[rows]).item()
        self.steps += 1
        return float(loss)

    def held_out_loss(self) -> float:
        """The loss on text that it has not read."""
        with ur.no_grad():
            return float(self.model.loss(self._seen, self._following).item())

    def encode(self, text: str) -> Array:
        """The numbers of the symbols; those that the text does not have are left out."""
        return self.vocab.encode("".join([c for c in text if c in self.vocab.stoi]))

    def unknown(self, text: str) -> str:
        """The symbols that the text does not have, each once."""
        return "".join(dict.fromkeys([c for c in text if c not in self.vocab.stoi]))

    def probabilities(self, contexts: Sequence[Array]) -> Array:
        """What comes next, after each of the contexts: (len(contexts), symbols), float64, rows that sum to 1.

        Contexts longer than the network's are cut to their end; one of no symbols is not possible.
        """
        longest = self.options.context
        cut = [context[-longest:] for context in contexts]
        padded = np.zeros((len(cut), max(len(context) for context in cut)), np.int64)
        for row, context in zip(padded, cut, strict=True):
            row[: len(context)] = context  # what stands behind is not seen: every place sees only what is before it
        with ur.no_grad():
            scores = self.model(ur.tensor(padded))
            last = scores[np.arange(len(cut)), np.array([len(context) - 1 for context in cut])]
            shares = last.softmax(1).numpy().astype(np.float64)
        return np.asarray(shares / shares.sum(1, keepdims=True))

    def continued(self, text: str, count: int, temperature: float, draw: np.random.Generator) -> str:
        """``count`` symbols more, each drawn from what the network predicts; at temperature 0 the likeliest."""
        numbers = list(self.encode(text)[-self.options.context :])
        for _ in range(count):
            p = self.probabilities([np.array(numbers)])[0]
            if temperature:
                p = np.exp(np.log(np.maximum(p, 1e-30)) / temperature)
                numbers.append(int(draw.choice(len(p), p=p / p.sum())))
            else:
                numbers.append(int(p.argmax()))
        return self.vocab.decode(numbers[len(numbers) - count :]) if count else ""

    def state(self) -> dict[str, Any]:
        """All that :meth:`restore` needs."""
        return {
            "model": {name: p.detach().clone() for name, p in self.model.state_dict().items()},
            "optimizer": self.optimizer.state_dict(),
            "draw": self._draw.bit_generator.state,
            "steps": self.steps,
            "lr": self.lr,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where another learner of the same options was: the same bits."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._draw.bit_generator.state = state["draw"]
        self.steps, self.lr = state["steps"], state["lr"]
