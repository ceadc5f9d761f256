"""Infinities and NaN are values here: NumPy's warnings of them name our lines, and stay silent; the user's do not."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import upriver as ur


def test_kernels_and_rules_are_silent() -> None:
    x = ur.Tensor(np.array([0.0, -1.0, 1e4, np.inf, np.nan], np.float32), requires_grad=True)
    y = ur.log(x) + ur.exp(x) + x / 0.0 + x**0.5 + ur.sqrt(x) + 1.0 / x
    y.sum().backward()
    assert np.isnan(y.array).any()
    with ur.no_grad():
        x /= 0.0
        x *= 1e38


def test_the_users_own_warnings_are_kept() -> None:
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.log(np.zeros(1))


@pytest.mark.parametrize(("code", "silent"), [("ur.log(x); (x / x).sum()", True), ("np.log(np.zeros(1))", False)])
def test_outside_of_tests_too(code: str, silent: bool) -> None:
    program = f"import numpy as np, upriver as ur; x = ur.zeros(2); {code}"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == silent, done.stderr
