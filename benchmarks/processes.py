"""Servers that are measured beside each other: ours, one that sends bytes it has, nginx with a file, MapServer on the same table."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from config.settings import ROOT

__all__ = ["bytes_server", "free_port", "mapserver", "mapserver_maps", "mapserver_tiles", "memory_mb", "nginx", "our_server", "python_server"]

BYTES_APP = '''
from pathlib import Path
BODY = Path("{path}").read_bytes()
HEAD = [(b"content-type", b"{kind}"), (b"content-length", str(len(BODY)).encode())]
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({{"type": "http.response.start", "status": 200, "headers": HEAD}})
        await send({{"type": "http.response.body", "body": BODY}})
'''


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


@contextmanager
def _running(command: list[str], url: str, folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    given = {k: v for k, v in os.environ.items() if not k.startswith("GIS_")}
    log = folder / f"{Path(command[0]).name}-{free_port()}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=given | environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    try:
        deadline = time.monotonic() + 40
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except urllib.error.HTTPError:
                break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError(f"{command[0]}: {log.read_text(errors='replace')[-2000:]}") from None
                time.sleep(0.1)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


@contextmanager
def our_server(dsn: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Serve a store by one process; gives its address and process id."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _running([sys.executable, "-m", "gisserver.cli", "serve"], f"{url}/readyz", folder, GIS_DATABASE_URL=dsn, GIS_VAR=str(folder),
                  GIS_PORT=str(port), PYTHONPATH=str(ROOT), PYTHONSAFEPATH="1") as process:
        yield url, process.pid


@contextmanager
def bytes_server(body: bytes, kind: str, folder: Path) -> Iterator[str]:
    """Serve the same bytes to everybody from the memory of one uvicorn: the limit of our own server."""
    (folder / "body.bin").write_bytes(body)
    (folder / "bytes_app.py").write_text(BYTES_APP.format(path=folder / "body.bin", kind=kind))
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with _running([sys.executable, "-m", "uvicorn", "bytes_app:app", "--port", str(port), "--log-level", "warning", "--no-access-log",
                   "--app-dir", str(folder)], url, folder):
        yield url


@contextmanager
def nginx(body: bytes, folder: Path) -> Iterator[str | None]:
    """Serve the same bytes as a file of nginx, one worker; None where nginx is not installed."""
    if shutil.which("nginx") is None:
        yield None
        return
    port = free_port()
    (folder / "file.bin").write_bytes(body)
    folder.chmod(0o755)
    (folder / "file.conf").write_text(
        f"pid {folder}/file.pid; error_log {folder}/file.log; daemon off; worker_processes 1; events {{}} http {{ access_log off; "
        f"keepalive_requests 1000000; open_file_cache max=10; server {{ listen 127.0.0.1:{port}; root {folder}; }} }}")
    url = f"http://127.0.0.1:{port}/file.bin"
    with _running(["nginx", "-c", str(folder / "file.conf")], url, folder):
        yield url


@contextmanager
def mapserver(dsn: str, folder: Path) -> Iterator[str | None]:
    """Serve the current buildings by MapServer's WFS (GeoJSON), a FastCGI process behind nginx; None where it is not installed."""
    with _fast_cgi(folder, _map(dsn), "&SERVICE=WFS&VERSION=1.0.0&REQUEST=GetFeature&TYPENAME=building&OUTPUTFORMAT=geojson", "&MAXFEATURES=1") as url:
        yield url


@contextmanager
def mapserver_tiles(dsn: str, folder: Path) -> Iterator[str | None]:
    """Serve the current buildings as MapServer's vector tiles (`&tile=x+y+z` is added); None where it is not installed, or makes none."""
    program = _mapserv()
    if program is None or b"SUPPORTS=PBF" not in subprocess.run([program, "-v"], capture_output=True, check=False).stdout:
        yield None
        return
    with _fast_cgi(folder, _map(dsn), "&mode=tile&tilemode=gmap&layers=building&map.imagetype=mvt", "&tile=53953+24846+16") as url:
        yield url


