"""Shapes, arrangement and joining: PyTorch's values and gradients, edges, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.errors import ArgumentError, DimError, ShapeError

SAME: dict[str, tuple[Any, ...]] = {
    "reshape": (lambda t, x: x.reshape(4, -1), (2, 3, 2)),
    "view": (lambda t, x: x.view((3, 4)), (2, 3, 2)),
    "reshape of the transpose": (lambda t, x: x.T.reshape(-1), (2, 3)),
    "permute": (lambda t, x: x.permute(2, 0, 1), (2, 3, 4)),
    "permute of a tuple": (lambda t, x: x.permute((-1, 0, 1)), (2, 3, 4)),
    "transpose": (lambda t, x: x.transpose(-2, -1), (2, 3, 4)),
    "transpose of a number": (lambda t, x: x.transpose(0, -1), ()),
    "swapaxes": (lambda t, x: t.swapaxes(x, 0, 2), (2, 3, 4)),
    "t": (lambda t, x: x.t(), (2, 3)),
    "t of a vector": (lambda t, x: x.t(), (3,)),
    "mT": (lambda t, x: x.mT, (2, 3, 4)),
    "T": (lambda t, x: x.T, (2, 3)),
    "movedim": (lambda t, x: x.movedim((0, 1), (-1, 0)), (2, 3, 4)),
    "movedim of one": (lambda t, x: t.movedim(x, 2, 0), (2, 3, 4)),
    "flatten": (lambda t, x: x.flatten(), (2, 3, 4)),
    "flatten from": (lambda t, x: x.flatten(1), (2, 3, 4)),
    "flatten between": (lambda t, x: t.flatten(x, 0, -2), (2, 3, 4)),
    "flatten of a number": (lambda t, x: x.flatten(), ()),
    "unflatten": (lambda t, x: x.unflatten(1, (2, -1)), (3, 6)),
    "unflatten of nothing": (lambda t, x: x.unflatten(0, (0, 2)), (0, 3)),
    "squeeze": (lambda t, x: x.squeeze(), (1, 3, 1)),
    "squeeze one": (lambda t, x: x.squeeze(-1), (1, 3, 1)),
    "squeeze some": (lambda t, x: x.squeeze((0, 1)), (1, 3, 1)),
    "squeeze a longer one": (lambda t, x: x.squeeze(1), (1, 3, 1)),
    "squeeze a number": (lambda t, x: x.squeeze(0), ()),
    "unsqueeze": (lambda t, x: x.unsqueeze(0).unsqueeze(-1), (3,)),
    "expand": (lambda t, x: x.expand(2, -1, 4), (3, 1)),
    "expand_as": (lambda t, x, y: x.expand_as(y), (3, 1), (2, 3, 4)),
    "broadcast_to": (lambda t, x: x.broadcast_to((2, 3)), (3,)),
    "view_as": (lambda t, x, y: x.view_as(y), (2, 3), (3, 2)),
    "reshape_as": (lambda t, x, y: x.reshape_as(y), (2, 3), (6,)),
    "contiguous": (lambda t, x: x.T.contiguous(), (2, 3)),
    "clone": (lambda t, x: x.clone(), (2, 3)),
    "atleast_1d": (lambda t, x: t.atleast_1d(x), ()),
    "atleast_2d": (lambda t, x, y: t.atleast_2d(x, y), (), (3,)),
    "atleast_3d": (lambda t, x, y, z: t.atleast_3d(x, y, z), (), (3,), (2, 3)),
    "repeat": (lambda t, x: x.repeat(2, 1, 3), (2, 3)),
    "repeat never": (lambda t, x: x.repeat(0, 2), (2, 3)),
    "tile": (lambda t, x: x.tile(2), (2, 3)),
    "tile more": (lambda t, x: t.tile(x, (2, 1, 2)), (2, 3)),
    "repeat_interleave": (lambda t, x: x.repeat_interleave(3, 1), (2, 3)),
    "repeat_interleave flat": (lambda t, x: x.repeat_interleave(2), (2, 3)),
    "repeat_interleave each": (lambda t, x, n: x.repeat_interleave(n, dim=0), (3, 2), np.array([2, 0, 1])),
    "cat": (lambda t, x, y: t.cat([x, y], dim=1), (2, 3), (2, 1)),
    "cat from the end": (lambda t, x, y: t.cat((x, y), -2), (2, 3), (0, 3)),
    "cat of one twice": (lambda t, x: t.cat([x, x, x]), (2, 3)),
    "cat with nothing": (lambda t, x, y: t.cat([y, x]), (2, 3), (0,)),
    "cat of dtypes": (lambda t, x: t.cat([t.zeros(2, dtype=t.float32), x, t.arange(2)]), (3,)),
    "stack": (lambda t, x, y: t.stack([x, y]), (2, 3), (2, 3)),
    "stack last": (lambda t, x, y: t.stack([x, y, x], -1), (2, 3), (2, 3)),
    "stack numbers": (lambda t, x, y: t.stack([x, y]), (), ()),
    "hstack": (lambda t, x, y: t.hstack([x, y]), (2, 3), (2, 1)),
    "hstack vectors": (lambda t, x, y: t.hstack([x, y]), (2,), ()),
    "vstack": (lambda t, x, y: t.vstack([x, y]), (3,), (2, 3)),
    "split": (lambda t, x: x.split(2), (5, 2)),
    "split along": (lambda t, x: x.split(2, dim=1), (2, 4)),
    "split by lengths": (lambda t, x: t.split(x, [1, 0, 2], dim=-1), (2, 3)),
    "split some used": (lambda t, x: x.split(1, dim=1)[1], (2, 3)),
    "chunk": (lambda t, x: x.chunk(3, dim=1), (2, 7)),
    "chunk into fewer": (lambda t, x: x.chunk(4), (5,)),
    "unbind": (lambda t, x: x.unbind(1), (2, 3)),
    "iteration": (lambda t, x: list(x), (3, 2)),
    "flip": (lambda t, x: x.flip(0, 2), (2, 3, 4)),
    "flip of dims": (lambda t, x: t.flip(x, dims=(1,)), (2, 3)),
    "roll": (lambda t, x: x.roll(2), (2, 3)),
    "roll along": (lambda t, x: t.roll(x, (1, -1), (0, 1)), (2, 3)),
    "roll with keywords": (lambda t, x: t.roll(x, shifts=-4, dims=1), (2, 3)),
    "unfold": (lambda t, x: x.unfold(1, 3, 2), (2, 8, 2)),
    "unfold overlapping": (lambda t, x: x.unfold(0, 4, 1), (6,)),
    "unfold whole": (lambda t, x: x.unfold(-1, 4, 9), (2, 4)),
    "tril": (lambda t, x: x.tril(), (3, 4)),
    "tril of a batch": (lambda t, x: t.tril(x, diagonal=-1), (2, 3, 3)),
    "triu": (lambda t, x: t.triu(x, 1), (3, 3)),
    "triu of integers": (lambda t, x: x.triu(), np.arange(6).reshape(2, 3)),
    "tril of booleans": (lambda t, x: x.tril(), np.ones((2, 2), bool)),
    "diag": (lambda t, x: x.diag(), (3,)),
    "diag above": (lambda t, x: t.diag(x, 2), (3,)),
    "diag below": (lambda t, x: t.diag(x, -1), (2,)),
    "diag of a matrix": (lambda t, x: t.diag(x), (3, 4)),
    "diag of a matrix below": (lambda t, x: t.diag(x, -2), (3, 2)),
    "diag outside": (lambda t, x: t.diag(x, 5), (3, 2)),
    "diagonal": (lambda t, x: x.diagonal(1), (3, 4)),
    "diagonal of a batch": (lambda t, x: x.diagonal(0, -2, -1), (2, 3, 3)),
    "diagonal across": (lambda t, x: t.diagonal(x, -1, 2, 0), (2, 3, 4)),
    "meshgrid": (lambda t, x, y: t.meshgrid(x, y, indexing="ij"), (2,), (3,)),
    "meshgrid xy": (lambda t, x, y: t.meshgrid([x, y], indexing="xy"), (2,), (3,)),
}


@pytest.mark.parametrize("name", SAME)
def test_as_pytorch(agree: Any, name: str) -> None:
    f, *inputs = SAME[name]
    agree(f, *inputs)


PADS: list[tuple[tuple[int, ...], tuple[int, ...], str, Any]] = [
    ((5,), (2, 1), "constant", 1.5),
    ((2, 3), (1, 0, 0, 2), "constant", 0.0),
    ((2, 3), (-1, 1), "constant", 0.0),
    ((2, 4), (-1, -1, 3, -1), "constant", 2.0),
    ((2, 3), (0, 0), "constant", 0.0),
    ((0, 3), (1, 1, 2, 0), "constant", 1.0),
    ((1, 2, 5), (2, 3), "reflect", None),
    ((1, 2, 3, 4), (2, 1, 1, 2), "reflect", None),
    ((1, 2, 3), (4, 2), "replicate", None),
    ((1, 1, 2, 3), (1, 2, 2, 1), "replicate", None),
    ((1, 2, 4), (3, 4), "circular", None),
]


@pytest.mark.parametrize(("shape", "amounts", "mode", "value"), PADS)
def test_pad_as_pytorch(agree: Any, shape: Any, amounts: Any, mode: str, value: Any) -> None:
    def f(t: Any, x: Any) -> Any:
        pad = t.nn.functional.pad
        return pad(x, amounts, mode) if value is None else pad(x, amounts, mode, value)

    agree(f, shape)


def test_views_share_memory_and_copies_do_not() -> None:
    x = ur.arange(6).reshape(2, 3)
    for v in (x.view(6), x.T, x[0], x.flip(0), x.split(1)[0], x.unsqueeze(0), x.diagonal(), x.narrow(1, 1, 2)):
        assert np.shares_memory(v.numpy(), x.numpy())
    for c in (x.clone(), x.T.contiguous(), x.repeat(1, 1), ur.cat([x])):
        assert not np.shares_memory(c.numpy(), x.numpy())
    assert x.contiguous() is x


def test_converting(agree: Any) -> None:
    for name in ("float", "double", "half", "long", "int", "bool"):
        agree(lambda t, x, name=name: getattr(x, name)(), np.array([1.5, -2.5, 0.0]))
    agree(lambda t, x, y: (x.to(t.float32), x.to("cpu"), x.to(y), x.type_as(y), x.to(dtype=t.int32)), (2,), [1, 2])
    x = ur.ones(2)
    assert x.float() is x.to("cpu") is x.to(ur.float32) is x.contiguous() is x.cpu() is x
    with pytest.raises(ur.errors.DTypeError, match="CPU"):
        x.to("cuda")


def test_sizes() -> None:
    x = ur.zeros(2, 3)
    assert (x.size(), x.size(-1), x.dim(), x.numel(), x.nelement(), len(x)) == ((2, 3), 3, 2, 6, 6, 2)
    assert ur.numel(x) == 6
    assert ur.is_tensor(x)
    assert not ur.is_tensor([1])
    assert ur.concat([x, x], dim=1).shape == ur.concatenate([x, x], axis=1).shape == (2, 6)


def test_windows_that_overlap_cannot_be_written() -> None:
    with pytest.raises(ur.errors.GradError, match="clone"):
        ur.arange(5).unfold(0, 3, 1)[0] = 7


def test_reversing_dimensions_needs_no_matrix() -> None:
    assert ur.zeros(2, 3, 4).T.shape == (4, 3, 2)


def test_cat_of_very_many() -> None:
    xs = [ur.ones(1, requires_grad=True) for _ in range(300)]
    (ur.cat(xs) * ur.arange(300)).sum().backward()
    (ur.stack(xs) * ur.arange(300).reshape(-1, 1)).sum().backward()
    assert [x.grad.item() for x in xs if x.grad is not None] == [2.0 * i for i in range(300)]


def test_axis_is_accepted_for_dim() -> None:
    assert ur.cat([ur.zeros(2, 1), ur.zeros(2, 2)], axis=1).shape == (2, 3)
    assert ur.stack([ur.zeros(2)] * 3, axis=-1).shape == (2, 3)
    with pytest.raises(TypeError, match="axes"):
        ur.cat([ur.zeros(2)], axes=0)


def test_repeated_application_differentiates_twice() -> None:
    x = ur.tensor(np.random.default_rng(0).standard_normal((3, 3)), requires_grad=True)
    ur.gradcheck(lambda x: ur.cat([x.tril() ** 2, x.flip(0)], 1).unfold(1, 2, 1).roll(1, 0).diagonal() ** 2, x, order=2)


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: ur.zeros(2, 3).reshape(4, 2), ShapeError, "6 entries.*8"),
    (lambda: ur.zeros(2, 3).reshape(-1, 4), ShapeError, "cannot become"),
    (lambda: ur.zeros(2, 3).reshape(-2, -3), ShapeError, "would have"),
    (lambda: ur.zeros(0, 3).reshape(-1, 0), ShapeError, "cannot become"),
    (lambda: ur.zeros(2, 3).permute(0, 2), DimError, "dim 2 is out of range"),
    (lambda: ur.zeros(2, 3).permute(0), DimError, "each of the 2"),
    (lambda: ur.zeros(2, 3).permute(0, 0), DimError, "twice"),
    (lambda: ur.zeros(2, 3).transpose(0, 2), DimError, "transpose: dim 2"),
    (lambda: ur.zeros(2, 3, 4).t(), DimError, "more than two"),
    (lambda: ur.zeros(2).unsqueeze(3), DimError, "unsqueeze"),
    (lambda: ur.zeros(2, 3).flatten(1, 0), DimError, "comes after"),
    (lambda: ur.zeros(5).unflatten(0, (2, -1)), ShapeError, "length 5"),
    (lambda: ur.zeros(2).movedim((0,), (0, 0)), DimError, "twice"),
    (lambda: ur.cat([]), ShapeError, "nothing to join"),
    (lambda: ur.cat([ur.zeros(2, 3), ur.zeros(2, 4)]), ShapeError, r"\[2, 3\] and \[2, 4\]"),
    (lambda: ur.cat([ur.zeros(2, 3), ur.zeros(3)]), ShapeError, "dimensions"),
    (lambda: ur.cat([ur.zeros(()), ur.zeros(())]), ShapeError, "stack"),
    (lambda: ur.cat([ur.zeros(2)], 1), DimError, "cat: dim 1"),
    (lambda: ur.stack([ur.zeros(2), ur.zeros(3)]), ShapeError, r"\[2\] and \[3\]"),
    (lambda: ur.zeros(5).split([2, 2]), ShapeError, "add up to 5"),
    (lambda: ur.zeros(5).split(0), ArgumentError, "length 0"),
    (lambda: ur.zeros(5).chunk(0), ArgumentError, "0 pieces"),
    (lambda: ur.zeros(()).unbind(), DimError, "apart"),
    (lambda: ur.zeros(2, 3).repeat(2), ShapeError, "one for each"),
    (lambda: ur.zeros(3).repeat_interleave(ur.tensor([1, 2])), ShapeError, "length 3"),
    (lambda: ur.zeros(2).tril(), ShapeError, "not a matrix"),
    (lambda: ur.zeros(2, 2, 2).diag(), ShapeError, "neither"),
    (lambda: ur.zeros(3).unfold(0, 4, 1), ShapeError, "window of 4"),
    (lambda: ur.zeros(3).unfold(0, 2, 0), ArgumentError, "step 0"),
    (lambda: ur.zeros(3).roll((1, 2)), ShapeError, "without dims"),
    (lambda: ur.zeros(3).roll((1, 2), 0), ShapeError, "2 shifts"),
    (lambda: ur.nn.functional.pad(ur.zeros(3), (1, 1, 1, 1)), ShapeError, "4 numbers"),
    (lambda: ur.nn.functional.pad(ur.zeros(1, 1, 3), (3, 0), "reflect"), ShapeError, "length 3"),
    (lambda: ur.nn.functional.pad(ur.zeros(3), (1, 1), "mirror"), ArgumentError, "mirror"),
    (lambda: ur.nn.functional.pad(ur.zeros(3), (-2, -2)), ShapeError, "taken away"),
    (lambda: ur.meshgrid(ur.zeros(2), indexing="yx"), ArgumentError, "yx"),
    (lambda: ur.meshgrid(ur.zeros(2, 2)), ShapeError, "vectors"),
]


@pytest.mark.parametrize(("f", "kind", "text"), ERRORS, ids=[text for _, _, text in ERRORS])
def test_errors_say_what_is_wrong(f: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        f()
    assert "test_shape.py" in str(caught.value)
