"""Whatever comes through the socket, what goes back is an answer or a sentence, and the server stands."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings, strategies as st

pytest.importorskip("starlette")

from upriver.web.answering import Answering
from upriver.web.limits import Limits
from upriver.web.running import Sessions
from upriver.web.socket import Page
from upriver.web.workers import Setup

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner), max_leaves=6
)
WORDS = st.sampled_from(["fake", "counter", "nothing", ""]) | JSON
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 5) | JSON, "ask": WORDS, "open": WORDS, "tell": WORDS, "call": JSON, "with": JSON,
        "stop": JSON, "seen": JSON, "token": st.sampled_from(["t" * 16, "t"]) | JSON,
        "language": st.sampled_from(["ja", "xx"]) | JSON,
    },
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(MESSAGES | JSON, max_size=12), st.lists(st.text(), max_size=3))
def test_any_message(messages, texts):
    async def main():
        setup = Setup(
            {"fake": "fakes.engine"}, {"counter": "fakes.engine:Counter"}, Limits(asks=3, queue=4, sessions=2)
        )
        page = Page(None, Answering(1, setup), Sessions(1, setup), setup)
        for text in [*map(json.dumps, messages), *texts]:
            await page._take(text)
        await asyncio.sleep(0)
        for data, _ in page._outbox:
            told = json.loads(data)
            assert told["error"]["kind"] in ("input", "busy", "lost")
            assert told["error"]["sentence"]

    asyncio.run(main())
