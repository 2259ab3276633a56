"""An hour of a team on the map: a server process keeps its bounds (driven hard; `./test -m load`)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.processes import memory_mb, our_server
from benchmarks.reading import bench_layer, fill
from benchmarks.serving import bench_key
from benchmarks.tiles import HOUR_OF_A_TEAM, TILES, get, hang_up, pan
from layers.cells import fold_cells
from layers.plan import register
from layers.store import Store

LIMIT_MB = 500


@pytest.mark.load
def test_memory_after_an_hour_of_panning(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(store, 100_000)
    register(store, bench_layer(has_cells=True))
    fold_cells(store, "bench_building")
    key = bench_key(store)
    with our_server(store.dsn, tmp_path) as (url, pid):
        begun, told = memory_mb(pid), [0.0]
        for part in range(4):
            assert pan(url, key, 13 + part, requests=HOUR_OF_A_TEAM // 4) == HOUR_OF_A_TEAM // 4
            told.append(memory_mb(pid))
            assert told[-1] < LIMIT_MB
        # And it still answers.
        try:
            assert get(f"{url}{TILES}/0/0/0", key)
        finally:
            hang_up()
    with capsys.disabled():
        sys.stdout.write(f"\nmemory of a server process: {begun:.0f} MB at its start, then {', '.join(f'{mb:.0f}' for mb in told[1:])} MB\n")
