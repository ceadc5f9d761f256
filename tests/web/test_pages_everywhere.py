"""Each page in each language, light and dark, at three widths: no error, nothing outside, no violation, no English."""

from __future__ import annotations

import re
from typing import Any

import pytest

from upriver.i18n import languages

from .waiting import settled

PAGES = ("learn", "slides", "questions", "glossary", "lab", "playground", "words", "steering", "progress")
WIDTHS = (360, 800, 1440)

# Names, notation and code are the same everywhere; a sentence is not: three English words in a row.
_ENGLISH = re.compile(r"(?<![\w.(/=-])(?:[A-Za-z][a-z']+ ){2,}[a-z']+")
_NAMES = re.compile(
    r"Upriver|TensorFlow|Rumelhart|Hinton|Williams|Learning representations by back-propagating errors|"
    r"Neural Networks|Zero to Hero|Backpropagation calculus|English"
)


def english(page: Any) -> list[str]:
    """What is left in English on a page in another language."""
    return _ENGLISH.findall(_NAMES.sub("", page.inner_text("body")))


def too_wide(page: Any) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("page", PAGES)
def test_page(opened: Any, page: str, language: str) -> None:
    watched = opened(language=language, width=WIDTHS[-1])
    shown = watched.go(f"#/{page}", "main h1")
    settled(shown)
    assert shown.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    assert shown.evaluate("document.documentElement.lang").startswith(language)
    for width in WIDTHS:
        shown.set_viewport_size({"width": width, "height": 900})
        # Of what axe looks at, the theme changes the colours only.
        for theme, rules in (("light", ()), ("dark", ("color-contrast",))):
            shown.select_option("[data-testid=theme]", theme)
            assert shown.evaluate("document.documentElement.dataset.theme") == theme
            settled(shown)
            assert watched.violations(*rules) == [], f"{theme} at {width} px"
        assert too_wide(shown) <= 1, f"at {width} px"
    if language != "en":
        assert english(shown) == []


@pytest.mark.parametrize("page", PAGES)
def test_high_contrast_and_forced_colours(opened: Any, page: str) -> None:
    watched = opened(theme="contrast", width=800)
    shown = watched.go(f"#/{page}", "main h1")
    for scheme in ("light", "dark"):
        shown.emulate_media(color_scheme=scheme)
        settled(shown)
        assert shown.evaluate("document.documentElement.dataset.theme") == f"contrast-{scheme}"
        assert watched.violations("color-contrast") == [], scheme
    shown.emulate_media(color_scheme="light", forced_colors="active")
    settled(shown)
    assert watched.violations() == []
