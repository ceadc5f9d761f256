"""The same training three times: eager, replayed, native; and what must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import upriver as ur
from upriver.core.tensor import Tensor, wrap

Step = Callable[..., Any]
TOLERANCE = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-9}


class Twin:
    """A model, its optimiser, and one step of training.

    Args:
        model: what has the parameters.
        loss: of the model and a batch.
        optimizer: made of the parameters.
    """

    def __init__(self, model: Any, loss: Step, optimizer: Callable[[Any], Any]) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer(model.parameters())

    def step(self, *batch: Tensor) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.loss(self.model, *batch)
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self) -> dict[str, np.ndarray]:
        """Each parameter, buffer and slot."""
        found = {name: np.array(x.array) for name, x in self.model.state_dict().items()}
        for i, p in enumerate(self.model.parameters()):
            for name, x in self.optimizer.state.get(p, {}).items():
                found[f"{i}.{name}"] = np.array(getattr(x, "array", x))
        return found


def same(got: Any, want: Any, name: str = "", *, exact: bool = False, tolerance: float = 0.0) -> None:
    """Both are alike: to the bit, or within what rounding makes over many steps."""
    got, want = (np.asarray(getattr(x, "array", x)) for x in (got, want))
    assert (got.shape, got.dtype) == (want.shape, want.dtype), name
    if exact or want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, err_msg=name)
        return
    tolerance = tolerance or TOLERANCE[want.dtype.name]
    scale = float(np.abs(want[np.isfinite(want)]).max(initial=0.0))
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * max(scale, 1e-3), err_msg=name)


def alike(
    make: Callable[[], Twin], batches: Sequence[Sequence[Tensor]], *, steps: int, each: Callable[[Any, int], Any] = id
) -> tuple[Any, Any]:
    """Train three twins for ``steps`` steps, native code and replay beside eager.

    Args:
        make: makes a twin; called after seeding.
        batches: used in turn.
        steps: how many.
        each: called with the optimiser and the step before each step, as a schedule is.

    Returns:
        The two compiled functions: native, replayed.
    """
    losses: list[list[np.ndarray]] = []
    twins: list[Twin] = []
    compiled: list[Any] = []
    for how in ("eager", "replay", "native"):
        ur.manual_seed(0)
        twin = make()
        step: Any = twin.step if how == "eager" else ur.compile(twin.step, native=how == "native")
        ur.manual_seed(1)
        made = []
        for i in range(steps):
            if each is not id:
                each(twin.optimizer, i)
            made.append(step(*batches[i % len(batches)]).array.copy())
        losses.append(made)
        twins.append(twin)
        compiled.append(step)
    eager, replay, native = twins
    same(np.stack(losses[1]), np.stack(losses[0]), "losses replayed", exact=True)
    same(np.stack(losses[2]), np.stack(losses[0]), "losses")
    for name, want in eager.state().items():
        same(replay.state()[name], want, f"{name} replayed", exact=True)
        same(native.state()[name], want, name)
    return compiled[2], compiled[1]


def random(seed: int, *shapes: Iterable[int], dtype: Any = np.float32) -> list[Tensor]:
    """Normal numbers of each shape."""
    rng = np.random.default_rng(seed)
    return [wrap(rng.standard_normal(tuple(s)).astype(dtype), None) for s in shapes]
