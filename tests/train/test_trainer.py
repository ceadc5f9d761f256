from __future__ import annotations

import math
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.data import DataLoader, TensorDataset
from upriver.errors import ArgumentError, DataError, FileError, UpriverError
from upriver.train import (
    ACCURACY,
    GradientFlow,
    Interrupted,
    Run,
    Trainer,
    TrainingError,
    evaluate,
    largest_gradients,
    load_checkpoint,
    load_weights,
    train_steps,
)
from upriver.train.progress import Progress


def data(n: int = 60, seed: int = 0) -> TensorDataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    return TensorDataset(x, (x[:, 0] * x[:, 1] > 0).astype(np.int64))


def network(dropout: float = 0.2) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 2))


def trainer(run: Run | None = None, progress: Any = "quiet", **options: Any) -> tuple[Trainer, DataLoader, DataLoader]:
    ur.manual_seed(5)
    model = network()
    optimizer = ur.optim.AdamW(model.parameters(), lr=0.01)
    schedule = ur.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=400)
    made = Trainer(
        model, nn.CrossEntropyLoss(), optimizer, metrics=[ACCURACY], schedule=schedule, schedule_every="step", clip=1.0,
        run=run, progress=progress, **options,
    )  # fmt: skip
    return made, DataLoader(data(), 8, shuffle=True, seed=1), DataLoader(data(30, 1), 30)


