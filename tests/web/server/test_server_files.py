"""Files and headers: cached as long as they hold, compressed, nothing outside the folder, no stranger served."""

from __future__ import annotations

import asyncio
import gzip
from urllib.parse import unquote

import pytest

pytest.importorskip("starlette")
from upriver.web.app import create_app
from upriver.web.guard import is_loopback, own_names


class Got:
    """An answer."""

    def __init__(self, messages):
        self.status_code = messages[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        self.content = b"".join(message.get("body", b"") for message in messages[1:])


class Client:
    """Asks an application as a server would, without one."""

    def __init__(self, app, host="127.0.0.1:8321"):
        self.app, self.host = app, host

    def get(self, address, headers=None, method="GET"):
        headers = {"host": self.host, **{name.lower(): value for name, value in (headers or {}).items()}}
        scope = {
            "type": "http", "method": method, "path": unquote(address), "raw_path": address.encode(),
            "query_string": b"", "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "scheme": "http", "http_version": "1.1", "root_path": "", "server": ("127.0.0.1", 8321), "client": None,
        }  # fmt: skip
        messages = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            messages.append(message)

        asyncio.run(self.app(scope, receive, send))
        return Got(messages)


@pytest.fixture
def client(pages):
    return Client(create_app(pages=pages))


def test_the_first_page_is_asked_for_again_each_time(client):
    got = client.get("/")
    assert got.status_code == 200
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert got.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"If-None-Match": got.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert client.get("/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_assets_are_kept_for_ever(client):
    got = client.get("/assets/main-abc.js")
    assert got.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in got.headers["cache-control"]


def test_compressed_forms(client, pages):
    got = client.get("/assets/main-abc.js", headers={"Accept-Encoding": "gzip, deflate, br"})
    assert got.headers["content-encoding"] == "br"
    assert got.content == b"brotli"
    got = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert got.headers["content-encoding"] == "gzip"
    assert gzip.decompress(got.content) == (pages / "index.html").read_bytes()
    plain, small = client.get("/"), client.get("/icon.svg", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in small.headers
    assert plain.headers["vary"] == "Accept-Encoding"


def test_a_changed_file_is_read_again(client, pages):
    (pages / "note.txt").write_text("one")
    first = client.get("/note.txt")
    (pages / "note.txt").write_text("second")
    second = client.get("/note.txt")
    assert (first.content, second.content) == (b"one", b"second")
    assert first.headers["etag"] != second.headers["etag"]


@pytest.mark.parametrize(
    "address",
    ["/nothing", "/assets", "/assets/", "/../conftest.py", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fx",
     "/index.html%00", "//etc/passwd", "/..\\x", "/.sources"],
)  # fmt: skip
def test_what_is_not_there(client, address):
    got = client.get(address)
    assert got.status_code == 404
    assert got.headers["x-content-type-options"] == "nosniff"


def test_links_do_not_lead_out_of_the_folder(client, pages, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (pages / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert client.get("/link.txt").status_code == 404


def test_only_reading(client):
    assert client.get("/", method="POST").status_code == 405
    assert client.get("/", method="HEAD").status_code == 200
    assert client.get("/", method="DELETE").status_code == 405


def test_the_headers(client):
    headers = client.get("/").headers
    policy = headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "ws://127.0.0.1:8321" in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8321", "LOCALHOST", "[::1]:8321"])
def test_own_names(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.2", "", "a:b", "localhost@x"])
def test_other_names_are_refused(client, host):
    got = client.get("/", headers={"Host": host})
    assert got.status_code == 421
    assert "evil" not in got.headers["content-security-policy"]


def test_for_a_class_addresses_will_do_but_names_must_be_this_machines(pages):
    client = Client(create_app("0.0.0.0", pages=pages), "192.168.1.2:8321")
    assert client.get("/").status_code == 200
    assert "cross-origin-opener-policy" not in client.get("/").headers
    assert client.get("/", headers={"Host": "[fe80::1]:80"}).status_code == 200
    assert client.get("/", headers={"Host": "localhost"}).status_code == 200
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
    import socket

    assert socket.gethostname().lower() in own_names("0.0.0.0")


def test_what_is_loopback():
    assert is_loopback("127.0.0.2")
    assert is_loopback("::1")
    assert not is_loopback("example.org")
    assert "classroom" in own_names("classroom")
