"""The examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import upriver

MODULES = ["upriver", *(found.name for found in pkgutil.walk_packages(upriver.__path__, "upriver."))]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if name == "upriver.explain.page":
        request.getfixturevalue("built")
    module = importlib.import_module(name)
    monkeypatch.chdir(tmp_path)  # for what an example writes without saying where
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testmod(module, optionflags=flags)
    assert failed == 0, f"{failed} of {tried} examples of {name} fail; the output says which"
