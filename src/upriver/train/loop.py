"""The training loop, to be read in a minute: clear, predict, compare, trace back, clip, step. Then again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..core.state import no_grad
from .finite import check_gradients, check_loss, gradient_norm
from .metrics import Metric, Sums

Batch = Any  # a pair (inputs, targets) of tensors whose first dimension counts samples


@dataclass(frozen=True)
class Step:
    """What one optimiser step was like.

    Attributes:
        batches: how many batches went into it.
        samples: how many samples.
        sums: the loss and the metrics, summed over the samples.
        gradient_norm: the Euclidean norm of all gradients together, before clipping.
    """

    batches: int
    samples: int
    sums: Sums
    gradient_norm: float


class Watch:
    """Looks on at the two moments of a step when something can be seen; does nothing by itself.

    Example:
        >>> import upriver as ur
        >>> from upriver.train import Watch, train_steps
        >>> class Norms(Watch):
        ...     def gradients(self):
        ...         print(model.weight.grad.item())
        >>> model = ur.nn.Linear(1, 1)
        >>> _ = ur.nn.init.ones_(model.weight), ur.nn.init.zeros_(model.bias)
        >>> sgd = ur.optim.SGD(model.parameters(), lr=0.1)
        >>> batches = [(ur.ones(1, 1), ur.zeros(1, 1))]
        >>> steps = list(train_steps(model, ur.nn.MSELoss(), sgd, batches, watch=Norms()))
        2.0
    """

    def gradients(self) -> None:
        """Gradients are there, unclipped, and weights are still what they were computed at."""

    def updated(self) -> None:
        """The weights have just been changed."""


def train_steps(
    model: Any,
    loss: Callable[[Any, Any], Any],
    optimizer: Any,
    batches: Iterable[Batch],
    *,
    metrics: Sequence[Metric] = (),
    clip: float | None = None,
    accumulate: int = 1,
    watch: Watch | None = None,
) -> Iterator[Step]:
    """Train on ``batches``, one optimiser step at each turn of the iterator.

    Args:
        model: called with the inputs of a batch; a Module.
        loss: of (outputs, targets), the mean over the batch.
        optimizer: with ``zero_grad()`` and ``step()``.
        batches: pairs (inputs, targets).
        metrics: what else to measure.
        clip: the largest norm that all gradients together may have; None for any.
        accumulate: how many batches add up to one step. The gradient is that of one batch of all their samples.
        watch: looks on.

    Raises:
        TrainingError: the loss or a gradient is not finite. The weights are still those of the step before.

    Example:
        >>> import upriver as ur
        >>> from upriver.train import train_steps
        >>> model = ur.nn.Linear(1, 1)
        >>> sgd = ur.optim.SGD(model.parameters(), lr=0.1)
        >>> batches = [(ur.tensor([[1.0]]), ur.tensor([[3.0]]))] * 50
        >>> losses = [step.sums["loss"] for step in train_steps(model, ur.nn.MSELoss(), sgd, batches)]
        >>> losses[-1] < losses[0]
        True
    """
    model.train()
    for group in _groups(batches, accumulate):
        samples = sum(len(targets) for _, targets in group)
        sums = Sums()
        optimizer.zero_grad()
        for inputs, targets in group:
            outputs = model(inputs)
            value = loss(outputs, targets)
            share = len(targets) / samples
            (value if share == 1.0 else value * share).backward()
            check_loss(value, model, inputs, targets)
            sums.add(outputs, targets, value, metrics)
        norm = gradient_norm(model)
        check_gradients(norm, model)
        if watch is not None:
            watch.gradients()
        if clip is not None:
            clip_gradients(model, norm, clip)
        optimizer.step()
        if watch is not None:
            watch.updated()
        yield Step(len(group), samples, sums, norm)


def evaluate(
    model: Any, loss: Callable[[Any, Any], Any], batches: Iterable[Batch], metrics: Sequence[Metric] = ()
) -> dict[str, float]:
    """The loss and the metrics over ``batches``, in evaluation mode, without recording.

    Args:
        model: called with the inputs of a batch; a Module or a function.
        loss: of (outputs, targets), the mean over a batch.
        batches: pairs (inputs, targets).
        metrics: what else to measure.

    Returns:
        ``loss`` and each metric by name, means over all samples.

    Example:
        >>> import upriver as ur
        >>> from upriver.train import evaluate
        >>> evaluate(lambda x: x, ur.nn.MSELoss(), [(ur.tensor([1.0]), ur.tensor([3.0]))])
        {'loss': 4.0}
    """
    with no_grad(), evaluating(model):
        sums = Sums()
        for inputs, targets in batches:
            outputs = model(inputs)
            sums.add(outputs, targets, loss(outputs, targets), metrics)
    return sums.means(metrics)


class evaluating:  # noqa: N801 (a context manager)
    """Evaluation mode for as long as it lasts, for models that have modes."""

    def __init__(self, model: Any) -> None:
        self.model, self.was = model, getattr(model, "training", False)

    def __enter__(self) -> None:
        if self.was:
            self.model.eval()

    def __exit__(self, *_: object) -> None:
        if self.was:
            self.model.train()


def clip_gradients(model: Any, norm: float, largest: float) -> None:
    """Scale all gradients by one factor so that their norm is at most ``largest``.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1;
    the factor is PyTorch's ``largest / (norm + 1e-6)``, at most 1.
    """
    factor = largest / (norm + 1e-6)
    if factor < 1.0:
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad.array *= parameter.grad.array.dtype.type(factor)


def _groups(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    source = iter(batches)
    while group := list(islice(source, size)):
        yield group
