"""Waiting until something is so, as long as a slow and busy machine may need."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

PATIENCE = 60.0  # seconds: nothing takes as long; it is only how soon a failure is told


def until(page: Any, holds: str | Callable[[], Any], arg: Any = None) -> None:
    """Wait until this holds: an expression or function of the page's own, or a function here.

    Not ``page.wait_for_function``, which evaluates in the page later on, where its policy forbids that.
    """
    end = time.monotonic() + PATIENCE
    while not (page.evaluate(holds, arg) if isinstance(holds, str) else holds()):
        if time.monotonic() > end:
            pytest.fail(f"never so: {holds if isinstance(holds, str) else 'see the line that waits'}")
        page.wait_for_timeout(50)
