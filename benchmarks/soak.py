"""A class that goes on for an hour, gently: does the server's memory stay where it is?

    python benchmarks/soak.py [--minutes 60] [--learners 8] [--share 0.3] [--every 2] [--seed 1]

It starts `upriver learn` on a free port of this machine and lets a few learners in, who come and go. Each opens one
session after another: mostly a playground of a configuration that was not there before, so that programs are compiled
and dropped, now and then the next-word lab or the steering lab; changes it, opens a gradient, freezes a step; asks the
lab in between; and leaves after some minutes, one in three by a connection that breaks. They take their frames as
slowly as it needs for the server's processes together to take `--share` of one processor: the machine stays usable.

Every few minutes it prints a line: sessions and questions so far, and the resident memory of the server, of the
processes that answer and of those that carry sessions. At the end: how much that grows per hour (a straight line laid
through the second half, when everything has been used once), and how long questions took. Ctrl-C ends it early, with
the same report. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classroom import processes, served, spread, worked
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

MB = 2**20
KINDS = ("server", "asks", "sessions")
CODE = "model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))\nx = [[1, 2]]\ny = [[0.5]]\nloss = mse_loss(model(x), y)"


@dataclass
class Seen:
    """What all learners have seen together."""

    pause: float = 0.2  # seconds that a learner looks at a frame
    learners: int = 0
    dropped: int = 0
    frames: int = 0
    sessions: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)


def configuration(chance: random.Random) -> dict[str, Any]:
    """A playground that was hardly ever there before."""

    def side() -> dict[str, Any]:
        return {
            "data": chance.choice(("circle", "xor", "clouds", "spiral", "moons", "plane", "hills")),
            "layers": [chance.randint(1, 10) for _ in range(chance.randint(1, 3))],
            "activation": chance.choice(("tanh", "relu", "sigmoid", "gelu", "silu")),
            "optimiser": chance.choice(("sgd", "momentum", "rmsprop", "adam", "adamw")),
            "penalty": chance.choice(("none", "none", "l1", "l2")),
            "features": chance.choice((["x", "y"], ["x", "y", "xy"], ["x²", "y²"])),
            "batch": chance.choice((5, 10, 20, 32)),
            "count": chance.choice((100, 200, 300)),
            "rate": chance.choice((0.01, 0.03, 0.1)),
            "seed": chance.randrange(10_000),
        }

    return {"sides": [side() for _ in range(1 if chance.random() < 0.85 else 2)], "playing": True}


def question(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """A question of the lab, and its name."""
    values = {"w": chance.uniform(-2, 2), "x": chance.randint(1, 9), "b": 4, "y": 5}
    one = {"expression": "(relu(w*x + b) - y)**2", "values": values}
    return chance.choice(
        (
            ("derive", one),
            (
                "derive",
                {"expression": "mean((tanh(x @ w) - y)**2)", "values": {"x": [[1, 2]], "w": [[1], [3]], "y": 2}},
            ),
            ("check", {**one, "name": "w"}),
            ("nudge", {**one, "name": "w", "by": chance.uniform(0.01, 0.3)}),
            ("paths", {**one, "name": "w"}),
            ("network", {"code": CODE.replace("3", str(chance.randint(2, 5)))}),
            ("flow", {"depth": chance.randint(2, 12), "activation": "tanh", "seed": chance.randrange(99)}),
            ("descent", {**one, "name": "w", "lr": chance.uniform(0.001, 0.02), "steps": 20}),
        )
    )


class Learner:
    """One learner: one connection, some sessions one after another, some questions."""

    def __init__(self, socket: ClientConnection, seen: Seen, chance: random.Random, every: float) -> None:
        self.socket, self.seen, self.chance, self.every = socket, seen, chance, every
        self.last = self.session = 0
        self.name = ""
        self.waiting: dict[int, float] = {}
        self.looking: set[asyncio.Task[None]] = set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send(json.dumps({**message, "language": "en"}))

    async def begin(self) -> None:
        """Another session instead of the one that is open."""
        if self.session:
            await self.send({"id": self.session, "stop": True})
        self.last += 1
        self.session = self.last
        self.name = self.chance.choices(("playground", "words", "steering"), (8, 1, 1))[0]
        given = configuration(self.chance) if self.name == "playground" else {"playing": True}
        self.seen.sessions[self.name] += 1
        await self.send({"id": self.session, "open": self.name, "with": given})

    async def tell(self) -> None:
        """Something to the session that is open."""
        messages: list[tuple[str, dict[str, Any]]] = [("pause", {}), ("play", {}), ("play", {})]
        if self.name == "playground":
            messages += [("set", {"rate": self.chance.uniform(0.01, 0.1)}), ("freeze", {}), ("play", {})]
            messages += [("reset", configuration(self.chance))] * 2
        what, given = self.chance.choice(messages)
        self.seen.told[what] += 1
        await self.send({"id": self.session, "tell": what, "with": given, "call": self.last})

    async def ask(self) -> None:
        """A question to the lab."""
        name, given = question(self.chance)
        self.last += 1
        self.waiting[self.last] = time.monotonic()
        self.seen.asked[name] += 1
        await self.send({"id": self.last, "ask": name, "with": given})

    async def act(self, until: float) -> None:
        """Do something now and then; then close the connection, or let it break."""
        loop = asyncio.get_running_loop()
        again = 0.0
        while loop.time() < until:
            if loop.time() > again:
                again = loop.time() + self.chance.uniform(15, 45)
                await self.begin()
            await asyncio.sleep(self.chance.uniform(0.5, 1.5) * self.every)
            await (self.tell() if self.chance.random() < 0.3 else self.ask())
        if self.chance.random() < 1 / 3:
            self.seen.dropped += 1
            self.socket.transport.abort()
        else:
            await self.socket.close()

    async def look(self, number: int) -> None:
        """At a frame, for a while."""
        await asyncio.sleep(self.chance.uniform(0.5, 1.5) * self.seen.pause)
        with contextlib.suppress(ConnectionClosed):
            await self.send({"id": number, "seen": True})

    async def listen(self) -> None:
        """Take what comes, a frame after the other."""
        async for data in self.socket:
            if isinstance(data, bytes):
                self.seen.frames += 1
                number = json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])["id"]
                looking = asyncio.create_task(self.look(number))
                self.looking.add(looking)
                looking.add_done_callback(self.looking.discard)
                continue
            told = json.loads(data)
            if "error" in told and ("call" not in told or told["id"] == self.session):
                self.seen.errors[f"{told['error']['kind']}: {told['error']['sentence'][:90]}"] += 1
            begun = self.waiting.pop(told["id"], None)
            if begun is not None:
                self.seen.times.append(time.monotonic() - begun)


async def seat(port: int, place: int, seen: Seen, asked: argparse.Namespace) -> None:
    """A place in the class: one learner after the other sits there."""
    chance = random.Random(f"{asked.seed} {place}")
    await asyncio.sleep(place)
    while True:
        seen.learners += 1
        until = asyncio.get_running_loop().time() + chance.uniform(30, 180)
        origin = f"http://127.0.0.1:{port}"
        uri = f"ws://127.0.0.1:{port}/engine"
        async with connect(uri, origin=origin, max_size=None, compression=None) as socket:
            learner = Learner(socket, seen, chance, asked.every)
            acting, listening = asyncio.create_task(learner.act(until)), asyncio.create_task(learner.listen())
            try:
                await asyncio.wait({acting, listening})
                for task in (acting, listening):
                    if not isinstance(task.exception(), (ConnectionClosed, type(None))):
                        task.result()
            finally:
                acting.cancel()
                listening.cancel()
        await asyncio.sleep(chance.uniform(0, 10))


def resident(pids: dict[int, str]) -> dict[str, float]:
    """Resident memory in MB, of each kind of process."""
    sizes = dict.fromkeys(KINDS, 0.0)
    for pid, kind in pids.items():
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            sizes[kind] += pages * os.sysconf("SC_PAGE_SIZE") / MB
    return sizes


def slope(points: list[tuple[float, float]]) -> float:
    """Of the straight line nearest to points."""
    if len(points) < 2:
        return float("nan")
    x0, y0 = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((x - x0) * (y - y0) for x, y in points) / sum((x - x0) ** 2 for x, _ in points)


def line(minutes: float, seen: Seen, sizes: dict[str, float], share: float) -> str:
    """How things stand."""
    parts = ", ".join(f"{kind} {sizes[kind]:.0f}" for kind in KINDS)
    begun = sum(seen.sessions.values()) + seen.told["reset"]
    return (
        f"{minutes:6.1f} min  {sum(sizes.values()):5.0f} MB ({parts})  {begun:,} begun, "
        f"{len(seen.times):,} answers, {share:.0%} of a processor"
    )


async def measure(port: int, pid: int, asked: argparse.Namespace) -> None:
    """Everything, printed as it comes."""
    seen = Seen()
    seats = [asyncio.create_task(seat(port, place, seen, asked)) for place in range(asked.learners)]
    looks: list[tuple[float, dict[str, float]]] = []
    ever: set[int] = set()
    begun = last = time.monotonic()
    before = worked(processes(pid))
    total, shown = 0.0, 0.0
    try:
        while (now := time.monotonic()) < begun + 60 * asked.minutes:
            await asyncio.sleep(5)
            for task in seats:
                if task.done():
                    task.result()  # a learner failed: say why
            pids = processes(pid)
            ever |= set(pids)
            after = worked(pids)
            spent = sum(after[pid] - before.get(pid, 0.0) for pid in after)
            before, total = after, total + spent
            share = spent / (time.monotonic() - now)
            seen.pause = min(max(seen.pause * min(max(share / asked.share, 0.8), 1.25), 0.02), 5.0)
            looks.append(((time.monotonic() - begun) / 60, resident(pids)))
            if time.monotonic() - last > 60 * asked.look or not shown:
                last = shown = time.monotonic()
                print(line(*looks[-1][:1], seen, looks[-1][1], total / (last - begun)), flush=True)
    finally:
        for task in seats:
            task.cancel()
        report(asked, seen, looks, total / (time.monotonic() - begun), len(ever))


def report(
    asked: argparse.Namespace, seen: Seen, looks: list[tuple[float, dict[str, float]]], share: float, ever: int
) -> None:
    """The end of it."""
    if not looks:
        return
    minutes = looks[-1][0]
    half = [look for look in looks if look[0] >= minutes / 2]
    print(line(minutes, seen, looks[-1][1], share))
    for kind in (*KINDS, "total"):
        points = [(at / 60, sizes[kind] if kind in sizes else sum(sizes.values())) for at, sizes in half]
        most = max(y for _, y in points)
        print(f"  {kind:<9} grows by {slope(points):+7.1f} MB an hour in the second half; at most {most:.0f} MB")
    print(f"  {seen.learners:,} learners, {asked.learners} at a time; {seen.dropped:,} connections broken")
    print(f"  {ever} processes were used; {seen.frames:,} frames were taken")
    for name, count in (("sessions", seen.sessions), ("messages", seen.told), ("questions", seen.asked)):
        told = ", ".join(f"{key} {n:,}" for key, n in count.most_common())
        print(f"  {sum(count.values()):,} {name}: {told}")
    print(f"  an answer took: {spread(seen.times)}")
    print(f"  errors: {dict(seen.errors.most_common(5)) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--learners", type=int, default=8, help="at a time")
    parser.add_argument("--share", type=float, default=0.3, help="of one processor, that the server is to take")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two things that a learner does")
    parser.add_argument("--look", type=float, default=2.0, help="minutes between two lines")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if not 0 < asked.minutes <= 1000 or not 1 <= asked.learners <= 60 or asked.share <= 0:
        parser.error("--minutes is at most 1000, --learners at most 60, --share positive")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    with served() as (port, pid), contextlib.suppress(KeyboardInterrupt):
        asyncio.run(measure(port, pid, asked))


if __name__ == "__main__":
    main()
