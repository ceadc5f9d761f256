from collections import namedtuple

import numpy as np
import pytest

import upriver as ur
from upriver.data import default_collate, default_convert
from upriver.errors import DTypeError, ShapeError

Pair = namedtuple("Pair", "x y")


@pytest.mark.parametrize(
    "batch",
    [
        [1, 2],
        [1.5, 2.5],
        [True, False],
        [np.float32(1), np.float32(2)],
        [np.ones(3), np.zeros(3)],
        [np.ones((2, 2), np.uint8)] * 3,
        [(1, 2.0), (3, 4.0)],
        [[1, np.ones(2)], [3, np.zeros(2)]],
        [{"a": 1, "b": [1.0, 2]}, {"a": 2, "b": [3.0, 4]}],
        [Pair(1, 2.0), Pair(3, 4.0)],
        ["a", "b"],
        [("a", 1), ("b", 2)],
    ],
)
def test_as_pytorch_does_it(batch):
    torch = pytest.importorskip("torch")

    def plain(x):
        if isinstance(x, (ur.Tensor, torch.Tensor)):
            return "tensor", str(x.dtype).removeprefix("torch."), tuple(x.shape), x.tolist()
        if isinstance(x, dict):
            return {k: plain(v) for k, v in x.items()}
        return (type(x).__name__, [plain(v) for v in x]) if isinstance(x, (tuple, list)) else x

    assert plain(default_collate(batch)) == plain(torch.utils.data.default_collate(batch))


def test_tensors_are_stacked_and_keep_their_history():
    w = ur.tensor([1.0, 2.0], requires_grad=True)
    out = default_collate([w * 2, w * 3])
    assert out.tolist() == [[2.0, 4.0], [3.0, 6.0]]
    out.sum().backward()
    assert w.grad.tolist() == [5.0, 5.0]


def test_unequal_samples_are_named():
    with pytest.raises(ShapeError, match=r"sample 2 of the batch has shape \[3\], sample 0 has \[2\]"):
        default_collate([np.ones(2), np.ones(2), np.ones(3)])
    with pytest.raises(ShapeError, match="sample 1 of the batch has 1 parts, sample 0 has 2"):
        default_collate([(1, 2), (1,)])
    with pytest.raises(DTypeError, match="of type object cannot"):
        default_collate([object()])


def test_single_samples_are_converted():
    out = default_convert({"x": np.ones(2), "y": (np.float32(1.0), "a"), "z": Pair(1, 2)})
    assert isinstance(out["x"], ur.Tensor)
    assert out["y"][0].dtype == np.float32
    assert out["z"] == Pair(1, 2)
