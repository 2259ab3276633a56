"""The web client: its built files, from memory, compressed once."""

from __future__ import annotations

import mimetypes
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from starlette.responses import Response

from gisserver.compress import SMALLEST_BYTES, encoding_for, pack
from gisserver.pages import STATIC
from gisserver.reply import digest, matches
from gisserver.request import Request
from layers.errors import NotFound

__all__ = ["DIST", "asset", "client_page", "static_file"]

DIST = Path(__file__).resolve().parents[2] / "web" / "dist"
NOT_OF_THE_CLIENT = ("ogc", "api", "auth", "wms", "wmts", "tms", "wfs")
# Vite puts a hash of the content into these names.
_HASHED = re.compile(r"[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+\Z")
_ENCODED = ("application/javascript", "text/", "application/json", "image/svg+xml", "application/wasm",
            "application/manifest+json")
# Workers of the map come from blobs of its own; styles of components are set in place.
CLIENT_POLICY = ("default-src 'self'; connect-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
                 "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; font-src 'self' data:; object-src 'none'; "
                 "base-uri 'self'; form-action 'self'; frame-ancestors 'self'")
_NOT_BUILT = ("<!doctype html><meta charset=utf-8><title>City</title><p>The web client is not built yet: run ./run, or "
              "npm run build in web/. 网页客户端尚未构建：请运行 ./run。<p><a href=\"ogc\">OGC API</a>")


def client_page(request: Request) -> Response:
    """Answer the page of the client; also for the addresses that the client routes itself."""
    body = _index(str(DIST), request.base, _stamp(DIST / "index.html"))
    etag = f'"{digest(body)}"'
    headers = {"Cache-Control": "no-cache", "ETag": etag, "Content-Security-Policy": CLIENT_POLICY}
    if matches(request, etag):
        return Response(b"", 304, headers)
    return Response(body, 200, headers, "text/html")


def asset(request: Request) -> Response:
    """Answer a built file of the client; what has no file is a route of the client."""
    path = request.path["path"]
    found = _file(DIST, path)
    if found is None:
        if "." in path.rpartition("/")[2] or path.partition("/")[0] in NOT_OF_THE_CLIENT:
            raise NotFound(f"There is nothing at '/{path}'.")
        return client_page(request)
    return _answer(request, found)


def static_file(request: Request) -> Response:
    """Answer a file of the OGC API pages."""
    found = _file(STATIC, request.path["path"])
    if found is None:
        raise NotFound(f"There is no file '{request.path['path']}'.")
    return _answer(request, found)


def _file(folder: Path, name: str) -> Path | None:
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def _answer(request: Request, path: Path) -> Response:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "application/javascript" if kind == "text/javascript" else kind
    encoding = encoding_for(request.header("accept-encoding") or "", _offered(path)) if kind.startswith(_ENCODED) else None
    body, encoding, tag = _loaded(str(path), encoding, _stamp(path))
    etag = f'"{tag}"'
    headers = {"ETag": etag, "Vary": "Accept-Encoding", "Cache-Control":
               "public, max-age=31536000, immutable" if _HASHED.search(path.name) else "public, no-cache"}
    if matches(request, etag):
        return Response(b"", 304, headers)
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(body, 200, headers, kind)


def _offered(path: Path) -> tuple[str, ...]:
    """Return the codings that a file can be sent in, the smallest first: the build lays files packed by Brotli beside its own."""
    packed = _packed(path)
    return ("br", "zstd", "gzip") if packed.is_file() and packed.stat().st_mtime_ns >= path.stat().st_mtime_ns else ("zstd", "gzip")


def _packed(path: Path) -> Path:
    return path.with_name(f"{path.name}.br")


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


@lru_cache(maxsize=400)
def _loaded(path: str, encoding: str | None, stamp: int) -> tuple[bytes, str | None, str]:
    """Read a file, compressed if that pays; `stamp` renews it when the file does."""
    body = Path(path).read_bytes()
    tag = digest(body)
    if encoding == "br":
        return _packed(Path(path)).read_bytes(), encoding, f"{tag}-{encoding}"
    if encoding and len(body) >= SMALLEST_BYTES:
        packed = pack(body, encoding)
        if len(packed) < len(body) * 0.9:
            return packed, encoding, f"{tag}-{encoding}"
    return body, None, tag


@lru_cache(maxsize=16)
def _index(folder: str, base: str, stamp: int) -> bytes:
    """Read the page, with the base of its addresses: it is also served below it, for the client's own routes."""
    path = Path(folder) / "index.html"
    if not path.is_file():
        return _NOT_BUILT.encode()
    page = path.read_text("utf-8")
    if "<base " not in page:
        page = page.replace("<head>", f'<head>\n    <base href="{urlsplit(base).path}/">', 1)
    return page.encode()
