"""Plans on disk: found again by the same program, by no other, and never trusted where they should not be."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import upriver as ur
from upriver.nn import functional as F

pytest.importorskip("llvmlite")

from upriver.compile import kept
from upriver.compile.native import cache


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    where = tmp_path / "cache"
    monkeypatch.setenv("UPRIVER_CACHE", str(where))
    cache._warn.cache_clear()
    return where


class Net(ur.nn.Module):
    def __init__(self, width=7, slope=0.1, mask=None):
        super().__init__()
        self.inner, self.outer = ur.nn.Linear(5, width), ur.nn.Linear(width, 3)
        self.norm, self.drop = ur.nn.BatchNorm1d(width), ur.nn.Dropout(0.3)
        self.slope = slope
        self.mask = ur.compile.constant(ur.tensor(np.arange(width) % 2.0 if mask is None else mask).float())

    def forward(self, x):
        h = self.drop(F.leaky_relu(self.norm(self.inner(x)), self.slope))
        return self.outer(h * self.mask)[:, 0:2]


def trained(steps=3, net=None, without=(), rate=0.01, width=7):
    ur.manual_seed(0)
    net = net or Net(width)
    adam = ur.optim.Adam(net.parameters(), lr=rate)

    def step(x, y):
        adam.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        adam.step()
        return loss.detach()

    step = ur.compile(step, without=without)
    rng = np.random.default_rng(1)
    losses = [
        step(ur.tensor(rng.normal(size=(9, 5)).astype("f4")), ur.tensor(rng.integers(0, 2, 9))).item()
        for _ in range(steps)
    ]
    return step, losses + [p.detach().sum().item() for p in net.parameters()]


def found(step):
    return "plan" not in step.entry.built.seconds


def test_found_again_with_the_same_results():
    first, one = trained()
    second, two = trained()
    assert not found(first)
    assert found(second)
    assert one == two
    assert second.entry.built.plan.arena == first.entry.built.plan.arena
    for a, b in zip(first.entry.built.plan.calls, second.entry.built.plan.calls, strict=True):
        assert (a.args, a.chain, a.writes, a.code.units) == (b.args, b.chain, b.writes, b.code.units)
    tables = [step.report().split("\n\n")[1] for step in (first, second)]
    assert tables[0] == tables[1]


def test_a_rate_is_no_part_of_it():
    trained()
    assert found(trained(rate=0.5)[0])


def changes():
    yield "width", lambda: trained(width=8)[0]
    yield "number", lambda: trained(net=Net(slope=0.2))[0]
    yield "constant", lambda: trained(net=Net(mask=np.ones(7)))[0]
    yield "rewrites", lambda: trained(without=("repeats",))[0]
    yield "mode", lambda: trained(net=Net().eval())[0]


@pytest.mark.parametrize(("name", "change"), [pytest.param(*c, id=c[0]) for c in changes()])
def test_another_program_has_another_plan(name, change):
    trained()
    assert not found(change()), name


def test_strides_and_sharing_are_part_of_it():
    def call(cells):
        made = ur.compile(lambda x: x + cells[0] * cells[1])
        made(ur.ones(4))
        return made, made(ur.ones(4)).tolist()

    block = ur.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    _, one = call([ur.tensor([1.0, 3.0, 5.0, 7.0]), ur.tensor([2.0, 4.0, 6.0, 8.0])])
    strided, two = call([block[:, 0], block[:, 1]])
    assert one == two == [3.0, 13.0, 31.0, 57.0]
    assert not found(strided)
    again, three = call([ur.tensor([1.0, 1.0, 1.0, 1.0]), ur.tensor([2.0, 4.0, 6.0, 8.0])])
    assert found(again)
    assert three == [3.0, 5.0, 7.0, 9.0]


@pytest.mark.parametrize("harm", ["flip", "cut", "object gone"])
def test_what_is_broken_is_made_again(folder, harm):
    _, right = trained()
    plan = next(path for path in folder.iterdir() if b'"calls"' in path.read_bytes())
    if harm == "object gone":
        (folder / json.loads(plan.read_bytes()[cache._HEADER.size :])["object"]).unlink()
    else:
        data = bytearray(plan.read_bytes())
        data[len(data) // 2] ^= 1
        plan.write_bytes(data if harm == "flip" else data[:-7])
    step, results = trained()
    assert not found(step)
    assert results == right
    assert found(trained()[0])


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
def test_what_others_can_write_is_not_loaded(folder):
    trained()
    folder.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="others can write it"):
        step, _ = trained()
    assert not found(step)


def test_other_code_of_this_package_has_other_plans(monkeypatch):
    trained()
    monkeypatch.setattr(cache, "package", lambda: "another")
    assert not found(trained()[0])


def test_other_processors_have_other_plans(monkeypatch):
    program = trained()[0].entry.program
    first = kept.name(program, [], {})
    monkeypatch.setenv("UPRIVER_CPU", "x86-64-v2" if os.environ.get("UPRIVER_CPU") == "x86-64" else "x86-64")
    assert kept.name(program, [], {}) != first


def test_off(folder, monkeypatch):
    monkeypatch.setenv("UPRIVER_CACHE", "off")
    trained()
    assert not found(trained()[0])
    assert not folder.exists()


def test_what_calls_python_is_planned_anew():
    def call():
        made = ur.compile(lambda x: x.sort()[0] + 1)
        x = ur.tensor([3.0, 1.0, 2.0])
        return made, [made(x).tolist(), made(x).tolist()]

    _, one = call()
    again, two = call()
    assert any([call.code is None for call in again.entry.built.plan.calls])
    assert one == two == [[2.0, 3.0, 4.0]] * 2
    assert not found(again)


def test_arguments_are_told_apart():
    names = [
        kept._plain(x) for x in (1, 1.0, True, "1", None, (1,), [1], slice(1), np.float32(1), np.dtype("f4"), {1: 1})
    ]
    names += [
        kept._plain(np.float32([1])),
        kept._plain(np.float64([1])),
        kept._plain(np.float32([[1]])),
        kept._plain(-0.0),
    ]
    assert len({repr(name) for name in names}) == len(names)
    with pytest.raises(kept._Unnamed):
        kept._plain(object())


def test_another_process_finds_it():
    source = (
        "import upriver as ur\n"
        "step = ur.compile(lambda x: (x * 2).tanh().sum())\n"
        "step(ur.ones(33))\n"
        "print(step(ur.ones(33)).item(), 'plan' in step.entry.built.seconds)\n"
        "import sys; print('upriver.compile.fusion.fuse' in sys.modules)"
    )
    runs = [subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True) for _ in "ab"]
    (value, planned, imported), (again, planned_again, imported_again) = [run.stdout.split() for run in runs]
    assert value == again
    assert (planned, imported, planned_again, imported_again) == ("True", "True", "False", "False")


def test_operations_of_the_user_have_no_name():
    from types import SimpleNamespace

    from upriver.core.registry import ops

    program = trained()[0].entry.program
    strides = [tuple([s // c.tensor.array.itemsize for s in c.tensor.array.strides]) for c in program.cells]
    assert kept.name(program, strides, {})
    at = next(i for i in program.instructions if i.op.name == "add")
    at.op = SimpleNamespace(name="add", forward=np.add, lower=ops.record("add").lower)
    assert kept.name(program, strides, {}) is None
    at.op = SimpleNamespace(name="add", forward=lambda x, y: x - y, lower=None)
    assert kept.name(program, strides, {}) is None
