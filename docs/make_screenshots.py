"""Takes the pictures of the pages that the documentation shows: ``python docs/make_screenshots.py``.

Needs the extra ``browser`` and a Chromium. The pages are those of ``upriver learn``, as they are now.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parent / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def lesson(page: Any) -> None:
    """The first screen, some steps into the walk back."""
    for _ in range(5):
        page.get_by_role("button", name="Step", exact=True).first.click()
        page.wait_for_timeout(200)


def lab(page: Any) -> None:
    """A number opened."""
    page.wait_for_selector("[data-key]")
    page.locator("[data-key]").first.click()


def trained(page: Any) -> None:
    """After some seconds of training."""
    page.locator("button.main").first.click()
    page.wait_for_timeout(6000)
    page.locator("button.main").first.click()


def nothing(page: Any) -> None:
    """As it opens."""


# name, hash, language, theme, width, height, what is done first
SHOTS: list[tuple[str, str, str, str, int, int, Callable[[Any], None]]] = [
    ("page-lesson", "#/learn", "en", "light", 1280, 760, lesson),
    ("page-lesson-ar", "#/learn", "ar", "dark", 1280, 760, nothing),
    ("page-lab", "#/lab?e=(relu(w*x%2Bb)-y)**2&w=0.5&x=4&b=1&y=5", "en", "light", 1280, 860, lab),
    ("page-playground", "#/playground", "en", "light", 1280, 900, trained),
    ("page-words", "#/words", "ja", "light", 1280, 900, trained),
    ("page-steering", "#/steering", "zh", "dark", 1280, 900, trained),
    ("page-slides", "#/slides", "en", "light", 1280, 800, nothing),
]


def main(wanted: list[str]) -> None:
    """Take all of them, or those named."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "upriver", "learn", "--no-browser", "--port", "8390"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    found = re.search(r"http://[\w.:]+", server.stdout.readline())
    assert found is not None
    browser_path = next(path for name in BROWSERS if (path := shutil.which(name)))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            for name, place, language, theme, width, height, first in SHOTS:
                if wanted and name not in wanted:
                    continue
                context = browser.new_context(viewport={"width": width, "height": height})
                kept = {"upriver.language": language, "upriver.theme": theme}
                lines = [f"localStorage.setItem({json.dumps(k)}, {json.dumps(json.dumps(v))})" for k, v in kept.items()]
                context.add_init_script(";".join(lines))
                page = context.new_page()
                page.goto(f"{found[0]}/{place}")
                page.wait_for_selector("main h1")
                page.wait_for_timeout(1500)
                first(page)
                page.wait_for_timeout(700)
                page.mouse.move(2, 2)
                page.screenshot(path=IMAGES / f"{name}.png")
                context.close()
                print(IMAGES / f"{name}.png")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
