from __future__ import annotations

import copy
from collections import OrderedDict

import pytest

import upriver as ur
from upriver import nn
from upriver.errors import DimError, DTypeError


def names(module):
    return [name for name, _ in module.named_parameters()]


def test_sequential():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    assert len(model) == 3
    assert [type(m).__name__ for m in model] == ["Linear", "Tanh", "Linear"]
    assert model[-1] is model[2]
    assert len(model[:2]) == 2
    assert model[:1][0] is model[0]
    model[1] = nn.ReLU()
    assert isinstance(model[1], nn.ReLU)
    del model[1]
    assert names(model) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    model.append(nn.Tanh()).insert(0, nn.Flatten()).extend([nn.ReLU()])
    assert [type(m).__name__ for m in model] == ["Flatten", "Linear", "Linear", "Tanh", "ReLU"]
    assert len(model + nn.Sequential(nn.Tanh())) == 6
    with pytest.raises(DimError, match="index 9 is out of range"):
        model[9]


def test_sequential_by_name():
    model = nn.Sequential(OrderedDict([("fc", nn.Linear(2, 3)), ("act", nn.Tanh())]))
    assert names(model) == ["fc.weight", "fc.bias"]
    assert model.fc is model[0]
    del model[0]
    assert [n for n, _ in model.named_children()] == ["act"]


def test_sequential_takes_modules_only():
    with pytest.raises(DTypeError, match="is not a module"):
        nn.Sequential(nn.Linear(2, 3), nn.Tanh)


def test_module_list():
    layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    assert len(layers) == 3
    assert names(layers)[-1] == "2.bias"
    first = layers[0]
    layers.insert(1, nn.Tanh())
    assert isinstance(layers[1], nn.Tanh)
    assert layers.pop(1).__class__ is nn.Tanh
    assert first in layers
    layers += [nn.ReLU()]
    assert isinstance(layers[-1], nn.ReLU)
    assert len(layers[1:]) == 3
    assert len(layers + nn.ModuleList([nn.Tanh()])) == 5
    layers[3] = nn.Tanh()
    del layers[0]
    assert [n for n, _ in layers.named_children()] == ["0", "1", "2"]
    with pytest.raises(NotImplementedError):
        layers(1)


def test_module_dict():
    modules = nn.ModuleDict({"a": nn.Linear(2, 2)})
    modules["b"] = nn.Tanh()
    modules.update([("c", nn.ReLU())])
    assert list(modules) == list(modules.keys()) == ["a", "b", "c"]
    assert "b" in modules
    assert len(modules) == 3
    assert names(modules) == ["a.weight", "a.bias"]
    assert isinstance(modules.pop("c"), nn.ReLU)
    del modules["b"]
    assert [k for k, _ in modules.items()] == ["a"]
    assert list(modules.values()) == [modules["a"]]
    modules.clear()
    assert not len(modules)


def test_parameter_list():
    weights = nn.ParameterList([ur.zeros(2), nn.Parameter(ur.ones(3))])
    weights.append(ur.ones(1))
    weights += [ur.zeros(4)]
    assert names(weights) == ["0", "1", "2", "3"]
    assert all(isinstance(p, nn.Parameter) for p in weights)
    assert len(weights[1:3]) == 2
    weights[0] = ur.ones(5)
    assert weights[-4].shape == (5,)
    other = copy.deepcopy(weights)
    assert len(other) == 4
    assert other[0] is not weights[0]
    with pytest.raises(DimError, match="out of range"):
        weights[4]


def test_parameter_dict():
    weights = nn.ParameterDict({"a": ur.zeros(2)})
    weights["b"] = ur.ones(3)
    weights.update({"c": nn.Parameter(ur.ones(1))})
    assert names(weights) == ["a", "b", "c"]
    assert "b" in weights
    assert [k for k, _ in weights.items()] == list(weights) == list(weights.keys())
    del weights["b"]
    assert len(weights) == 2
    assert len(weights.values()) == 2
    with pytest.raises(KeyError):
        weights["b"]


def test_keys_as_in_pytorch():
    torch = pytest.importorskip("torch")
    mine = nn.ParameterList([ur.zeros(2)]).state_dict()
    assert list(mine) == list(torch.nn.ParameterList([torch.nn.Parameter(torch.zeros(2))]).state_dict())
    assert "(0): Parameter containing: [float32 of size 2]" in repr(nn.ParameterList([ur.zeros(2)]))
    assert "(a): Parameter" in repr(nn.ParameterDict({"a": ur.zeros(2)}))


def test_residual():
    block = nn.Residual(nn.Linear(3, 3), nn.Tanh())
    x = ur.randn(2, 3, requires_grad=True)
    y = block(x)
    assert ur.allclose(y, x + block.module(x))
    for p in block.parameters():
        p.data.zero_()
    (g,) = ur.grad(block(x).sum(), x)
    assert (g == 1).all()  # the highway alone
    assert names(nn.Residual(nn.Linear(3, 3))) == ["module.weight", "module.bias"]