class StopAt(Progress):
    """Sends this process a signal after some steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, epoch: int, loss: float) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def same(a: Any, b: Any) -> bool:
    """Whether two states are equal to the last bit, apart from the clock."""
    if isinstance(a, dict):
        ours = {key for key in a if key not in ("elapsed", "seconds")}
        return ours == {key for key in b if key not in ("elapsed", "seconds")} and all(same(a[k], b[k]) for k in ours)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and a == b


# 60 samples in batches of 8 are 8 steps: 11 is in the middle of the second epoch, 16 its end, 17 the next one's start.
@pytest.mark.parametrize("steps", [1, 7, 8, 9, 11, 16, 17, 23])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_resumed_is_as_if_never_stopped(tmp_path: Path, steps: int, accumulate: int) -> None:
    if accumulate == 3 and steps > 8:
        steps = steps // 3
    whole, train, val = trainer(Run.create("whole", {}, root=tmp_path), accumulate=accumulate)
    whole.fit(train, val, epochs=4)

    run = Run.create("cut", {}, root=tmp_path)
    first, train, val = trainer(run, StopAt(steps), accumulate=accumulate)
    with pytest.raises(Interrupted) as caught:
        first.fit(train, val, epochs=4)
    assert caught.value.run == str(run.folder)
    assert "upriver resume" in str(caught.value)
    assert run.status == "interrupted"

    ur.manual_seed(999)  # whatever happened since must not matter
    second, train, val = trainer(run, accumulate=accumulate)
    _ = ur.rand(7)
    history = second.fit(train, val, epochs=4, resume=run.checkpoint("last"))
    assert same(history, whole.position.history)
    assert whole.run is not None
    for name in ("last", "best"):
        assert same(load_checkpoint(run.checkpoint(name)), load_checkpoint(whole.run.checkpoint(name))), name
    assert [r["epoch"] for r in run.events("epoch")] == [1, 2, 3, 4]
    assert same(run.events("epoch"), [{"event": "epoch", **r} for r in history])


def test_interrupted_twice(tmp_path: Path) -> None:
    whole, train, val = trainer()
    expected = whole.fit(train, val, epochs=3)
    run = Run.create("cut", {}, root=tmp_path)
    resume = None
    for steps in (3, 7):
        part, train, val = trainer(run, StopAt(steps))
        with pytest.raises(Interrupted):
            part.fit(train, val, epochs=3, resume=resume)
        resume = run.checkpoint("last")
    last, train, val = trainer(run)
    assert same(last.fit(train, val, epochs=3, resume=resume), expected)


def test_the_handler_of_signals_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    made, train, val = trainer()
    made.fit(train, val, epochs=1)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_checkpoint_of_another_model(tmp_path: Path) -> None:
    run = Run.create("x", {}, root=tmp_path)
    made, train, val = trainer(run)
    made.fit(train, val, epochs=1)
    model = nn.Linear(3, 2)
    other = Trainer(model, nn.CrossEntropyLoss(), ur.optim.SGD(model.parameters(), 0.1), progress="quiet")
    with pytest.raises(FileError, match="not of this training") as caught:
        other.fit(train, val, epochs=2, resume=run.checkpoint("last"))
    assert "last.safetensors" in str(caught.value)
    with pytest.raises(FileError, match="does not fit the model"):
        load_weights(model, run.checkpoint("best"))


def test_best_weights_are_put_back_and_kept(tmp_path: Path) -> None:
    run = Run.create("x", {}, root=tmp_path)
    made, train, val = trainer(run)
    history = made.fit(train, val, epochs=12)
    best = min(record["val_loss"] for record in history)
    assert evaluate(made.model, made.loss, val)["loss"] == pytest.approx(best, rel=1e-6)
    fresh = network()
    load_weights(fresh, run.checkpoint("best"))
    assert evaluate(fresh.eval(), made.loss, val)["loss"] == pytest.approx(best, rel=1e-6)


def test_early_stopping() -> None:
    made, train, val = trainer(patience=2)
    for group in made.optimizer.param_groups:
        group["lr"] = 0.0
    made.schedule = None
    made.optimizer.param_groups[0]["lr"] = 1.0
    history = made.fit(train, val, epochs=50)
    assert len(history) < 50
    assert made.position.done == "no better val_loss for 2 epochs"
    best = min(range(len(history)), key=lambda i: history[i]["val_loss"])
    assert len(history) == best + 3
    assert made.fit(train, val, epochs=50) is history  # what was decided stays decided
    assert len(history) == best + 3


def test_monitoring_a_metric_takes_the_highest() -> None:
    made, train, val = trainer(monitor="val_accuracy")
    history = made.fit(train, val, epochs=6)
    assert made.position.best is not None
    assert made.position.best[0] == max(record["val_accuracy"] for record in history)
    wrong, train, val = trainer(monitor="val_acuracy")
    with pytest.raises(ArgumentError, match="val_acuracy"):
        wrong.fit(train, val, epochs=1)


def test_accumulated_batches_are_one_large_batch() -> None:
    weights = []
    for size, accumulate in ((15, 1), (4, 4)):
        ur.manual_seed(0)
        model = nn.Linear(4, 2)
        optimizer = ur.optim.SGD(model.parameters(), lr=0.5)
        batches = DataLoader(data(15), size)  # 4 + 4 + 4 + 3
        assert len(list(train_steps(model, nn.CrossEntropyLoss(), optimizer, batches, accumulate=accumulate))) == 1
        weights.append(model.weight.detach().numpy())
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-5, atol=1e-7)


def test_clipping() -> None:
    ur.manual_seed(0)
    model = nn.Linear(4, 2)
    before = model.weight.detach().clone().numpy()
    optimizer = ur.optim.SGD(model.parameters(), lr=1.0)
    (step,) = train_steps(model, nn.CrossEntropyLoss(), optimizer, DataLoader(data(8), 8), clip=1e-3)
    assert step.gradient_norm > 1e-2
    moved = np.sqrt(np.sum((model.weight.detach().numpy() - before) ** 2) + np.sum(model.bias.grad.numpy() ** 2))
    assert moved == pytest.approx(1e-3, rel=0.02)


def test_a_loss_that_is_not_finite_stops_at_its_step_and_names_the_layer(tmp_path: Path) -> None:
    made, train, val = trainer(Run.create("x", {}, root=tmp_path))
    made.fit(train, val, epochs=1)
    assert made.run is not None
    good = made.run.checkpoint("last").read_bytes()
    with ur.no_grad():
        made.model[0].weight.fill_(math.inf)
    weights = made.model[4].weight.detach().clone().numpy()
    with pytest.raises(TrainingError) as caught:
        made.fit(train, val, epochs=3)
    text = str(caught.value)
    assert "epoch 2, at step 9" in text
    assert "the loss is NaN" in text
    assert "4.weight" in text or "4.bias" in text
    assert "0.weight" in text
    assert "learning rate" in text
    assert (made.model[4].weight.detach().numpy() == weights).all()
    assert made.run.checkpoint("last").read_bytes() == good
    assert made.run.status == "failed"


def test_a_gradient_that_is_not_finite() -> None:
    model = nn.Linear(4, 2)
    optimizer = ur.optim.SGD(model.parameters(), lr=0.1)
    x = ur.tensor([[0.0, 0.0, 0.0, 0.0]])
    with ur.no_grad():
        model.bias.fill_(0.0)
    root = lambda out, y: (out * out).sum().sqrt()  # d√x/dx at 0 is infinite, times 0
    with pytest.raises(TrainingError, match="the loss is finite, but its gradient is not"):
        list(train_steps(model, root, optimizer, [(x, ur.tensor([0]))]))
    assert np.isfinite(model.weight.detach().numpy()).all()


def test_a_full_disk_stops_with_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from upriver.train import files

    made, train, val = trainer(Run.create("x", {}, root=tmp_path))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(FileError, match="no space is left"):
        made.fit(train, val, epochs=1)
    assert made.run is not None
    assert list((made.run.folder / "checkpoints").iterdir()) == []


@pytest.mark.parametrize("options", [{"clip": 0.0}, {"accumulate": 0}, {"patience": -1}, {"schedule_every": "batch"}])
def test_arguments_out_of_range(options: dict) -> None:
    model = nn.Linear(2, 1)
    with pytest.raises(ArgumentError):
        Trainer(model, nn.MSELoss(), ur.optim.SGD(model.parameters(), 0.1), **options)
    with pytest.raises(ArgumentError, match="epochs=0"):
        trainer()[0].fit([1], epochs=0)


def test_schedules_by_epoch_and_by_plateau() -> None:
    ur.manual_seed(0)
    for make in (
        lambda o: ur.optim.lr_scheduler.StepLR(o, 1, gamma=0.5),
        lambda o: ur.optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=0, threshold=10.0),
    ):
        model = nn.Linear(4, 2)
        sgd = ur.optim.SGD(model.parameters(), lr=1.0)
        made = Trainer(model, nn.CrossEntropyLoss(), sgd, schedule=make(sgd), progress="quiet")
        rates = [record["lr"] for record in made.fit(DataLoader(data(), 20), epochs=4)]
        assert rates[0] == 1.0
        assert rates[-1] < 1.0


def test_gradient_flow_is_what_the_gradients_are() -> None:
    ur.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
    with ur.no_grad():
        model[2].bias[1] = -100.0  # a unit that can never be on
    flow = GradientFlow(model, top=3)
    x, y = ur.tensor([[0, 1], [2, 3]]), ur.tensor([0, 1])
    before = model[4].weight.detach().clone().numpy()
    sgd = ur.optim.SGD(model.parameters(), lr=0.1)
    list(train_steps(model, nn.CrossEntropyLoss(), sgd, [(x, y)], watch=flow))
    layers = {layer.layer: layer for layer in flow.layers()}
    assert list(layers) == ["0", "2", "4"]
    assert layers["2"].dead is not None
    assert layers["2"].dead >= 0.25
    assert layers["0"].dead is None
    grads = [p.grad.numpy() for p in model[4].parameters()]
    assert layers["4"].gradient == pytest.approx(math.sqrt(sum((g**2).sum() for g in grads)), rel=1e-5)
    assert layers["4"].parameters == 10
    assert layers["4"].update == pytest.approx(
        0.1 * layers["4"].gradient / math.sqrt((before**2).sum() + (model[4].bias.detach().numpy() + 0.1 * grads[1]) @ (
            model[4].bias.detach().numpy() + 0.1 * grads[1])), rel=1e-4
    )  # fmt: skip
    everything = np.concatenate([np.abs(p.grad.numpy()).ravel() for p in model.parameters()])
    assert [abs(entry.gradient) for entry in flow.largest] == pytest.approx(np.sort(everything)[::-1][:3].tolist())
    named = dict(model.named_parameters())
    for entry in largest_gradients(list(named.items()), 5):
        assert named[entry.parameter].grad.numpy()[entry.index] == pytest.approx(entry.gradient)


def test_progress_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    made, train, val = trainer(progress="plain")
    made.fit(train, val, epochs=40)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["epoch", "loss", "val", "loss", "accuracy", "val", "accuracy", "lr", "time"]
    assert 8 <= len(lines) <= 14
    assert max(map(len, lines)) <= 80


def test_progress_at_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    made, train, val = trainer(progress="live")
    made.fit(train, val, epochs=3)
    out = capsys.readouterr().out
    assert "epoch 3/3" in out
    assert "loss" in out


def test_inputs_that_are_not_finite_are_blamed_before_the_network() -> None:
    model = nn.Linear(4, 2)
    x = np.ones((5, 4), np.float32)
    x[3, 1] = np.nan
    batches = [(ur.as_tensor(x), ur.tensor([0, 1, 0, 1, 0]))]
    with pytest.raises(TrainingError, match="the inputs of the batch, first in its sample 3"):
        list(train_steps(model, nn.CrossEntropyLoss(), ur.optim.SGD(model.parameters(), lr=0.1), batches))
    assert np.isfinite(model.weight.detach().numpy()).all()


def test_a_label_outside_its_classes_is_named() -> None:
    model = nn.Linear(4, 2)
    made = Trainer(model, nn.CrossEntropyLoss(), ur.optim.SGD(model.parameters(), lr=0.1), progress="quiet")
    with pytest.raises(UpriverError, match="2"):
        made.fit([(ur.ones(3, 4), ur.tensor([0, 1, 2]))], epochs=1)


def test_nothing_to_train_on() -> None:
    model = nn.Linear(4, 2)
    made = Trainer(model, nn.CrossEntropyLoss(), ur.optim.SGD(model.parameters(), lr=0.1), progress="quiet")
    with pytest.raises(DataError, match="nothing to train on"):
        made.fit([], epochs=1)


def test_outside_of_the_main_thread() -> None:
    made, train, val = trainer()
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(made.fit(train, val, epochs=1)))
    thread.start()
    thread.join()
    assert len(done[0]) == 1
