"""The built pages: files with the right type, cached as long as they hold, compressed once."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".map": "application/json",
}
_TEXT = (".html", ".js", ".mjs", ".css", ".json", ".svg", ".webmanifest", ".txt", ".map")
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK = "no-cache"
_SMALL = 1024
"""Bytes below which compressing is not worth its while."""


@dataclass(frozen=True)
class _File:
    """One file as it is sent; ``stamp`` tells whether it has changed since."""

    stamp: tuple[int, int]
    bodies: dict[str, bytes]
    tag: str
    type: str


class Files:
    """Serves the files of a folder.

    Args:
        folder: with ``index.html``, and ``assets/`` whose names change when their contents do.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._kept: dict[Path, _File] = {}

    async def __call__(self, request: Request) -> Response:
        """The file that the address names."""
        path = self._find(request.url.path)
        if path is None:
            return PlainTextResponse("There is no such page.\n", 404, {"Cache-Control": _ASK})
        file = self._read(path)
        accepted = {part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
        encoding = next((name for name in ("br", "gzip") if name in accepted and name in file.bodies), "")
        tag = f'"{file.tag}{"-" + encoding if encoding else ""}"'
        headers = {
            "ETag": tag,
            "Vary": "Accept-Encoding",
            "Cache-Control": _FOR_EVER if path.parent == self._folder / "assets" else _ASK,
        }
        known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
        if tag in known:
            return Response(status_code=304, headers=headers)
        if encoding:
            headers["Content-Encoding"] = encoding
        return Response(file.bodies[encoding], media_type=file.type, headers=headers)

    def _find(self, address: str) -> Path | None:
        """The file of an address; None if there is none in the folder."""
        name = address.lstrip("/") or "index.html"
        if "\0" in name or "\\" in name:
            return None
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            return None
        return path

    def _read(self, path: Path) -> _File:
        about = path.stat()
        stamp = (about.st_mtime_ns, about.st_size)
        kept = self._kept.get(path)
        if kept is None or kept.stamp != stamp:
            kept = self._kept[path] = _load(path, stamp)
        return kept


def _load(path: Path, stamp: tuple[int, int]) -> _File:
    """The file and its compressed forms: those beside it, as the build leaves them, else gzip made here."""
    body = path.read_bytes()
    bodies = {"": body}
    for encoding, ending in (("br", ".br"), ("gzip", ".gz")):
        beside = path.with_name(path.name + ending)
        if beside.is_file():
            bodies[encoding] = beside.read_bytes()
    if "gzip" not in bodies and path.suffix in _TEXT and len(body) >= _SMALL:
        bodies["gzip"] = gzip.compress(body, 6, mtime=0)
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(stamp, bodies, hashlib.sha256(body).hexdigest()[:20], kind)
