from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.graph import Graph
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import ArgumentError, DTypeError, ShapeError

from .parity import agree

rng = np.random.default_rng(0)
SHAPES = [((5, 4), (7, 4), (7, 3)), ((2, 5, 4), (2, 7, 4), (2, 7, 3)), ((2, 3, 5, 4),) * 3]


def F() -> Any:
    return pytest.importorskip("torch").nn.functional


def qkv(shapes: Any, scale: float = 1.0) -> list[np.ndarray]:
    return [rng.standard_normal(s) * scale for s in shapes]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("kind", ["none", "causal", "bool", "float", "scale"])
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_agrees_with_pytorch(shapes: Any, kind: str, size: float) -> None:
    torch = pytest.importorskip("torch")
    given = qkv(shapes, size)
    length = (given[0].shape[-2], given[1].shape[-2])
    mask: Any = None
    if kind == "bool":
        mask = rng.random(length) > 0.3
        mask[:, 0] = True
    elif kind == "float":
        mask = rng.standard_normal(length)
        mask[0, 1:] = -np.inf
    args: dict[str, Any] = {"is_causal": kind == "causal", "scale": 0.3 if kind == "scale" else None}
    attend = "scaled_dot_product_attention"
    agree(
        lambda q, k, v: ops.scaled_dot_product_attention(q, k, v, None if mask is None else Tensor(mask), **args),
        lambda q, k, v: getattr(F(), attend)(q, k, v, None if mask is None else torch.tensor(mask), **args),
        *given,
        rtol=1e-7,
        atol=1e-9,
    )


def test_a_query_that_may_look_at_nothing_gets_zero() -> None:
    q, k, v = [Tensor(a, requires_grad=True) for a in qkv(SHAPES[0])]
    mask = np.ones((5, 7), np.bool_)
    mask[2] = False
    out = ops.scaled_dot_product_attention(q, k, v, Tensor(mask))
    assert out[2].tolist() == [0.0, 0.0, 0.0]
    out.sum().backward()
    assert q.grad is not None
    assert np.isfinite(q.grad.numpy()).all()
    assert not q.grad[2].numpy().any()


def test_excluded_keys_may_hold_any_finite_number() -> None:
    q, k, v = qkv(((3, 2), (3, 2), (3, 2)))
    k[2] *= 1e6
    out = ops.scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v), is_causal=True)
    np.testing.assert_allclose(out[0].numpy(), v[0])
    assert np.isfinite(out.numpy()).all()


def test_one_array_of_the_size_of_the_scores_is_kept() -> None:
    q, k, v = [Tensor(a, requires_grad=True) for a in qkv(((2, 50, 4),) * 3)]
    out = ops.scaled_dot_product_attention(q, k, v, is_causal=True)
    kept = {id(n.out): n.out for n in Graph.of(out) if n.out is not None}
    for node in Graph.of(out):
        kept.update({id(x.array): x.array for x in node.inputs if isinstance(x, Tensor)})
    assert sum(a.shape == (2, 50, 50) for a in kept.values()) == 1


def test_what_does_not_fit() -> None:
    x = ur.zeros(2, 3)
    with pytest.raises(ShapeError, match=r"query \[2, 3\], key \[2, 4\]"):
        ops.scaled_dot_product_attention(x, ur.zeros(2, 4), x)
    with pytest.raises(ShapeError, match=r"mask"):
        ops.scaled_dot_product_attention(x, x, x, ur.zeros(3, 3) > 0)
    with pytest.raises(ArgumentError, match=r"both"):
        ops.scaled_dot_product_attention(x, x, x, ur.zeros(2, 2), is_causal=True)
    with pytest.raises(DTypeError, match=r"int64"):
        ops.scaled_dot_product_attention(x, x, x, ur.zeros(2, 2).long())
