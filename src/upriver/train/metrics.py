"""What is measured besides the loss, and how it adds up over batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.state import Array, no_grad
from ..i18n import say


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are.

    Example:
        >>> from upriver.train import ACCURACY
        >>> ACCURACY.name, ACCURACY.show(0.98)
        ('accuracy', '98.00 %')

    Attributes:
        name: its key in metrics.jsonl, as in ``accuracy``.
        title: its name for people.
        of_batch: (outputs, targets, loss) → its mean over the samples of the batch.
        of_mean: what is done to the mean over all samples in the end.
        higher_is_better: the direction.
        percent: whether people read it as a percentage.
    """

    name: str
    title: str
    of_batch: Callable[[Array, Array, float], float]
    of_mean: Callable[[float], float]
    higher_is_better: bool
    percent: bool = False

    def show(self, value: float | None) -> str:
        """The value as people read it."""
        if value is None or not math.isfinite(value):
            return "–"
        return f"{100 * value:.2f} %" if self.percent else f"{value:.4f}"


def predicted_classes(outputs: Array) -> Array:
    """The class of each sample: the largest of (N, classes, …), or the sign of one logit per sample.

    Example:
        >>> import numpy as np
        >>> predicted_classes(np.array([[0.1, 0.9], [2.0, 1.0]])).tolist()
        [1, 0]
    """
    if outputs.ndim == 1 or outputs.shape[1] == 1:
        return (outputs.reshape(len(outputs)) > 0).astype(np.int64)
    return outputs.argmax(axis=1)


def _accuracy(outputs: Array, targets: Array, _loss: float) -> float:
    wanted = targets.reshape(len(targets)) if outputs.ndim == 1 or outputs.shape[1] == 1 else targets
    return float(np.mean(predicted_classes(outputs) == wanted))


ACCURACY = Metric("accuracy", "accuracy", _accuracy, float, higher_is_better=True, percent=True)
RMSE = Metric(
    "rmse", "root mean square error", lambda out, y, _: float(np.mean((out.reshape(y.shape) - y) ** 2)), math.sqrt,
    higher_is_better=False,
)  # fmt: skip
MAE = Metric(
    "mae", "mean absolute error", lambda out, y, _: float(np.mean(np.abs(out.reshape(y.shape) - y))), float,
    higher_is_better=False,
)  # fmt: skip
BITS = Metric("bits", "bits per character", lambda _out, _y, loss: loss / math.log(2.0), float, higher_is_better=False)


def say_name(name: str) -> str:
    """The name of a measure in the reader's language: of the ones that are known here."""
    known = (say("accuracy"), say("bits"), say("rmse"), say("mae"), say("loss"))
    return next((said for said in known if said.text == name), name)


def say_title(metric: Metric) -> str:
    """The title of a metric in the reader's language: of the ones that are known here."""
    known = (say("accuracy"), say("root mean square error"), say("mean absolute error"), say("bits per character"))
    return next((said for said in known if said.text == metric.title), metric.title)


class Sums:
    """The loss and the metrics, added up over samples; means come out in the end.

    Example:
        >>> import numpy as np
        >>> sums = Sums()
        >>> sums.add(np.array([[0.0, 1.0]]), np.array([1]), 0.3, [ACCURACY])
        >>> sums.means([ACCURACY])
        {'loss': 0.3, 'accuracy': 1.0}
    """

    def __init__(self, samples: int = 0, totals: dict[str, float] | None = None) -> None:
        self.samples = samples
        self.totals: dict[str, float] = dict(totals or {})

    def add(self, outputs: Any, targets: Any, loss: Any, metrics: Iterable[Metric]) -> None:
        """Add one batch."""
        n, value = len(targets), float(loss)
        out, wanted = getattr(outputs, "array", outputs), getattr(targets, "array", targets)
        self.samples += n
        self._add("loss", value * n)
        for metric in metrics:
            self._add(metric.name, metric.of_batch(out, wanted, value) * n)

    def merge(self, other: Sums) -> None:
        """Add what another has added up."""
        self.samples += other.samples
        for name, total in other.totals.items():
            self._add(name, total)

    def means(self, metrics: Iterable[Metric]) -> dict[str, float]:
        """The loss and the metrics over all samples."""
        n = max(1, self.samples)
        finish = {metric.name: metric.of_mean for metric in metrics}
        return {name: finish.get(name, float)(total / n) for name, total in self.totals.items()}

    def __getitem__(self, name: str) -> float:
        return self.totals[name] / max(1, self.samples)

    def _add(self, name: str, amount: float) -> None:
        self.totals[name] = self.totals.get(name, 0.0) + amount


def predict(model: Any, batches: Iterable[Any]) -> tuple[Array, Array]:
    """The outputs of ``model`` for all batches and the targets, each as one array.

    Args:
        model: called with the inputs of a batch.
        batches: pairs (inputs, targets).

    Returns:
        (N, ...) outputs and (N, ...) targets.

    Example:
        >>> import upriver as ur
        >>> from upriver.train import predict
        >>> outputs, targets = predict(lambda x: 2 * x, [(ur.ones(2), ur.zeros(2)), (ur.ones(1), ur.zeros(1))])
        >>> outputs.tolist(), targets.tolist()
        ([2.0, 2.0, 2.0], [0.0, 0.0, 0.0])
    """
    from .loop import evaluating

    outputs: list[Array] = []
    targets: list[Array] = []
    with no_grad(), evaluating(model):
        for x, y in batches:
            outputs.append(model(x).array)
            targets.append(y.array)
    return np.concatenate(outputs), np.concatenate(targets)


def confusion_matrix(predicted: Array, actual: Array, classes: int) -> Array:
    """How often each class (row) was taken for each class (column).

    Args:
        predicted: (N,) integers.
        actual: (N,) integers.
        classes: how many there are.

    Returns:
        (classes, classes) int64.

    Example:
        >>> import numpy as np
        >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1, 1], [0, 1]]
    """
    found = np.zeros((classes, classes), np.int64)
    np.add.at(found, (np.asarray(actual, np.int64), np.asarray(predicted, np.int64)), 1)
    return found


def most_confused(matrix: Array, k: int = 5) -> Sequence[tuple[int, int, int]]:
    """The mistakes made most often: (actual, predicted, times), most frequent first."""
    off = matrix.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:k]
    pairs = [(int(i), int(j), int(off[i, j])) for i, j in zip(*np.unravel_index(order, off.shape), strict=True)]
    return [pair for pair in pairs if pair[2] > 0]
