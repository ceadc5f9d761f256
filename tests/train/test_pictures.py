from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from upriver.train import ACCURACY
from upriver.train.pictures import confusion, curves, gradient_flow, plane

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    root = ET.fromstring(svg)
    assert root.tag == SVG + "svg"
    assert "nan" not in svg
    assert "inf," not in svg
    return root


def words(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(SVG + "text")]


@pytest.mark.parametrize("epochs", [0, 1, 2, 30])
@pytest.mark.parametrize("metric", [None, ACCURACY])
def test_curves(epochs: int, metric: object) -> None:
    history = [
        {
            "epoch": i + 1,
            "train_loss": 2.0 / (i + 1),
            "val_loss": 2.1 / (i + 1),
            "train_accuracy": 0.5,
            "val_accuracy": 0.5,
        }
        for i in range(epochs)
    ]
    root = parsed(curves(history, metric))
    assert len(list(root.iter(SVG + "polyline"))) == (0 if epochs == 0 else 2 if metric is None else 4)
    if epochs:
        assert {"train", "validation"} <= set(words(root))


def test_curves_with_gaps_and_zeros() -> None:
    history = [{"epoch": i, "train_loss": v, "val_loss": None} for i, v in enumerate([1.0, None, 0.0, float("inf")], 1)]
    parsed(curves(history, None))


def test_lines_differ_in_more_than_colour() -> None:
    history = [{"epoch": i, "train_loss": 1 / i, "val_loss": 2 / i} for i in (1, 2, 3)]
    kinds = [line.get("class") or "" for line in parsed(curves(history, None)).iter(SVG + "polyline")]
    assert ["dash" in kind for kind in kinds] == [False, True]


@pytest.mark.parametrize(("epochs", "layers"), [(1, 1), (5, 3), (200, 8)])
def test_gradient_flow(epochs: int, layers: int) -> None:
    norms = np.abs(np.random.default_rng(0).normal(size=(epochs, layers)))
    norms[0, 0] = 0.0
    root = parsed(gradient_flow(range(1, epochs + 1), [f"layer<{i}>" for i in range(layers)], norms))
    assert {f"layer<{i}>" for i in range(layers)} <= set(words(root))


@pytest.mark.parametrize("classes", [2, 10, 40])
def test_confusion(classes: int) -> None:
    matrix = np.diag(np.arange(1, classes + 1))
    matrix[0, 1] = 3
    root = parsed(confusion(matrix, [f"class {i}" for i in range(classes)]))
    if classes <= 10:
        assert "3" in words(root)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_plane(classes: int) -> None:
    points = np.random.default_rng(0).normal(size=(50, 2))
    share = lambda x: np.eye(classes)[(x[:, 0] > 0).astype(int)] * 0.9 + 0.1 / classes
    parsed(plane(share, points, np.arange(50) % classes, "t & t", cells=10))
