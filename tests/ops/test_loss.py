from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import upriver as ur
from upriver.core.registry import ops
from upriver.core.tensor import Tensor
from upriver.errors import ArgumentError, DimError, DTypeError, ShapeError

from .parity import agree

rng = np.random.default_rng(0)
Z = rng.standard_normal((6, 4)) * 3
T = np.array([0, 3, 1, 1, 2, 3])
WEIGHT = np.array([0.5, 1.0, 2.0, 0.0])
IMAGE, LABELS = rng.standard_normal((2, 4, 3, 5)), rng.integers(0, 4, (2, 3, 5))
REDUCTIONS = ["mean", "sum", "none"]


def F() -> Any:
    return pytest.importorskip("torch").nn.functional


# Classes.


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [-100, 1])
def test_cross_entropy_agrees_with_pytorch(reduction: str, smoothing: float, weighted: bool, ignore: int) -> None:
    torch = pytest.importorskip("torch")
    args = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": ignore}
    w, tw = (Tensor(WEIGHT), torch.tensor(WEIGHT)) if weighted else (None, None)
    for z, t in ((Z, T), (IMAGE, LABELS), (Z[0], T[0:1].reshape(()))):
        agree(lambda x, y: ops.cross_entropy(x, y, w, **args), lambda x, y: F().cross_entropy(x, y, tw, **args), z, t)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_with_class_probabilities(reduction: str, smoothing: float, weighted: bool) -> None:
    torch = pytest.importorskip("torch")
    args = {"reduction": reduction, "label_smoothing": smoothing}
    w, tw = (Tensor(WEIGHT), torch.tensor(WEIGHT)) if weighted else (None, None)
    for z in (Z, IMAGE, Z[0]):
        p = rng.random(z.shape)
        agree(lambda x, y: ops.cross_entropy(x, y, w, **args), lambda x, y: F().cross_entropy(x, y, tw, **args), z, p)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignore", [-100, 3])
def test_nll_agrees_with_pytorch(reduction: str, ignore: int) -> None:
    torch = pytest.importorskip("torch")
    args = {"reduction": reduction, "ignore_index": ignore}
    for z, t in ((Z, T), (IMAGE, LABELS), (Z[0], T[0:1].reshape(()))):
        agree(lambda x, y: ops.nll_loss(x, y, **args), lambda x, y: F().nll_loss(x, y, **args), z, t)
        agree(
            lambda x, y: ops.nll_loss(x, y, Tensor(WEIGHT), **args),
            lambda x, y: F().nll_loss(x, y, torch.tensor(WEIGHT), **args),
            z,
            t,
        )


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_cross_entropy_at_the_extremes(scale: float) -> None:
    z = (Z * scale).astype(np.float32)
    agree(ops.cross_entropy, F().cross_entropy, z, T, rtol=1e-5, atol=1e-6)
    z = z.copy()
    z[:, 0] = -np.inf
    z[0, 0] = 0
    agree(ops.cross_entropy, F().cross_entropy, z, T, rtol=1e-5, atol=1e-6)
    agree(ops.cross_entropy, F().cross_entropy, z + np.float32(3e4), T, rtol=1e-5, atol=1e-6)


def test_cross_entropy_twice() -> None:
    torch = pytest.importorskip("torch")
    x, other = Tensor(Z, requires_grad=True), torch.tensor(Z, requires_grad=True)
    (g,) = ur.grad(ops.cross_entropy(x, Tensor(T)), x, create_graph=True)
    (h,) = ur.grad((g**2).sum(), x)
    (tg,) = torch.autograd.grad(F().cross_entropy(other, torch.tensor(T)), other, create_graph=True)
    (th,) = torch.autograd.grad((tg**2).sum(), other)
    np.testing.assert_allclose(h.numpy(), th.numpy(), rtol=1e-9, atol=1e-12)


def test_a_label_outside_its_classes_is_named() -> None:
    z = ur.zeros(3, 4)
    with pytest.raises(DimError, match=r"label 4 at position 1 of the target is not one of 4 classes"):
        ops.cross_entropy(z, ur.tensor([0, 4, 1]))
    with pytest.raises(IndexError, match=r"label -1 at position 2"):
        ops.nll_loss(z, ur.tensor([0, 0, -1]))
    with pytest.raises(DimError, match=r"label 9 at position \[0, 1\]"):
        ops.cross_entropy(ur.zeros(1, 4, 2), ur.tensor([[0, 9]]))
    assert math.isfinite(ops.cross_entropy(z, ur.tensor([0, -100, 1])).item())
    assert math.isnan(ops.cross_entropy(z, ur.tensor([-100, -100, -100])).item())