@contextmanager
def mapserver_maps(folder: Path, map_text: str, example: str) -> Iterator[str | None]:
    """Serve a map file by MapServer (`&SERVICE=WMS…` is added; `example` is such a question); None where it is not installed."""
    with _fast_cgi(folder, map_text, "", example) as url:
        yield url


@contextmanager
def python_server(app: str, path: str, folder: Path, python: str = sys.executable, interface: str = "auto", **environment: str) -> Iterator[str]:
    """Serve an application (`module:name`, found also in `folder`) by one uvicorn of a Python; `path` is what it answers when it is ready."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _running([python, "-m", "uvicorn", app, "--port", str(port), "--log-level", "warning", "--no-access-log", "--interface", interface,
                   "--app-dir", str(folder)], url + path, folder, **environment):
        yield url


def _mapserv() -> str | None:
    program = shutil.which("mapserv") or "/usr/lib/cgi-bin/mapserv"
    return program if Path(program).exists() and shutil.which("nginx") and shutil.which("spawn-fcgi") else None


def _map(dsn: str) -> str:
    part = conninfo_to_dict(dsn)
    where = " ".join(f"{k}={v}" for k, v in part.items() if k in ("host", "port", "user", "dbname", "password"))
    return f'''MAP NAME bench EXTENT 116 39 117 41 UNITS DD SIZE 256 256 PROJECTION "init=epsg:4326" END
WEB METADATA "ows_enable_request" "*" "ows_title" "bench" "wfs_onlineresource" "http://localhost/" "ows_srs" "EPSG:4326"
"wfs_getfeature_formatlist" "geojson" "wfs_maxfeatures" "1000" END END
OUTPUTFORMAT NAME geojson DRIVER "OGR/GEOJSON" MIMETYPE "application/json; subtype=geojson" FORMATOPTION "STORAGE=stream" FORMATOPTION "FORM=SIMPLE" END
OUTPUTFORMAT NAME mvt DRIVER MVT FORMATOPTION "EXTENT=4096" FORMATOPTION "EDGE_BUFFER=10" END
LAYER NAME building TYPE POLYGON STATUS ON CONNECTIONTYPE POSTGIS CONNECTION "{where}" PROCESSING "CLOSE_CONNECTION=DEFER"
DATA "geom FROM (SELECT geom, fid, name, use, height_m, floors, completed, is_listed, district_code FROM city.bench_building WHERE valid @> now()) AS t USING UNIQUE fid USING SRID=4490"
PROJECTION "init=epsg:4490" END METADATA "ows_title" "building" "gml_include_items" "all" "ows_include_items" "all" "gml_featureid" "fid" "wfs_srs" "EPSG:4326" END END END'''


@contextmanager
def _fast_cgi(folder: Path, map_text: str, question: str, example: str) -> Iterator[str | None]:
    program = _mapserv()
    if program is None:
        yield None
        return
    (folder / "bench.map").write_text(map_text)
    (folder / "mapserver.conf").write_text('CONFIG ENV "MS_MAP_PATTERN" "." END END')
    port, inner = free_port(), free_port()
    (folder / "map.conf").write_text(
        f"pid {folder}/map.pid; error_log {folder}/map.log; daemon off; worker_processes 1; events {{}} http {{ access_log off; "
        f"server {{ listen 127.0.0.1:{port}; location / {{ include /etc/nginx/fastcgi_params; fastcgi_keep_conn on; "
        f"fastcgi_buffers 64 64k; fastcgi_buffer_size 64k; fastcgi_pass 127.0.0.1:{inner}; }} }} }}")
    url = f"http://127.0.0.1:{port}/?map={folder}/bench.map{question}"
    cgi = subprocess.Popen(["spawn-fcgi", "-n", "-a", "127.0.0.1", "-p", str(inner), "--", program], stdin=subprocess.DEVNULL,
                           env=os.environ | {"MAPSERVER_CONFIG_FILE": str(folder / "mapserver.conf")}, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        with _running(["nginx", "-c", str(folder / "map.conf")], url + example, folder):
            yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(cgi.pid, signal.SIGKILL)
        cgi.wait()


def memory_mb(pid: int) -> float:
    """Return the proportional memory of a process in MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return float("nan")
