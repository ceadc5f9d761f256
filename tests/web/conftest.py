"""A server with the real engine and a real browser, one of each for a test process; pages that watch themselves."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .waiting import PATIENCE

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --force-color-profile=srgb"
).split()
PAGES = Path(os.environ.get("UPRIVER_PAGES", Path(__file__).parents[2] / "src" / "upriver" / "web" / "pages"))
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright; without one of the two these tests are skipped."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of ``upriver learn``, ended after the tests."""
    if not (PAGES / "index.html").exists():
        pytest.skip("the pages are not built")
    command = [sys.executable, "-m", "upriver", "learn", "--no-browser", "--port", str(8400 + os.getpid() % 1000)]
    environment = {**os.environ, "UPRIVER_LANG": "en", "PYTHONUNBUFFERED": "1", "UPRIVER_PAGES": str(PAGES)}
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        found = re.search(r"http://[\w.:\[\]-]+", line)
        if found:
            break
    else:
        pytest.fail(f"upriver learn ended: {said}")
    # What it says later must be read, or it would wait for a reader.
    reader = threading.Thread(target=running.stdout.read, daemon=True)
    reader.start()
    yield found[0].rstrip("/")
    running.terminate()
    try:
        running.wait(20)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    reader.join(10)
    running.stdout.close()


# Of names that lack the visible text, axe is not believed where the name does hold it: it takes some texts of
# pictures ("[[[[1]]]]", or Arabic between numbers) for icons.
_RUN_AXE = """async (asked) => {
  const plain = (text) => text.replace(/\\s+/g, ' ').trim();
  const holds = (target) => {
    const element = document.querySelector(target);
    return plain(element.ariaLabel ?? '').includes(plain(element.textContent));
  };
  const {violations} = await axe.run(document, asked);
  for (const one of violations)
    if (one.id === 'label-content-name-mismatch') one.nodes = one.nodes.filter((node) => !holds(node.target[0]));
  return violations.filter((one) => one.nodes.length);
}"""


@dataclass
class Watched:
    """A page, and what went wrong in it."""

    page: Any
    origin: str
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def go(self, hash_: str, ready: str | None = None) -> Any:
        """Open a page by its hash, such as ``#/lab``, and wait until it is there (and ``ready``, a selector, is)."""
        self.page.goto(f"{self.origin}/{hash_}")
        name = re.match(r"#/(\w+)", hash_)
        self.page.wait_for_selector(f'main[data-page="{name[1] if name else "learn"}"]')
        if ready:
            self.page.wait_for_selector(ready)
        return self.page

    def violations(self, *rules: str) -> list[str]:
        """What axe finds, by these of its rules or by all, one line for each kind, with the first places."""
        if not self.page.evaluate("() => 'axe' in window"):
            # The page's own policy forbids inline scripts: the tester's script comes by the debugger.
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        asked = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
        found = self.page.evaluate(_RUN_AXE, asked)
        return [
            f"{one['id']}: {one['help']}: " + " | ".join(node["html"][:160] for node in one["nodes"][:4])
            for one in found
        ]


Opener = Callable[..., Watched]


@pytest.fixture
def opened(browser: Any, server: str) -> Iterator[Opener]:
    """Make pages, as ``opened(language="ar", width=360)``; the test fails if one had an error or went outside."""
    made: list[tuple[Any, Watched]] = []

    def make(
        *, language: str = "en", theme: str = "light", width: int = 1280, height: int = 900, **more: Any
    ) -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale={"zh": "zh-CN"}.get(language, language), **more
        )
        kept = {"upriver.language": json.dumps(language), "upriver.theme": json.dumps(theme)}
        context.add_init_script(
            f"for (const [k, v] of Object.entries({json.dumps(kept)}))"
            "  if (!localStorage.getItem(k)) localStorage.setItem(k, v)"
        )
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        watched = Watched(page, server)
        page.on("console", lambda message: message.type in ("error", "warning") and watched.errors.append(message.text))
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((server, server.replace("http", "ws", 1), "data:", "blob:"))
                or watched.outside.append(request.url)
            ),
        )
        made.append((context, watched))
        return watched

    yield make
    for context, watched in made:
        context.close()
        assert watched.errors == []
        assert watched.outside == []
