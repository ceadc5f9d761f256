from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import upriver as ur
from upriver import nn
from upriver.errors import ArgumentError, DTypeError


class Net(nn.Module):
    """A parameter, two buffers, two layers of which one is nested, and tied weights."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(ur.ones(1))
        self.register_buffer("mask", ur.ones(3, 3).tril())
        self.register_buffer("scratch", ur.zeros(2), persistent=False)
        self.embed = nn.Embedding(3, 4)
        self.body = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 4)))
        self.head = nn.Linear(4, 3, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x):
        return self.head(self.body(self.embed(x))) * self.scale


KEYS = [
    "scale",
    "mask",
    "embed.weight",
    "body.0.weight",
    "body.0.bias",
    "body.1.1.weight",
    "body.1.1.bias",
    "head.weight",
]


# Registration.


def test_walks():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == [k for k in KEYS if k not in ("mask", "head.weight")]
    assert [n for n, _ in net.named_parameters(remove_duplicate=False)] == [k for k in KEYS if k != "mask"]
    assert [n for n, _ in net.named_parameters(recurse=False, prefix="net")] == ["net.scale"]
    assert [n for n, _ in net.named_buffers()] == ["mask", "scratch"]
    assert [n for n, _ in net.named_modules()] == [
        "",
        "embed",
        "body",
        "body.0",
        "body.1",
        "body.1.0",
        "body.1.1",
        "head",
    ]
    assert [n for n, _ in net.named_children()] == ["embed", "body", "head"]
    assert len(list(net.parameters())) == 6
    assert next(net.buffers()) is net.mask
    assert list(net.children())[1] is net.body
    assert next(net.modules()) is net


def test_a_module_in_two_places_comes_once():
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    assert len(list(model.parameters())) == 2
    assert [n for n, _ in model.named_modules()] == ["", "0", "1"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_paths():
    net = Net()
    assert net.get_submodule("body.1.1") is net.body[1][1]
    assert net.get_submodule("") is net
    assert net.get_parameter("body.0.bias") is net.body[0].bias
    assert net.get_buffer("mask") is net.mask
    for find in (net.get_submodule, net.get_parameter, net.get_buffer):
        with pytest.raises(AttributeError, match="nothing"):
            find("body.nothing")
    with pytest.raises(AttributeError, match="not a module"):
        net.get_submodule("scale.deeper")


def test_what_an_attribute_is_can_change():
    m = nn.Module()
    m.x = 3
    m.x = nn.Parameter(ur.zeros(2))
    assert "x" not in m.__dict__
    assert [n for n, _ in m.named_parameters()] == ["x"]
    m.x = nn.Linear(2, 2)
    assert [n for n, _ in m.named_parameters()] == ["x.weight", "x.bias"]
    m.x = None
    assert m.x is None
    m.x = nn.Tanh()
    del m.x
    with pytest.raises(AttributeError, match="'Module' object has no attribute 'x'"):
        _ = m.x


def test_a_parameter_becomes_nothing_but_a_parameter():
    layer = nn.Linear(2, 2)
    with pytest.raises(DTypeError, match=r"Linear.weight is a parameter and cannot become a Tensor"):
        layer.weight = ur.zeros(2, 2)
    model = nn.Sequential(layer)
    model.register_buffer("b", ur.zeros(1))
    with pytest.raises(DTypeError, match="0 is a module and cannot become a function"):
        setattr(model, "0", lambda x: x)
    with pytest.raises(DTypeError, match="b is a buffer and cannot become a float"):
        model.b = 1.0
    layer.bias = None
    assert [n for n, _ in layer.named_parameters()] == ["weight"]
    assert layer(ur.zeros(1, 2)).shape == (1, 2)


def test_buffers_are_cells():
    m = nn.Module()
    t = ur.zeros(2)
    m.register_buffer("b", t)
    assert isinstance(m.b, nn.Buffer)
    t.data[0] = 5
    assert m.b.tolist() == [5, 0]  # the memory is shared
    m.b = m.b + 1
    assert isinstance(m.b, nn.Buffer)
    assert list(m.state_dict()) == ["b"]
    m.c = nn.Buffer(ur.ones(1))
    assert list(m.state_dict()) == ["b", "c"]
    m.register_buffer("nothing", None)
    assert m.nothing is None
    assert list(m.state_dict()) == ["b", "c"]


def test_a_forgotten_super_is_told():
    class Bad(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    with pytest.raises(ArgumentError, match=r"Bad: .layer was assigned before(.|\n)*super\(\).__init__\(\)"):
        Bad()

    class Late(nn.Module):
        def __init__(self):
            self.size = 3

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
        Late().parameters_of_it


@pytest.mark.parametrize("name", ["", "a.b", 3, "forward"])
def test_bad_names_are_refused(name):
    m = nn.Module()
    for register, value in (
        (m.register_parameter, nn.Parameter(ur.zeros(1))),
        (m.register_buffer, ur.zeros(1)),
        (m.add_module, nn.Tanh()),
    ):
        with pytest.raises(ArgumentError, match="name"):
            register(name, value)


def test_bad_kinds_are_refused():
    m = nn.Module()
    with pytest.raises(DTypeError, match="register_parameter: p is a Tensor"):
        m.register_parameter("p", ur.zeros(1))
    with pytest.raises(DTypeError, match="register_buffer: b is a float"):
        m.register_buffer("b", 1.0)
    with pytest.raises(DTypeError, match="register_module: m is a function"):
        m.add_module("m", lambda x: x)
    with pytest.raises(NotImplementedError, match="Module does not define forward"):
        m()


def test_dir_lists_the_parts():
    assert {"scale", "mask", "body", "forward"} <= set(dir(Net()))


# State.


def test_state_has_pytorchs_order():
    net = Net()
    state = net.state_dict()
    assert list(state) == KEYS
    assert all(type(t) is ur.Tensor and not t.requires_grad for t in state.values())
    assert np.shares_memory(state["scale"].numpy(), net.scale.array)
    assert net.state_dict(keep_vars=True)["scale"] is net.scale
    assert list(net.state_dict(prefix="net.")) == ["net." + k for k in KEYS]


def test_copies_and_pickles():
    net = Net().eval()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        x = ur.tensor([0, 2])
        assert (net(x) == other(x)).all()
        assert other.head.weight is other.embed.weight
        assert other.head.weight is not net.head.weight
        assert not other.training
        assert list(other.state_dict()) == KEYS
        other.scale.data.fill_(7)
        assert net.scale.item() == 1


def test_weights_travel_to_pytorch_and_back(beside):
    pytest.importorskip("torch")

    def make(nn):
        return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))

    beside(make, np.random.default_rng(0).standard_normal((3, 1, 4, 4)), steps=3)


def test_the_dictionaries_are_what_they_are_in_pytorch():
    class Row(nn.Module):
        def __init__(self, *modules):
            super().__init__()
            for i, module in enumerate(modules):
                self._modules[str(i)] = module

        def forward(self, x):
            for module in self._modules.values():
                x = module(x)
            return x

    row = Row(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert row(ur.zeros(4, 2)).shape == (4, 1)
    assert list(row.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert list(row._modules["0"]._parameters) == ["weight", "bias"]


# Modes and conversions.


def test_train_and_eval():
    net = Net()
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert all(m.training for m in net.train().modules())
    with pytest.raises(ArgumentError, match="the mode is 'yes'"):
        net.train("yes")


def test_apply_visits_children_first():
    order = []
    net = Net()
    assert net.apply(lambda m: order.append(type(m).__name__)) is net
    assert order == ["Embedding", "Linear", "Tanh", "Linear", "Sequential", "Sequential", "Linear", "Net"]


def test_conversions():
    net = Net()
    net(ur.tensor([0])).sum().backward()
    net.register_buffer("count", ur.tensor(3))
    weight = net.head.weight
    assert net.double() is net
    assert net.head.weight is weight
    assert {t.dtype for t in net.parameters()} == {ur.float64}
    assert net.scale.grad.dtype == ur.float64
    assert net.mask.dtype == ur.float64
    assert net.count.dtype == ur.int64
    assert net.half().scale.dtype == ur.float16
    assert net.float().scale.dtype == ur.float32
    assert net.to("cpu").to(ur.float64).scale.dtype == ur.float64
    assert net.to(device="cpu", dtype=ur.float32).scale.dtype == ur.float32
    assert net.to(ur.zeros(1, dtype=ur.float64)).scale.dtype == ur.float64
    assert net.cpu() is net
    with pytest.raises(DTypeError, match="cuda"):
        net.to("cuda")
    with pytest.raises(DTypeError, match="parameters cannot be int64"):
        net.to(ur.int64)


def test_gradients_are_cleared():
    net = Net()
    net(ur.tensor([0])).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all((p.grad == 0).all() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_freezing():
    net = Net()
    assert net.requires_grad_(False) is net
    assert not net(ur.tensor([0])).requires_grad
    net.head.requires_grad_()
    net(ur.tensor([0])).sum().backward()
    assert net.scale.grad is None
    assert net.embed.weight.grad is not None


# Text.


def test_representation_as_in_pytorch():
    torch = pytest.importorskip("torch")

    def make(nn):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.ModuleList([nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Dropout(0.1))])
                self.names = nn.ModuleDict({"a": nn.Tanh(), "b": nn.Embedding(3, 2, padding_idx=0)})
                self.empty = nn.Sequential()
                self.act = nn.LeakyReLU(0.2)

        return Net()

    assert repr(make(nn)) == repr(make(torch.nn))


def test_extra_repr_of_several_lines():
    class Layer(nn.Module):
        def extra_repr(self):
            return "one\ntwo"

    assert repr(Layer()) == "Layer(\n  one\n  two\n)"
