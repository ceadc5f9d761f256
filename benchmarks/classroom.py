"""A class on one machine: learners that train a network each, and ask the lab in between, over real sockets.

    python benchmarks/classroom.py [--learners 30] [--minutes 0.5] [--session playground] [--every 3]

It starts `upriver learn` on a free port of this machine, measures it idle, then lets the learners in. Each opens a
session, takes its frames as a page does, asks the lab about an expression every few seconds, and begins its session
anew now and then, so that memory that is not given back shows. What it prints is for this machine, with the learners
themselves (this process) on the same processors.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

LONGEST = 180.0
EXPRESSION = "(relu(w1*x1 + w2*x2 + b) - y)**2"
SHAPES = ([4, 2], [8], [6, 4, 2], [8, 8], [5, 5], [3])
DATA = ("circle", "xor", "spiral", "clouds")


@dataclass
class Learner:
    """One learner, and what it has seen."""

    frames: int = 0
    bytes: int = 0
    steps: int = 0
    begun: int = 0
    asks: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def config(session: str, i: int, turn: int) -> dict[str, object]:
    """What a learner opens."""
    if session != "playground":
        return {"playing": True}
    side = {"data": DATA[i % len(DATA)], "layers": SHAPES[(i + turn) % len(SHAPES)], "seed": i, "rate": 0.03}
    return {"sides": [side], "playing": True}


async def learn(port: int, i: int, asked: argparse.Namespace, until: float, counting: asyncio.Event) -> Learner:
    """One learner, until the end."""
    seen = Learner()
    waiting: dict[int, float] = {}
    last = turn = 0
    number = 0
    chance = random.Random(i)
    when = time.monotonic() + chance.uniform(0, asked.every)
    again = time.monotonic() + chance.uniform(0.5, 1.5) * asked.again
    shown = 0.0

    async def begin(socket: ClientConnection) -> None:
        nonlocal last, number, turn, shown
        if number:
            await socket.send(json.dumps({"id": number, "stop": True}))
        last, turn, shown = last + 1, turn + 1, 0.0
        number = last
        waiting[number] = time.monotonic()
        given = config(asked.session, i, turn)
        await socket.send(json.dumps({"id": number, "open": asked.session, "with": given, "language": "en"}))

    origin = f"http://127.0.0.1:{port}"
    async with connect(f"ws://127.0.0.1:{port}/engine", origin=origin, max_size=None, compression=None) as socket:
        await begin(socket)
        while time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                data = await asyncio.wait_for(socket.recv(), 0.25)
                now = time.monotonic()
                if isinstance(data, bytes):
                    head = json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])
                    await socket.send(json.dumps({"id": head["id"], "seen": True}))
                    if head["id"] == number and counting.is_set():
                        seen.frames += 1
                        seen.bytes += len(data)
                        if shown:
                            seen.gaps.append(now - shown)
                        shown = now
                else:
                    told = json.loads(data)
                    if "error" in told:
                        seen.errors.append(told["error"]["kind"])
                    elif told.get("event") == "opened":
                        seen.opened.append(now - waiting.pop(told["id"]))
                    elif "answer" in told and counting.is_set():
                        seen.asks.append(now - waiting.pop(told["id"]))
            if time.monotonic() > when:
                when += asked.every
                last += 1
                values = {"w1": chance.uniform(-2, 2), "x1": 1, "w2": -1, "x2": 3, "b": 4, "y": 5}
                waiting[last] = time.monotonic()
                given = {"expression": EXPRESSION, "values": values}
                await socket.send(json.dumps({"id": last, "ask": "derive", "with": given, "language": "en"}))
            if time.monotonic() > again:
                again += asked.again
                await begin(socket)
    return seen


async def drag(port: int, count: int) -> list[float]:
    """The round trips of one learner who drags a value, on an idle machine."""
    times = []
    origin = f"http://127.0.0.1:{port}"
    async with connect(f"ws://127.0.0.1:{port}/engine", origin=origin, max_size=None, compression=None) as socket:
        for i in range(count + 5):
            begun = time.perf_counter()
            values = {"w": 2 + i / 100, "x": 3, "y": 10}
            given = {"expression": "(w*x - y)**2", "values": values}
            await socket.send(json.dumps({"id": i, "ask": "derive", "with": given, "language": "en"}))
            await socket.recv()
            times.append(time.perf_counter() - begun)
    return times[5:]


def processes(pid: int) -> dict[int, str]:
    """The server's processes: number → what each is."""
    found = {pid: "server"}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                command = (folder / "cmdline").read_text()
                found[int(folder.name)] = "asks" if '"kind": "asks"' in command else "sessions"
    return found


