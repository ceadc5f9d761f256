"""What is told of paths: the share that they cover, and what else is in ``.grad``."""

from __future__ import annotations

import pytest

import upriver as ur
from upriver.explain.paths import paths


def test_the_share_is_of_magnitudes_whatever_the_signs() -> None:
    w = ur.tensor(1.0, dtype=ur.float64, requires_grad=True)
    found = paths(w * 5.0 - w * 4.0 + w * 1.0, w, k=2)
    assert [path.contribution for path in found.paths] == [5.0, -4.0]
    assert (found.gradient, found.covered, found.rest) == (2.0, 1.0, 1.0)
    assert (found.mass, found.share) == (10.0, pytest.approx(0.9))
    assert "90.0% of all magnitudes); the rest is 1" in found.text()


def test_what_other_passes_added_to_the_stored_gradient_is_told() -> None:
    w = ur.tensor(3.0, requires_grad=True)
    loss = w * w
    assert "not stored" in paths(loss, w).text()
    (w * 10.0).backward()
    loss.backward()
    assert "stored in .grad: 16, which other calls of backward() added to as well" in paths(loss, w).text()
    w.grad = None
    again = w * w
    again.backward()
    assert "stored" not in paths(again, w).text()
