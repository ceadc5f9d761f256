"""The Trainer: the loop of loop.py, with everything around it that a long training needs."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..compile import available, compile as compile_function
from ..core.tensor import to_array
from ..errors import ArgumentError, DataError, FileError
from .checkpoint import load_checkpoint, save_checkpoint
from .finite import REMEDY, TrainingError, check_weights
from .flow import GradientFlow
from .loop import Step, Update, evaluate, train_steps
from .metrics import Metric, Sums
from .progress import Progress, progress_for
from .run import Run
from .signals import Interrupted, Stop

WATCHED_STEPS = 4
"""Gradient flow is measured on this many steps at the end of each epoch."""
LOGGED_STEPS = 50
"""About how many steps of an epoch get a line of their own in metrics.jsonl."""
_STEP_SECONDS, _FLOPS = 5e-4, 2e10  # of an ordinary step: what each takes, and operations in a second
_WORTH_SECONDS = 1.5  # of training: making native code takes half a second the first time, and saves about as much


@dataclass
class Position:
    """How far training has come: everything a resumed run needs besides weights, optimiser and random state.

    Attributes:
        epoch: epochs that are over.
        step: optimiser steps taken in all.
        samples, totals: what the epoch under way has added up to.
        norms: the gradient norms of that epoch, added up, and their number.
        best: the best value of what is monitored, and the epoch that reached it.
        waited: epochs since then.
        elapsed: seconds of training, over all sessions.
        history: one record per epoch.
        done: why training was over before its last epoch, or None.
    """

    epoch: int = 0
    step: int = 0
    samples: int = 0
    totals: dict[str, float] = field(default_factory=dict[str, float])
    norms: tuple[float, int] = (0.0, 0)
    best: tuple[float, int] | None = None
    waited: int = 0
    elapsed: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    done: str | None = None


class Trainer:
    """Trains a model: progress, validation, early stopping, clipping, schedules, checkpoints, resuming.

    Args:
        model: a Module.
        loss: of (outputs, targets): the mean over a batch.
        optimizer: over the model's parameters.
        metrics: what to measure besides the loss; the first is the one that progress shows.
        schedule: a learning-rate schedule of the optimiser, or None.
        schedule_every: whether it advances each ``"epoch"`` or each ``"step"``. One that wants the monitored value
            (ReduceLROnPlateau) gets it, each epoch.
        clip: the largest norm of all gradients together, or None.
        accumulate: batches per optimiser step.
        patience: stop after so many epochs without a better monitored value; None never.
        compile: whether steps are compiled (:func:`upriver.compile`); None for where it will save time.
        monitor: which value decides what is best: ``val_loss`` (``train_loss`` where nothing is validated) or
            ``val_``/``train_`` and the name of a metric.
        restore_best: whether the weights of the best epoch are put back in the end.
        run: the folder to keep metrics and checkpoints in, or None to keep nothing.
        progress: ``auto``, ``live``, ``plain`` or ``quiet``, or an object of your own.
        save_every: the most seconds of training that a crash may cost.

    Attributes:
        position: how far training has come.
        flow: the gradient flow at the end of the last epoch.

    Raises:
        ArgumentError: an argument out of range.

    Example:
        >>> import upriver as ur
        >>> from upriver.train import Trainer
        >>> data = ur.utils.data.TensorDataset(ur.ones(8, 2), ur.ones(8, 1))
        >>> loader = ur.utils.data.DataLoader(data, batch_size=4, shuffle=True, seed=0)
        >>> model = ur.nn.Linear(2, 1)
        >>> sgd = ur.optim.SGD(model.parameters(), lr=0.1)
        >>> history = Trainer(model, ur.nn.MSELoss(), sgd, progress="quiet").fit(loader, epochs=5)
        >>> history[-1]["train_loss"] < history[0]["train_loss"]
        True
    """

    def __init__(
        self,
        model: Any,
        loss: Callable[[Any, Any], Any],
        optimizer: Any,
        *,
        metrics: Sequence[Metric] = (),
        schedule: Any = None,
        schedule_every: str = "epoch",
        clip: float | None = None,
        accumulate: int = 1,
        patience: int | None = None,
        compile: bool | None = None,
        monitor: str | None = None,
        restore_best: bool = True,
        run: Run | str | Path | None = None,
        progress: str | Progress = "auto",
        save_every: float = 10.0,
    ) -> None:
        if schedule_every not in ("epoch", "step"):
            raise ArgumentError(f"Trainer: schedule_every={schedule_every!r}", "Use 'epoch' or 'step'.")
        for name, value in (("clip", clip), ("accumulate", accumulate), ("patience", patience)):
            if value is not None and value <= 0:
                raise ArgumentError(f"Trainer: {name}={value}", "It must be greater than 0.")
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.metrics, self.schedule, self.schedule_every = tuple(metrics), schedule, schedule_every
        self.clip, self.accumulate, self.patience, self.compile = clip, accumulate, patience, compile
        self.monitor, self.restore_best, self.save_every = monitor, restore_best, save_every
        self.run = Run.create(type(model).__name__.lower(), {}, out=run) if isinstance(run, (str, Path)) else run
        self.progress = progress_for(progress) if isinstance(progress, str) else progress
        self.position = Position()
        self.flow = GradientFlow(model)
        self._best_weights: dict[str, Any] | None = None
        self._best_saved = True
        self._train: Any = None
        self._compiled: Any = None
        self._saved_at = 0.0

    def fit(
        self, train: Any, val: Iterable[Any] | None = None, *, epochs: int, resume: str | Path | None = None
    ) -> list[dict[str, Any]]:
        """Train until ``epochs`` epochs are over in all, or patience is.

        Args:
            train: a DataLoader of pairs (inputs, targets); any sized iterable will do, but only a DataLoader can
                be taken up in the middle of an epoch.
            val: batches to validate on after each epoch.
            epochs: how many in all, those before ``resume`` included.
            resume: a checkpoint to go on from.

        Returns:
            One record per epoch: its losses, metrics, learning rate, gradient norm and seconds.

        Raises:
            TrainingError: the loss, a gradient or a weight is not finite; what was saved before is still good.
            Interrupted: a signal came (Ctrl-C); the state was saved.
            FileError: a checkpoint could not be read, or something could not be written.
            DataError: there is nothing to train on.
        """
        if epochs < 1:
            raise ArgumentError(f"fit: epochs={epochs}", "Train for at least one.")
        if len(train) == 0:
            raise DataError("fit: there is nothing to train on", "The loader has no batches: is the data set empty?")
        self._train = train
        if resume is not None:
            self._restore(resume)
        here = self.position
        if self.run is not None:
            self.run.log(event="start" if resume is None else "resume", step=here.step, epochs=epochs, pid=os.getpid())
        began, before = time.perf_counter(), here.elapsed
        steps = -(-len(train) // self.accumulate)
        self._compiled = self._compile(steps * epochs, getattr(train, "batch_size", None) or 1)
        self._saved_at = time.monotonic()
        status, reason = "failed", None
        try:
            with Stop() as stop:
                self.progress.start(epochs, steps, self.metrics, val is not None, here.step)
                try:
                    while here.epoch < epochs and here.done is None:
                        self._epoch(train, val, epochs, stop, lambda: before + time.perf_counter() - began)
                except TrainingError as error:
                    epoch, step = here.epoch + 1, here.step + 1
                    raise TrainingError(
                        f"training stopped in epoch {epoch}, at step {step}: {error.message}", error.fix, at=False
                    ) from None
                finally:
                    self.progress.stop()
                self._save()
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        except Exception as error:
            reason = getattr(error, "message", str(error))
            raise
        finally:
            if self.run is not None:
                self._log_end(status, reason or here.done or f"{here.epoch} epochs")
        if self.restore_best and self._best_weights is not None:
            self.model.load_state_dict(self._best_weights)
        return here.history

    def _compile(self, steps: int, batch: int) -> Any:
        """The step, compiled, if that was asked for; or if it was left open and will save time."""
        if self.compile is None:
            # From sizes alone, not from a clock: rounding, and so the result, must not depend on how busy a machine is.
            entries = sum([p.numel() for p in self.model.parameters()])
            seconds = steps * self.accumulate * (_STEP_SECONDS + 6 * entries * batch / _FLOPS)
            if seconds < _WORTH_SECONDS or not available():
                return None
        elif not self.compile:
            return None
        return compile_function(Update(self.model, self.loss, self.optimizer, self.clip))

    # One epoch.

    def _epoch(
        self, train: Any, val: Iterable[Any] | None, epochs: int, stop: Stop, clock: Callable[[], float]
    ) -> None:
        here = self.position
        sums = Sums(here.samples, here.totals)
        total, count = here.norms
        steps = -(-len(train) // self.accumulate)
        began = time.perf_counter()
        taken = here.step - sum(record["steps"] for record in here.history)
        watched = here.step - taken + steps - WATCHED_STEPS
        self.flow.reset()
        self._watch(taken, steps)
        for step in train_steps(
            self.model, self.loss, self.optimizer, train,
            metrics=self.metrics, clip=self.clip, accumulate=self.accumulate, watch=self.flow,
            schedule=self.schedule if self.schedule_every == "step" else None,
            compiled=self._compiled, together=lambda: watched - here.step,
        ):  # fmt: skip
            sums.merge(step.sums)
            total, count, taken = total + step.gradient_norm, count + 1, taken + 1
            here.step += 1
            here.samples, here.totals, here.norms = sums.samples, sums.totals, (total, count)
            self._watch(taken, steps)
            here.elapsed = clock()
            self._after_step(step, sums)
            # Not after the last step: an accumulating step may have ended the loader's pass, or not. The epoch's end
            # is near, and there all agree.
            if taken < steps and step.latest:
                self._pause(stop)
        self._end_epoch(val, epochs, sums, taken, total / max(1, count), time.perf_counter() - began)
        self._pause(stop, now=here.epoch == 1)

    def _watch(self, taken: int, steps: int) -> None:
        """Let the gradient flow be watched in the last steps of the epoch, and closely in the very last."""
        self.flow.active = taken >= steps - WATCHED_STEPS
        self.flow.closely = taken == steps - 1

    def _after_step(self, step: Step, sums: Sums) -> None:
        here = self.position
        self.progress.step(here.epoch + 1, sums["loss"])
        if self.run is not None and here.step % max(1, len(self._train) // LOGGED_STEPS) == 0:
            self.run.log(
                event="step", step=here.step, epoch=here.epoch + 1, loss=step.sums["loss"], norm=step.gradient_norm
            )

    def _end_epoch(
        self, val: Iterable[Any] | None, epochs: int, sums: Sums, steps: int, norm: float, seconds: float
    ) -> None:
        here = self.position
        check_weights(self.model)
        rate = float(self.optimizer.param_groups[0]["lr"])
        record: dict[str, Any] = {"epoch": here.epoch + 1, "step": here.step, "steps": steps}
        record |= {f"train_{name}": value for name, value in sums.means(self.metrics).items()}
        if val is not None:
            found = evaluate(self.model, self.loss, val, self.metrics)
            record |= {f"val_{name}": value for name, value in found.items()}
            if not math.isfinite(found["loss"]):
                raise TrainingError(f"the validation loss is {found['loss']}", REMEDY, at=False)
        record |= {"lr": rate, "gradient_norm": norm, "seconds": seconds, "elapsed": here.elapsed}
        here.epoch += 1
        here.samples, here.totals, here.norms = 0, {}, (0.0, 0)
        here.history.append(record)
        self._judge(record)
        self._advance_schedule(record)
        last = here.epoch == epochs or here.done is not None
        if self.run is not None:
            self.run.log(event="epoch", **record)
            self.run.log(event="flow", step=here.step, epoch=here.epoch, **self.flow.record())
        self.progress.epoch(record, last=last)

    def _judge(self, record: dict[str, Any]) -> None:
        """Is this the best epoch so far; and has it been too long since the best?"""
        here = self.position
        name = self.monitor or ("val_loss" if "val_loss" in record else "train_loss")
        if name not in record:
            raise ArgumentError(f"Trainer: monitor={name!r} is not measured", f"Use one of {', '.join(record)}.")
        metric = next((m for m in self.metrics if name.partition("_")[2] == m.name), None)
        value = float(record[name])
        better = here.best is None or (
            value > here.best[0] if metric is not None and metric.higher_is_better else value < here.best[0]
        )
        if better:
            here.best, here.waited, self._best_saved = (value, here.epoch), 0, False
            self._best_weights = {key: t.array.copy() for key, t in self.model.state_dict().items()}
            return
        here.waited += 1
        if self.patience is not None and here.waited >= self.patience:
            here.done = f"no better {name} for {self.patience} epochs"

    def _advance_schedule(self, record: dict[str, Any]) -> None:
        if self.schedule is None or self.schedule_every == "step":
            return
        if type(self.schedule).__name__ == "ReduceLROnPlateau":
            name = self.monitor or ("val_loss" if "val_loss" in record else "train_loss")
            self.schedule.step(record[name])
        else:
            self.schedule.step()

    # Keeping and coming back.

    def state_dict(self) -> dict[str, Any]:
        """Everything that training goes on from: tensors, numbers and text, nested."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "loader": self._train.state_dict() if hasattr(self._train, "state_dict") else None,
            "random": random_state(),
            "position": dict(vars(self.position)),
            "best": self._best_weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        if state["loader"] is not None and hasattr(self._train, "load_state_dict"):
            self._train.load_state_dict(state["loader"])
        set_random_state(state["random"])
        self.position = Position(**state["position"])
        self._best_weights = state["best"]

    def _restore(self, path: str | Path) -> None:
        state = load_checkpoint(path)
        try:
            self.load_state_dict(state)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = str(error).splitlines()[0] if not isinstance(error, KeyError) else f"it has no {error}"
            raise FileError(
                f"checkpoint {path} is not of this training: {reason}",
                "Build the same model, optimiser, schedule and loader that it was saved from.",
                at=False,
            ) from error

    def _save(self) -> None:
        """Write ``last``, and ``best`` if it is new: the state in memory is whole, whenever this is called."""
        if self.run is None:
            return
        check_weights(self.model)
        if not self._best_saved:
            best = {"model": self._best_weights, "best": self.position.best}
            save_checkpoint(self.run.checkpoint("best"), best)
            self._best_saved = True
        save_checkpoint(self.run.checkpoint("last"), self.state_dict())
        self._saved_at = time.monotonic()

    def _pause(self, stop: Stop, now: bool = False) -> None:
        """A moment when nothing is half done: save if it is time to, and leave if a signal came."""
        if now or stop.caught is not None or time.monotonic() - self._saved_at > self.save_every:
            self._save()
        if stop.caught is not None:
            raise Interrupted(stop.caught, str(self.run.folder) if self.run is not None else None)

    def _log_end(self, status: str, reason: str | None) -> None:
        here = self.position
        assert self.run is not None
        try:
            self.run.log(event="end", status=status, step=here.step, elapsed=here.elapsed, reason=reason)
        except FileError:
            if status == "finished":
                raise  # else another error is on its way, and this one would only hide it
        finally:
            self.run.close()


def load_weights(model: Any, path: str | Path) -> None:
    """Put the weights of a checkpoint into ``model``.

    Args:
        model: the module, built as it was when the checkpoint was saved.
        path: the checkpoint.

    Raises:
        FileError: it is not a checkpoint, or not of such a model.

    Example:
        >>> import upriver as ur
        >>> import pathlib, tempfile
        >>> from upriver.train import load_weights, save_checkpoint
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "best.safetensors"
        >>> model, other = ur.nn.Linear(2, 1), ur.nn.Linear(2, 1)
        >>> save_checkpoint(path, {"model": model.state_dict()})
        >>> load_weights(other, path)
        >>> bool((other.weight == model.weight).all())
        True
    """
    state = load_checkpoint(path)
    try:
        model.load_state_dict(state["model"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise FileError(
            f"checkpoint {path} does not fit the model: {error}", "Build the model as it was when saved.", at=False
        ) from error


def random_state() -> Any:
    """The state of the global generator, fit for a checkpoint."""
    from ..ops import random

    return random.get_rng_state()


def set_random_state(state: Any) -> None:
    """Put the global generator back."""
    from ..ops import random

    random.set_rng_state(to_array(state))