def worked(pids: dict[int, str]) -> dict[int, float]:
    """Processor seconds of each process so far."""
    seconds = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            seconds[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def memory(pid: int) -> tuple[float, int]:
    """Megabytes of a process and its children, and how many they are."""
    pids = processes(pid)
    total = 0.0
    for one in pids:
        with contextlib.suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) / 1024 if found else 0.0
    return total, len(pids)


def part(values: list[float], share: float) -> float:
    """A quantile."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else float("nan")


async def measure(port: int, pid: int, asked: argparse.Namespace) -> None:
    """Everything, printed as it comes."""
    times = await drag(port, 200)
    print(f"idle: drag to number  median {1e3 * statistics.median(times):.1f} ms, p95 {1e3 * part(times, 0.95):.1f} ms")
    print(f"idle: memory          {memory(pid)[0]:.0f} MB in {memory(pid)[1]} processes")
    counting = asyncio.Event()
    begun = time.monotonic()
    until = begun + asked.warm + 60 * asked.minutes
    learners = [asyncio.create_task(learn(port, i, asked, until, counting)) for i in range(asked.learners)]
    await asyncio.sleep(asked.warm)
    counting.set()
    before = worked(pids := processes(pid))
    while time.monotonic() < until - 1:
        await asyncio.sleep(min(asked.look, until - time.monotonic()))
        print(f"  {time.monotonic() - begun:6.0f} s  {memory(pid)[0]:6.0f} MB", flush=True)
    after = worked(pids)
    spent = dict.fromkeys(pids.values(), 0.0)
    for one, seconds in after.items():
        spent[pids[one]] += seconds - before[one]
    report(asked, await asyncio.gather(*learners), spent)


def report(asked: argparse.Namespace, found: list[Learner], spent: dict[str, float]) -> None:
    """The table."""
    seconds = 60 * asked.minutes
    frames = [one.frames for one in found]
    rate = sum(one.bytes for one in found) / seconds / 1e6
    asks = [x for one in found for x in one.asks]
    opened = [x for one in found for x in one.opened]
    gaps = [x for one in found for x in one.gaps]
    errors = [x for one in found for x in one.errors]
    rows = {
        "frames a second, each": f"median {statistics.median(frames) / seconds:.1f}, least {min(frames) / seconds:.1f}",
        "frames a second, all": f"{sum(frames) / seconds:.0f}, {rate:.1f} MB/s",
        "least share / largest": f"{min(frames) / max(max(frames), 1):.2f}",
        "between two frames": spread(gaps),
        "a lab request": spread(asks),
        "a session opened": spread(opened),
        "processor time": ", ".join(f"{kind} {1e3 * t / max(sum(frames), 1):.2f}" for kind, t in spent.items())
        + f" ms for each frame; of one processor {sum(spent.values()) / seconds:.0%}",
        "errors": f"{len(errors)} {sorted(set(errors))}",
    }
    print(f"{asked.learners} learners, {asked.session}, {asked.minutes:g} min, {os.cpu_count()} processors")
    for name, text in rows.items():
        print(f"  {name:<22}  {text}")


def spread(times: list[float]) -> str:
    """Median, p95 and the longest, in milliseconds."""
    return (
        f"median {1e3 * part(times, 0.5):.0f} ms, p95 {1e3 * part(times, 0.95):.0f} ms, "
        f"longest {1e3 * max(times, default=0):.0f} ms, of {len(times):,}"
    )


@contextlib.contextmanager
def served() -> Iterator[tuple[int, int]]:
    """A server of this machine: its port and its process."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "index.html").touch()  # nobody looks at the pages
        environment = {**os.environ, "UPRIVER_PAGES": folder, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "upriver", "learn", "--no-browser", "--port", "8700"]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            found = re.search(r":(\d+)/", server.stdout.readline())
            assert found is not None, "the server did not start"
            yield int(found[1]), server.pid
        finally:
            server.terminate()
            server.wait(10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--session", default="playground")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between a learner's lab requests")
    parser.add_argument("--again", type=float, default=20.0, help="seconds after which a learner begins anew")
    parser.add_argument("--warm", type=float, default=10.0, help="seconds before anything is counted")
    parser.add_argument("--look", type=float, default=10.0, help="seconds between two looks at memory")
    asked = parser.parse_args()
    if not 0 < asked.minutes <= LONGEST:
        parser.error(f"--minutes is at most {LONGEST:g}")
    with served() as (port, pid):
        asyncio.run(measure(port, pid, asked))


if __name__ == "__main__":
    main()
