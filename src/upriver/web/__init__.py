"""The pages in a browser: a server on this machine that serves them and answers what they ask.

What is asked and what runs on is computed by the engine in worker processes (:mod:`.work`); the server
(:mod:`.app`) serves files, hands questions on and answers on time. Starlette and uvicorn are imported by no other part.
"""

from __future__ import annotations
