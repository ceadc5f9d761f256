"""Each page in each language, light and dark, at three widths: no error, nothing outside, no violation, no English."""

from __future__ import annotations

import re
from typing import Any

import pytest

from upriver.i18n import languages

PAGES = ("learn", "slides", "questions", "glossary", "lab", "playground", "words", "steering", "progress")
WIDTHS = (360, 800, 1440)

# Names, notation and code are the same everywhere; a sentence is not: three English words in a row.
_ENGLISH = re.compile(r"(?<![\w.(/=-])(?:[A-Za-z][a-z']+ ){3,}[a-z']+")
_NAMES = re.compile(
    r"Upriver|TensorFlow|Rumelhart|Hinton|Williams|Learning representations by back-propagating errors|"
    r"Neural Networks|Zero to Hero|Backpropagation calculus|English"
)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("page", PAGES)
def test_page(opened: Any, page: str, language: str, theme: str) -> None:
    watched = opened(language=language, theme=theme, width=WIDTHS[-1])
    shown = watched.go(f"#/{page}", "main h1")
    shown.wait_for_timeout(400)
    assert shown.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    assert shown.evaluate("document.documentElement.lang").startswith(language)
    assert shown.evaluate("document.documentElement.dataset.theme") == theme
    for width in WIDTHS:
        shown.set_viewport_size({"width": width, "height": 900})
        shown.wait_for_timeout(150)
        over = shown.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 1, f"{page} is {over} px too wide at {width}"
        assert watched.violations() == [], f"at {width} px"
    if language != "en":
        text = _NAMES.sub("", shown.inner_text("body"))
        assert _ENGLISH.findall(text) == []


def test_high_contrast_and_forced_colours(opened: Any) -> None:
    watched = opened(theme="contrast", width=800, forced_colors="active")
    for page in PAGES:
        watched.go(f"#/{page}", "main h1")
        assert watched.violations() == [], page
