"""The web client's files as the service gives them, from a folder made here."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gisserver.request import Request
from gisserver.routes import client
from layers.errors import NotFound


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><html><head><title>城</title></head><body></body></html>", "utf-8")
    (folder / "assets" / "index-DYbPXTbs.js").write_text("export const a = 1;\n" * 500, "utf-8")
    (folder / "mark.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", "utf-8")
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    monkeypatch.setattr(client, "DIST", folder)
    return folder


def ask(path: str, base: str = "https://gis.example/city", **headers: str) -> Request:
    context: Any = SimpleNamespace(base_url=lambda scope: base)
    scope = {"type": "http", "method": "GET", "path": f"/{path}", "query_string": b"", "path_params": {"path": path},
             "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}
    return Request(scope, context)


def test_the_page_knows_its_base(dist: Path) -> None:
    page = client.client_page(ask(""))
    assert b'<base href="/city/">' in page.body
    assert b'<base href="/">' in client.client_page(ask("", base="http://localhost:8000")).body
    assert page.headers["cache-control"] == "no-cache"
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert client.client_page(ask("", if_none_match=page.headers["etag"])).status_code == 304


def test_hashed_files_never_change(dist: Path) -> None:
    plain = client.asset(ask("assets/index-DYbPXTbs.js"))
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["content-type"].startswith("application/javascript")
    packed = client.asset(ask("assets/index-DYbPXTbs.js", accept_encoding="gzip, zstd"))
    assert packed.headers["content-encoding"] == "zstd"
    assert len(packed.body) < len(plain.body)
    assert packed.headers["etag"] != plain.headers["etag"]
    assert client.asset(ask("assets/index-DYbPXTbs.js", if_none_match=plain.headers["etag"])).status_code == 304
    assert "immutable" not in client.asset(ask("mark.svg")).headers["cache-control"]


def test_what_the_build_packed_goes_to_whoever_takes_it(dist: Path) -> None:
    path = "assets/index-DYbPXTbs.js"
    packed = dist / f"{path}.br"
    packed.write_bytes(b"packed by the build")
    answer = client.asset(ask(path, accept_encoding="gzip, deflate, br, zstd"))
    assert (answer.headers["content-encoding"], answer.body) == ("br", b"packed by the build")
    assert answer.headers["content-type"].startswith("application/javascript")
    assert answer.headers["etag"] != client.asset(ask(path)).headers["etag"]
    assert client.asset(ask(path, accept_encoding="br;q=0.5, gzip")).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.asset(ask(path, accept_encoding="br;q=0")).headers
    # All that browsers take where the line is not encrypted.
    assert client.asset(ask(path, accept_encoding="gzip, deflate")).headers["content-encoding"] == "gzip"
    # What was packed before the file was made anew is not that file.
    os.utime(packed, ns=(0, 0))
    assert client.asset(ask(path, accept_encoding="br, zstd")).headers["content-encoding"] == "zstd"


def test_a_new_build_is_served_at_once(dist: Path) -> None:
    before = client.asset(ask("mark.svg"))
    (dist / "mark.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><g/></svg>", "utf-8")
    assert client.asset(ask("mark.svg")).headers["etag"] != before.headers["etag"]


def test_addresses_of_the_client_get_its_page(dist: Path) -> None:
    assert client.asset(ask("share/abc")).body == client.client_page(ask("")).body
    for path in ("nix.js", "assets/nix-12345678.js", "ogc/nix", "api/nix", "auth/nix", "../secret.txt", "..%2fsecret.txt", "assets/../../secret.txt"):
        with pytest.raises(NotFound):
            client.asset(ask(path))


def test_without_a_build_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "DIST", tmp_path / "none")
    answer = client.client_page(ask(""))
    assert "尚未构建".encode() in answer.body
