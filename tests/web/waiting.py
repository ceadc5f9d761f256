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


_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
_SETTLED = """(part) => {
  const seen = (one) => one.getBoundingClientRect().top < innerHeight && one.getBoundingClientRect().bottom > 0;
  const passing = (one) => one.playState === 'running' && one.effect.getComputedTiming().endTime < 2000;
  return !document.querySelector(`${part} .waiting, ${part} [aria-busy=true]`) &&
    ![...document.querySelectorAll(`${part} figure[data-ready=false]`)].some(seen) &&
    !document.getAnimations().some(passing);
}"""


def settled(page: Any, part: str = "body") -> None:
    """Wait until what was begun is there: drawn, seen by its observers, no answer to come and no colour on its way."""
    page.evaluate(_FRAMES)
    until(page, _SETTLED, part)
    page.evaluate(_FRAMES)


def still(page: Any, value: Callable[[], Any]) -> Any:
    """Wait until this stays the same for a second, and tell what it is."""
    last, since = value(), time.monotonic()
    end = since + PATIENCE
    while time.monotonic() - since < 1:
        page.wait_for_timeout(100)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
        if since > end:
            pytest.fail("it changes on and on")
    return last
