"""The training loop, to be read in a minute: clear, predict, compare, trace back, clip, step. Then again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Any

from ..core.state import no_grad
from ..nn.utils import clip_grads_with_norm_, get_total_norm
from .finite import check_gradients, check_loss
from .many import Many
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
        latest: whether no later step has been taken already, together with this one: the model, the optimiser and
            the batches are where this step left them.
    """

    batches: int
    samples: int
    sums: Sums
    gradient_norm: float
    latest: bool = True


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

    active = True
    """Whether it wants to see the next step."""

    def gradients(self) -> None:
        """Gradients are there, unclipped, and weights are still what they were computed at."""

    def updated(self) -> None:
        """The weights have just been changed."""


class Update:
    """One step of an optimiser along the gradient of some batches: what the whole of training repeats.

    It is made of operations from end to end, so that it can be compiled.

    Args:
        model: called with the inputs of a batch; a Module.
        loss: of (outputs, targets), the mean over the batch.
        optimizer: with ``zero_grad()`` and ``step()``.
        clip: the largest norm that all gradients together may have; None for any.
    """

    def __init__(self, model: Any, loss: Callable[[Any, Any], Any], optimizer: Any, clip: float | None = None) -> None:
        self.model, self.loss, self.optimizer, self.clip = model, loss, optimizer, clip

    def __call__(self, batches: Sequence[Batch], watch: Watch | None = None) -> tuple[list[tuple[Any, Any]], Any]:
        """Take the step.

        Returns:
            For each batch its outputs and its loss; and the norm of all gradients together, before clipping.

        Raises:
            TrainingError: the loss or a gradient is not finite. The weights are still what they were.
        """
        samples = sum(len(targets) for _, targets in batches)
        found: list[tuple[Any, Any]] = []
        self.optimizer.zero_grad()
        for inputs, targets in batches:
            outputs = self.model(inputs)
            value = self.loss(outputs, targets)
            share = len(targets) / samples
            (value if share == 1.0 else value * share).backward()
            check_loss(value, self.model, inputs, targets)
            found.append((outputs, value))
        parameters = list(self.model.parameters())
        norm = get_total_norm([p.grad for p in parameters if p.grad is not None])
        check_gradients(norm, self.model)
        if watch is not None:
            watch.gradients()
        if self.clip is not None:
            clip_grads_with_norm_(parameters, self.clip, norm)
        self.optimizer.step()
        if watch is not None:
            watch.updated()
        return found, norm


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
    schedule: Any = None,
    compiled: Any = None,
    together: Callable[[], int] | None = None,
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
        schedule: a learning-rate schedule to advance after each step, or None.
        compiled: ``ur.compile(Update(model, loss, optimizer, clip))``, to take those steps by at which nobody looks on.
        together: how many of the coming steps nobody wants to look on at, so that ``compiled`` may take many of them
            in one call if they are short; None to take one after the other. The result is the same.

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
    update = Update(model, loss, optimizer, clip)
    many = None if compiled is None or together is None else Many(compiled, schedule)
    groups = _groups(batches, accumulate)
    for group in groups:
        if many is not None and together is not None and (count := many.count(together())) > 1:
            chunk = [group, *islice(groups, count - 1)]
            for i, (group, (found, norm)) in enumerate(zip(chunk, many.taken(chunk), strict=True), 1):
                yield _step(group, found, norm, metrics, i == len(chunk))
            continue
        looking = watch is not None and watch.active
        began = perf_counter()
        found, norm = update(group, watch) if looking else (compiled or update)(group)
        if many is not None and not looking:
            many.took(perf_counter() - began)
        if schedule is not None:
            schedule.step()
        yield _step(group, found, norm, metrics)


def _step(group: Sequence[Batch], found: Any, norm: Any, metrics: Sequence[Metric], latest: bool = True) -> Step:
    sums = Sums()
    for (outputs, value), (_, targets) in zip(found, group, strict=True):
        sums.add(outputs, targets, value, metrics)
    return Step(len(group), sum(len(targets) for _, targets in group), sums, float(norm), latest)


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


def _groups(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    source = iter(batches)
    while group := list(islice(source, size)):
        yield group
