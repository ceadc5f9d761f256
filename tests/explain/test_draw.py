"""One call that draws: names, gradients, files, notebooks."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

import upriver as ur
from upriver.errors import ArgumentError, FileError


def test_names_values_and_gradients_without_backward() -> None:
    weight, x = ur.tensor(2.0, requires_grad=True), ur.tensor(3.0)
    loss = (weight * x - 10.0) ** 2
    picture = ur.draw(loss)
    ElementTree.fromstring(str(picture))
    for said in ("weight", "gradient −24", "loss = "):
        assert said in str(picture)
    assert weight.grad is None
    assert str(ur.draw(ur.Graph.of(loss))) == str(picture)
    assert "other" in str(ur.draw(loss, names_of={"other": weight}))


def test_it_is_the_picture_of_the_explanation() -> None:
    w = ur.tensor(2.0, requires_grad=True)
    loss = (w * 3 - 10) ** 2
    assert str(ur.draw(loss, theme="dark")).count("<g>") == ur.explain(loss).svg(theme="dark").count("<g>")


def test_of_many_numbers_the_gradients_are_not_made_up() -> None:
    w = ur.ones(2, requires_grad=True)
    assert "gradient not computed" in str(ur.draw(w * 3))
    assert "<svg" in str(ur.draw(ur.ones(2)))
    assert "<svg" in str(ur.draw(w))
    with ur.no_grad():
        assert "<svg" in str(ur.draw((w * 3).sum()))


def test_files_and_notebooks(tmp_path: Path) -> None:
    w = ur.tensor(2.0, requires_grad=True)
    picture = ur.draw(w * w, budget=10)
    picture.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == str(picture) == picture._repr_svg_()
    assert "characters of SVG" in repr(picture)
    with pytest.raises(FileError, match="cannot be written"):
        picture.save(tmp_path / "nowhere" / "graph.svg")


def test_wrong_input() -> None:
    with pytest.raises(ArgumentError, match="this is a float"):
        ur.draw(3.0)
    with pytest.raises(ArgumentError, match="theme"):
        ur.draw(ur.ones(1), theme="pink")
