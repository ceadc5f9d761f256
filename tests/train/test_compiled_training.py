"""Compiled training: many steps at a time give what one after the other gives, and a resumed run what a whole one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.data import DataLoader, TensorDataset
from upriver.train import ACCURACY, Interrupted, Run, Trainer, TrainingError, load_checkpoint, many
from upriver.train.progress import Progress

pytest.importorskip("llvmlite")

EPOCHS = 3


def data(n=130, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    return TensorDataset(x, (x[:, 0] * x[:, 1] > 0).astype(np.int64))


def trainer(run=None, *, dropout=0.0, accumulate=1, every="step", progress="quiet", compile=True):
    ur.manual_seed(5)
    parts = [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)]
    model = nn.Sequential(*parts, nn.Dropout(dropout)) if dropout else nn.Sequential(*parts)
    optimizer = ur.optim.AdamW(model.parameters(), lr=0.01)
    schedule = ur.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=400)
    made = Trainer(
        model, nn.CrossEntropyLoss(), optimizer, metrics=[ACCURACY], schedule=schedule, schedule_every=every, clip=1.0,
        run=run, progress=progress, compile=compile, accumulate=accumulate, save_every=0.0,
    )  # fmt: skip
    return made, DataLoader(data(), 4, shuffle=True, seed=1), DataLoader(data(30, 1), 30)


def held(made):
    """All that training is, as plain values without clocks."""

    def plain(x):
        if isinstance(x, dict):
            return {key: plain(part) for key, part in x.items() if key not in ("elapsed", "seconds")}
        if isinstance(x, (list, tuple)):
            return [plain(part) for part in x]
        return getattr(x, "array", x).tolist() if hasattr(getattr(x, "array", x), "tolist") else x

    return plain(made.state_dict())


@pytest.fixture
def calls(monkeypatch):
    """How many steps each chunk had."""
    found = []
    taken = many.Many.taken

    def noted(self, chunk):
        found.append(len(chunk))
        return taken(self, chunk)

    monkeypatch.setattr(many.Many, "taken", noted)
    monkeypatch.setattr(many, "_SHORT", 10.0)  # however busy the machine is
    monkeypatch.setattr(many, "_AT_ONCE", 1000.0)
    return found


def singly(monkeypatch):
    monkeypatch.setattr(many.Many, "count", lambda self, most: 1)


@pytest.mark.parametrize("options", [{}, {"accumulate": 3}, {"every": "epoch"}], ids=["steps", "accumulate", "epochs"])
def test_together_as_singly(calls, monkeypatch, options):
    together, train, val = trainer(**options)
    together.fit(train, val, epochs=EPOCHS)
    assert sum(calls) >= EPOCHS * (len(train) // options.get("accumulate", 1) - 8)
    assert max(calls) > 5
    before = len(calls)
    singly(monkeypatch)
    alone, train, val = trainer(**options)
    alone.fit(train, val, epochs=EPOCHS)
    assert len(calls) == before
    assert held(together) == held(alone)


def test_short_chunks_and_other_shapes(calls, monkeypatch):
    rng = np.random.default_rng(0)
    batches = [
        (ur.tensor(rng.normal(size=(n, 4)).astype("f4")), ur.tensor(rng.integers(0, 2, n))) for n in [4, 4, 5] * 8
    ]
    one, _, _ = trainer()
    one.fit(batches, epochs=2)
    monkeypatch.setattr(many.Many, "count", lambda self, most: max(1, min(most, 3)) if self._least < 9 else 1)
    two, _, _ = trainer()
    two.fit(batches, epochs=2)
    singly(monkeypatch)
    three, _, _ = trainer()
    three.fit(batches, epochs=2)
    assert held(one) == held(two) == held(three)


def test_randomness_keeps_its_order(calls):
    made, train, val = trainer(dropout=0.5)
    made.fit(train, val, epochs=2)
    assert not calls


def test_every_step_is_shown_and_counted(calls):
    class Seen(Progress):
        steps = 0

        def step(self, epoch, loss):
            self.steps += 1
            assert np.isfinite(loss)

    made, train, val = trainer(progress=Seen())
    history = made.fit(train, val, epochs=EPOCHS)
    assert made.progress.steps == EPOCHS * len(train) == made.position.step
    assert [record["steps"] for record in history] == [len(train)] * EPOCHS
    assert all(record["gradient_norm"] > 0 for record in history)


def test_a_loss_that_is_not_finite_is_found_at_its_step(calls, monkeypatch):
    rng = np.random.default_rng(0)
    batches = [(ur.tensor(rng.normal(size=(4, 4)).astype("f4")), ur.tensor(rng.integers(0, 2, 4))) for _ in range(20)]
    batches[11][0].array[2, 1] = np.nan
    made, _, _ = trainer()
    with pytest.raises(TrainingError, match=r"epoch 1, at step 12: .*inputs of the batch, first in its sample 2"):
        made.fit(batches, epochs=1)
    assert made.position.step == 11
    assert all(np.isfinite(p.array).all() for p in made.model.parameters())
    assert max(calls) > 11
    singly(monkeypatch)
    other, _, _ = trainer()
    with pytest.raises(TrainingError):
        other.fit(batches, epochs=1)
    for name in ("model", "optimizer", "schedule"):
        assert repr(held(made)[name]) == repr(held(other)[name])  # NaN is not equal to itself


@pytest.mark.parametrize("at", [1, 9, 40])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_interrupted_and_resumed(calls, tmp_path, at, dropout):
    class StopAt(Progress):
        left = at

        def step(self, epoch, loss):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGINT)

    whole, train, val = trainer(dropout=dropout)
    whole.fit(train, val, epochs=EPOCHS)
    run = Run.create("net", {}, out=tmp_path / "run")
    first, train, val = trainer(run, dropout=dropout, progress=StopAt())
    with pytest.raises(Interrupted):
        first.fit(train, val, epochs=EPOCHS)
    second, train, val = trainer(dropout=dropout)
    second.fit(train, val, epochs=EPOCHS, resume=run.checkpoint("last"))
    assert held(second) == held(whole)


def test_killed_and_resumed(tmp_path):
    source = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_compiled_training import *\n"
        "class Die(Progress):\n"
        "    left = 50\n"
        "    def step(self, epoch, loss):\n"
        "        self.left -= 1\n"
        "        if self.left == 0: os.kill(os.getpid(), 9)\n"
        "many._AT_ONCE = 0.002\n"
        "made, train, val = trainer(Run.create('net', {}, out=sys.argv[2]), progress=Die())\n"
        "made.fit(train, val, epochs=EPOCHS)\n"
    )
    here, run = str(Path(__file__).parent), tmp_path / "run"
    assert subprocess.run([sys.executable, "-c", source, here, str(run)], check=False).returncode == -9
    last = Run.open(run).checkpoint("last")
    assert 0 < load_checkpoint(last)["position"]["step"] < 50
    resumed, train, val = trainer()
    resumed.fit(train, val, epochs=EPOCHS, resume=last)
    whole, train, val = trainer()
    whole.fit(train, val, epochs=EPOCHS)
    assert held(resumed) == held(whole)