def test_targets_that_do_not_fit() -> None:
    z = ur.zeros(3, 4)
    with pytest.raises(ShapeError, match=r"target of shape \[2\] does not fit an input of shape \[3, 4\]"):
        ops.cross_entropy(z, ur.tensor([0, 1]))
    with pytest.raises(DTypeError, match=r"classes are integers"):
        ops.cross_entropy(z, ur.tensor([0.0, 1.0, 2.0]))
    with pytest.raises(ShapeError, match=r"4 classes"):
        ops.cross_entropy(z, ur.tensor([0, 1, 2]), weight=ur.ones(3))
    with pytest.raises(ArgumentError, match=r"reduction = 'avg'"):
        ops.cross_entropy(z, ur.tensor([0, 1, 2]), reduction="avg")
    with pytest.raises(ArgumentError, match=r"label_smoothing = 2"):
        ops.cross_entropy(z, ur.tensor([0, 1, 2]), label_smoothing=2)
    with pytest.raises(ShapeError, match=r"no dimensions"):
        ops.cross_entropy(ur.tensor(1.0), ur.tensor(0))
    with pytest.raises(DTypeError, match=r"floating logits"):
        ops.cross_entropy(ur.tensor([[1, 2]]), ur.tensor([0]))


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_multi_margin(p: int, reduction: str) -> None:
    torch = pytest.importorskip("torch")
    args = {"p": p, "margin": 1.5, "reduction": reduction}
    agree(lambda x, y: ops.multi_margin_loss(x, y, **args), lambda x, y: F().multi_margin_loss(x, y, **args), Z, T)
    agree(
        lambda x, y: ops.multi_margin_loss(x, y, weight=Tensor(WEIGHT), **args),
        lambda x, y: F().multi_margin_loss(x, y, weight=torch.tensor(WEIGHT), **args),
        Z,
        T,
    )
    with pytest.raises(ArgumentError, match=r"p = 3"):
        ops.multi_margin_loss(Tensor(Z), Tensor(T), p=3)


# Numbers.

A, B = rng.standard_normal((4, 3)) * 2, rng.standard_normal((4, 3)) * 2
P, Q = rng.uniform(0.01, 0.99, (4, 3)), rng.uniform(0.01, 0.99, (4, 3))
SIGNS = np.array([[1.0, -1.0, 1.0]] * 4)


@pytest.mark.filterwarnings("ignore:reduction:UserWarning")
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("name", "a", "b", "args"),
    [
        ("mse_loss", A, B, {}),
        ("l1_loss", A, B, {}),
        ("smooth_l1_loss", A, B, {}),
        ("smooth_l1_loss", A, B, {"beta": 0.3}),
        ("smooth_l1_loss", A, B, {"beta": 0}),
        ("huber_loss", A, B, {}),
        ("huber_loss", A, B, {"delta": 0.3}),
        ("binary_cross_entropy", P, Q, {}),
        ("binary_cross_entropy_with_logits", A, Q, {}),
        ("kl_div", np.log(P), Q, {}),
        ("kl_div", np.log(P), np.log(Q), {"log_target": True}),
        ("hinge_embedding_loss", A, SIGNS, {"margin": 0.7}),
        ("soft_margin_loss", A, SIGNS, {}),
    ],
)
def test_losses_agree_with_pytorch(
    name: str, a: np.ndarray, b: np.ndarray, args: dict[str, Any], reduction: str
) -> None:
    learned = name not in ("hinge_embedding_loss", "soft_margin_loss")
    target, other = (), ()
    if not learned:
        torch = pytest.importorskip("torch")
        target, other = (Tensor(b),), (torch.tensor(b),)
    agree(
        lambda *x: getattr(ops, name)(*x, *target, reduction=reduction, **args),
        lambda *x: getattr(F(), name)(*x, *other, reduction=reduction, **args),
        *((a, b) if learned else (a,)),
    )


def test_kl_div_by_the_batch_and_of_zero() -> None:
    agree(
        lambda x, y: ops.kl_div(x, y, reduction="batchmean"),
        lambda x, y: F().kl_div(x, y, reduction="batchmean"),
        np.log(P),
        Q,
    )
    zero = Tensor(np.array([0.0, 1.0]))
    assert ops.kl_div(Tensor(np.log(P[0, :2])), zero, reduction="none").tolist()[0] == 0.0


