"""The pages in a real browser: what the first lesson loads, how soon it can be used, and how fast the rest answers.

    python benchmarks/pages.py [--runs 5]

It starts `upriver learn` on a free port of this machine and drives Chromium by Playwright: a new browser context for
each load, nothing cached. What it prints is for this machine, with the browser on the same processors.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

WORKED = "#/lab?" + urlencode({"e": "(w*x - y)**2", "w": 2, "x": 3, "y": 10})
MANY = 75  # products: 300 boxes and a little
BOXES = "document.querySelectorAll('.graph .box').length"
STEP = """async () => {
  const took = [];
  for (let i = 0; i < 60; i++) {
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const begun = performance.now();
    dispatchEvent(new KeyboardEvent('keydown', {key: i < 30 ? 'ArrowLeft' : 'ArrowRight', cancelable: true}));
    for (let j = 0; j < 4; j++) await Promise.resolve();  // what Preact draws, it draws in a microtask
    document.querySelector('.pane svg').getBoundingClientRect();  // styles and places too
    document.querySelector('.drawer').getBoundingClientRect();
    took.push(performance.now() - begun);
  }
  return took;
}"""


@contextmanager
def server() -> Iterator[str]:
    """`upriver learn`, until the end."""
    command = [sys.executable, "-m", "upriver", "learn", "--no-browser", "--port", "8970"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "UPRIVER_LANG": "en"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        found = re.search(r"http://[\w.:]+", running.stdout.readline())
        if not found:
            raise SystemExit("upriver learn did not start")
        try:
            yield found[0]
        finally:
            running.terminate()


def first_lesson(browser: Any, origin: str) -> dict[str, float]:
    """A first visit: the kilobytes that come, and the time until the step that is pressed is shown."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    kinds: dict[str, str] = {}
    bytes_: dict[str, float] = {"script": 0.0, "all": 0.0}
    wire.on("Network.responseReceived", lambda e: kinds.setdefault(e["requestId"], e["response"]["url"]))

    def finished(event: dict[str, Any]) -> None:
        size = float(event["encodedDataLength"])
        bytes_["all"] += size
        if kinds.get(event["requestId"], "").endswith(".js"):
            bytes_["script"] += size

    wire.on("Network.loadingFinished", finished)
    page.goto(f"{origin}/#/learn")
    page.wait_for_selector("[data-testid=step]:not([disabled])")
    ready = page.evaluate("performance.now()")
    before = page.inner_text("[data-figure] .step-sentence >> nth=0")
    pressed = page.evaluate("performance.now()")
    page.click("[data-testid=step]")
    while page.inner_text("[data-figure] .step-sentence >> nth=0") == before:
        page.wait_for_timeout(5)
    answered = page.evaluate("performance.now()") - pressed
    page.wait_for_timeout(500)
    context.close()
    return {"script": bytes_["script"] / 1000, "all": bytes_["all"] / 1000, "ready": ready, "answered": answered}


def graph_step(page: Any, origin: str) -> tuple[int, float]:
    """Boxes, and the median milliseconds of a step among them, drawn."""
    values = {f"{name}{i}": (i % 7) - 3 or 1 for i in range(MANY) for name in "wx"}
    page.goto(f"{origin}/#/lab?" + urlencode({"e": " + ".join(f"w{i}*x{i}" for i in range(MANY)), **values}))
    page.wait_for_selector('.lab[data-ready="1"]')
    page.select_option(".levels select", "all")
    while page.evaluate(BOXES) < 290:
        page.wait_for_timeout(50)
    return page.evaluate(BOXES), statistics.median(page.evaluate(STEP))


def drag(page: Any, origin: str) -> float:
    """Median milliseconds from a changed value to its answer, as the lab measures them."""
    page.goto("about:blank")
    page.goto(f"{origin}/{WORKED}")
    page.wait_for_selector('.lab[data-ready="1"]')
    page.get_by_role("spinbutton", name="w =").focus()
    for _ in range(60):
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(30)
    return float(page.get_attribute(".trip", "data-trip"))


def frames(page: Any, origin: str, seconds: float = 5) -> tuple[float, float]:
    """Frames and training steps a second of the playground's usual network."""
    page.goto(f"{origin}/#/playground")
    page.click("[data-testid=play]:not([disabled])")
    page.wait_for_timeout(1500)
    count = """seconds => new Promise(done => {
      const canvas = document.querySelector('[data-testid=map-0] canvas');
      const at = document.querySelector('[data-testid=at]');
      const step = () => Number(at.textContent.replace(/\\D/g, ''));
      const draw = CanvasRenderingContext2D.prototype.putImageData;
      let painted = 0;
      CanvasRenderingContext2D.prototype.putImageData = function (...given) {
        if (this.canvas === canvas || !this.canvas.isConnected) painted += 1;
        return draw.apply(this, given);
      };
      const from = step(), begun = performance.now();
      setTimeout(() => {
        const took = (performance.now() - begun) / 1000;
        done([painted / took, (step() - from) / took]);
      }, seconds * 1000);
    })"""
    painted, steps = page.evaluate(count, seconds)
    return painted, steps


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=5)
    runs = asked.parse_args().runs
    path = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    with server() as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the beginning")
        visits = [first_lesson(browser, origin) for _ in range(runs)]
        middle = {key: statistics.median(visit[key] for visit in visits) for key in visits[0]}
        best = min(visit["ready"] for visit in visits)
        print(f"first lesson: script {middle['script']:.0f} kB, all {middle['all']:.0f} kB as sent")
        print(f"first lesson: the step can be pressed after {middle['ready']:.0f} ms (best {best:.0f})")
        print(f"first lesson: a step that is pressed is shown after {middle['answered']:.0f} ms")
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        boxes, took = graph_step(page, origin)
        print(f"lab: a step among {boxes} boxes {took:.1f} ms")
        print(f"lab: from a dragged value to its answer {drag(page, origin):.0f} ms")
        painted, steps = frames(page, origin)
        print(f"playground: {painted:.0f} frames and {steps:.0f} steps a second")
        browser.close()
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
