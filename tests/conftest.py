"""What all tests share: threads, English, one profile for hypothesis, the defaults restored."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["UPRIVER_LANG"] = "en"  # whatever the locale of the machine

settings.register_profile("upriver", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("upriver")


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    """Each test finds the defaults as they are at import, whatever ran before it."""
    import upriver as ur

    assert ur.is_grad_enabled()
    yield
    ur.set_default_dtype(ur.float32)
    ur.record_source_lines(True)


@pytest.fixture
def built() -> None:
    """Skips the test where the pages were not built: the page in one file is made of their script."""
    from upriver.errors import FileError
    from upriver.explain.single import read_single

    try:
        read_single()
    except FileError as error:
        pytest.skip(str(error.message))