def test_weights_of_binary_losses() -> None:
    torch = pytest.importorskip("torch")
    w = rng.random(3)
    agree(
        lambda x, t: ops.binary_cross_entropy_with_logits(x, t, Tensor(w), pos_weight=Tensor(w * 3)),
        lambda x, t: F().binary_cross_entropy_with_logits(x, t, torch.tensor(w), pos_weight=torch.tensor(w * 3)),
        A,
        Q,
    )
    agree(
        lambda x, t: ops.binary_cross_entropy(x, t, Tensor(np.ones((4, 3)) * w)),
        lambda x, t: F().binary_cross_entropy(x, t, torch.tensor(np.ones((4, 3)) * w)),
        P,
        Q,
    )


def test_binary_losses_at_the_extremes() -> None:
    torch = pytest.importorskip("torch")
    x = np.array([-1e4, 1e4, 0.0, -30.0], np.float32)
    t = np.array([1.0, 0.0, 1.0, 0.0], np.float32)
    for reduction in REDUCTIONS:
        agree(
            lambda x, r=reduction: ops.binary_cross_entropy_with_logits(x, Tensor(t), reduction=r),
            lambda x, r=reduction: F().binary_cross_entropy_with_logits(x, torch.tensor(t), reduction=r),
            x,
            rtol=1e-6,
            atol=1e-12,
        )
    ends = np.array([0.0, 1.0, 0.0, 1.0])
    agree(
        lambda x: ops.binary_cross_entropy(x, Tensor(t.astype(np.float64))),
        lambda x: F().binary_cross_entropy(x, torch.tensor(t.astype(np.float64))),
        ends,
        rtol=1e-8,
    )
    with pytest.raises(ArgumentError, match=r"outside \[0, 1\]"):
        ops.binary_cross_entropy(Tensor(x), Tensor(t))


@pytest.mark.parametrize(
    "name",
    ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "kl_div", "soft_margin_loss",
     "binary_cross_entropy_with_logits", "hinge_embedding_loss"],
)  # fmt: skip
def test_a_broadcast_between_input_and_target_is_an_error(name: str) -> None:
    with pytest.raises(ShapeError, match=r"\[4, 1\] and the target \[4\]"):
        getattr(ops, name)(ur.zeros(4, 1), ur.zeros(4))


def test_a_target_of_another_dtype_is_converted() -> None:
    assert ops.mse_loss(ur.tensor([1.0, 2.0]), ur.tensor([1, 4])).item() == 2.0
    assert ops.mse_loss(ur.tensor([1.0]), Tensor(np.array([2.0]))).dtype == np.float32


def test_unknown_arguments() -> None:
    x = ur.zeros(2)
    with pytest.raises(ArgumentError, match=r"'avg'"):
        ops.mse_loss(x, x, reduction="avg")
    with pytest.raises(ArgumentError, match=r"delta = 0"):
        ops.huber_loss(x, x, delta=0)
    with pytest.raises(ArgumentError, match=r"beta = -1"):
        ops.smooth_l1_loss(x, x, beta=-1)


# Vectors.


def test_vectors() -> None:
    torch = pytest.importorskip("torch")
    sign = np.array([1.0, -1.0, 1.0, -1.0])
    agree(ops.cosine_similarity, F().cosine_similarity, A, B)
    agree(lambda a, b: ops.cosine_similarity(a, b, 0), lambda a, b: F().cosine_similarity(a, b, 0), A, B)
    agree(ops.normalize, F().normalize, A)
    agree(lambda a: ops.normalize(a, 1.0, 0), lambda a: F().normalize(a, 1.0, 0), A)
    agree(ops.pairwise_distance, F().pairwise_distance, A, B)
    for swap in (False, True):
        agree(
            lambda a, b, c, s=swap: ops.triplet_margin_loss(a, b, c, swap=s),
            lambda a, b, c, s=swap: F().triplet_margin_loss(a, b, c, swap=s),
            A,
            B,
            B[::-1].copy(),
        )
    for r in REDUCTIONS:
        agree(
            lambda a, b, r=r: ops.cosine_embedding_loss(a, b, Tensor(sign), 0.1, r),
            lambda a, b, r=r: F().cosine_embedding_loss(a, b, torch.tensor(sign), 0.1, reduction=r),
            A,
            B,
        )
        agree(
            lambda a, b, r=r: ops.margin_ranking_loss(a, b, Tensor(SIGNS), 0.1, r),
            lambda a, b, r=r: F().margin_ranking_loss(a, b, torch.tensor(SIGNS), 0.1, reduction=r),
            A,
            B,
        )
    with pytest.raises(ShapeError, match=r"do not fit"):
        ops.cosine_embedding_loss(Tensor(A), Tensor(B), Tensor(SIGNS))
    assert ops.normalize(ur.zeros(1, 2)).tolist() == [[0.0, 0.0]]
