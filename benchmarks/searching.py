"""Measure the search on a million made-up names, addresses and codes, for a whole and for a row-limited reader.

    python benchmarks/searching.py DSN [--entries 1000000] [--rounds 10]

DSN is an empty database of a superuser; it is filled once and kept, so a second run only measures. Data are seeded.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import click
import shapely
from psycopg.types.json import Jsonb

from config.settings import ROOT
from gisserver.ops.preparation import prepare_store
from layers.access import OWNER, Audience, LayerGrant, ensure_audience
from layers.catalogue import Catalogue
from layers.pinyin import fill_pinyin, initial_letters
from layers.search import search
from layers.staging import Batch
from layers.store import Store

FIRST = ("望 建国 朝 东直 西直 阜成 德胜 安定 永定 复兴 崇文 宣武 学院 中关 清河 上地 龙泽 霍营 立水 亚运 来广 酒仙 将台 太阳 "
         "芍药 三元 左家 香河 静安 团结 劲松 潘家 十里 八里 四惠 高碑 双井 广渠 和平 五道 六里 莲花 公主 万寿 玉泉 古城").split()
SECOND = "京 门外 门内 城 村 桥 园 里 居 湖 河 庄 寺 坟 营 塔 沟 山 坡 台 店 厂 井 坊".split()
ROADS = "街 大街 路 东路 西路 南街 北街 中路 胡同 巷 东街 西街".split()
ESTATES = "小区 家园 花园 公寓 大厦 新村 苑 嘉园 广场 中心".split()
DISTRICTS = {"110101": "东城区", "110102": "西城区", "110105": "朝阳区", "110106": "丰台区",
             "110107": "石景山区", "110108": "海淀区", "110112": "通州区", "110115": "大兴区"}


def made_rows(entries: int, seed: int = 7) -> Iterator[tuple[str, str | None, str, str | None, float, float]]:
    """Give (source_id, name, address, district_code, x, y) of buildings until their searchable values are `entries`."""
    pick = random.Random(seed)
    codes = list(DISTRICTS)
    streets = sorted({a + b + c for a in FIRST for b in SECOND for c in ROADS if pick.random() < 0.5})
    district = {street: pick.choices(codes, weights=[3, 3, 9, 6, 2, 8, 4, 1])[0] for street in streets}
    made = number = 0
    while made < entries:
        number += 1
        street = pick.choice(streets)
        code = district[street]
        address = f"北京市{DISTRICTS[code]}{street}{pick.randint(1, 300)}号院{pick.randint(1, 40)}号楼"
        if pick.random() < 0.5:
            address += f"{pick.randint(1, 9)}单元{pick.randint(1, 30)}0{pick.randint(1, 8)}"
        name = None
        if pick.random() < 0.35:
            name = pick.choice(FIRST) + pick.choice(SECOND) + pick.choice(ESTATES)
            name += f"{pick.randint(1, 40)}号楼" if pick.random() < 0.6 else ""
        made += 3 if name else 2
        yield f"{code}{number:013d}", name, address, code, 116.25 + pick.random() * 0.3, 39.85 + pick.random() * 0.2


def fill(store: Store, catalogue: Catalogue, entries: int) -> None:
    """Load the buildings as one changeset and say how long it took."""
    building = catalogue.layer("building")

    def rows(first: int) -> Iterator[tuple[Any, ...]]:
        for i, (source_id, name, address, code, x, y) in enumerate(made_rows(entries)):
            square = shapely.set_srid(shapely.multipolygons([shapely.box(x, y, x + 1e-4, y + 1e-4)]), catalogue.city.storage_srid)
            yield (i, "n", first + i, "[2000-01-01T00:00Z,)", "d", "s", None, shapely.to_wkb(square, hex=True, include_srid=True),
                   Jsonb([{"scheme": "local", "value": source_id}]), name, address, "in_use", "residential", code)

    with Batch(store) as batch:
        first = batch.reserve_fids(entries)
        begun = time.perf_counter()
        count = batch.copy(building, ["geom", "codes", "name", "address", "status", "use", "district_code"], rows(first))
        staged = time.perf_counter()
        batch.apply("bench", "made-up entries", "job")
        print(f"{count} buildings staged in {staged - begun:.1f} s, applied in {time.perf_counter() - staged:.1f} s")
    with store.connect() as connection:
        begun = time.perf_counter()
        made = connection.execute("SELECT gis.rebuild_search('building')").fetchone()
        print(f"{made[0] if made else 0} entries rebuilt in {time.perf_counter() - begun:.1f} s")
        connection.execute("VACUUM ANALYZE gis.search_entry")


def questions(entries: int) -> dict[str, list[str]]:
    """Return texts to search for, by kind: of the made-up entries themselves, and such as are in none."""
    letters = initial_letters()
    rows = list(islice(made_rows(entries), 4000))[::100]
    names = [name for _, name, *_ in rows if name]
    addresses = [address for _, _, address, *_ in rows]
    streets = [re.split(r"区|\d", address)[1] for address in addresses]
    return {
        "two characters": [street[:2] for street in streets], "a common word": ["小区", "北京", "号楼", "大街", "北京市", "花园"],
        "name": names, "street": streets, "whole address": addresses,
        "from the street on": [address.split("区", 1)[1] for address in addresses],
        "compound": [street + re.search(r"\d+号院", address)[0] for street, address in zip(streets, addresses, strict=True)],
        "to an unknown room": [address.split("区", 1)[1].split("单元")[0] + "9单元9999室" for address in addresses],
        "district and street without 区": [address[3:5] + street for street, address in zip(streets, addresses, strict=True)],
        "words": [f"{street} {re.search(r'\d+号楼', address)[0]}" for street, address in zip(streets, addresses, strict=True)],
        "initials of a name": ["".join(letters.get(c, c)[0] for c in name) for name in names],
        "two initials": ["".join(letters.get(c, c)[0] for c in name)[:2] for name in names],
        "initials in an address": ["".join(letters[c][0] for c in street) for street in streets],
        "code": [code for code, *_ in rows], "beginning of a code": [code[:14] for code, *_ in rows],
        "nothing": ["鼋鼍龘", "zzzzz", "望京东街999号院99号楼9单元999", "999999999999", "火星路一号"],
    }


def measure(store: Store, catalogue: Catalogue, audience: Audience, asked: dict[str, list[str]], rounds: int) -> None:
    """Print p50, p95 and the worst, per kind of question, in milliseconds, and how many of them found something.

    `best p95` is the p95 over the questions of each one's fastest round: what it is where the machine is not busy otherwise.
    """
    for kind, texts in asked.items():
        times: list[list[float]] = [[] for _ in texts]
        found = [0] * len(texts)
        search(store, audience, catalogue, texts[0])
        for i in range(rounds * len(texts)):
            begun = time.perf_counter()
            answer = search(store, audience, catalogue, texts[i % len(texts)])
            times[i % len(texts)].append((time.perf_counter() - begun) * 1000)
            found[i % len(texts)] = len(answer)
        every, best = sorted(t for some in times for t in some), sorted(map(min, times))
        print(f"  {kind:32s} p50 {statistics.median(every):6.1f}  p95 {every[int(len(every) * 0.95)]:6.1f}  max {every[-1]:6.1f}  "
              f"best p95 {best[int(len(best) * 0.95)]:6.1f} ms   found {sum(map(bool, found))} of {len(found)}")


@click.command()
@click.argument("dsn")
@click.option("--entries", default=1_000_000)
@click.option("--rounds", default=10)
def main(dsn: str, entries: int, rounds: int) -> None:
    """Fill the database DSN if it is empty, then measure."""
    store = Store(dsn)
    prepare_store(store, ROOT / "config" / "city.yaml")
    fill_pinyin(store)
    catalogue = Catalogue(store)
    with store.read() as connection:
        filled = connection.execute("SELECT EXISTS (SELECT FROM gis.search_entry)").fetchone()
    if not (filled and filled[0]):
        fill(store, catalogue, entries)
    stored = [i for i, layer in catalogue.layers.items() if layer.is_stored]
    asked = questions(entries)
    readers = {
        "whole": ensure_audience(store, catalogue.layers, [LayerGrant(i) for i in stored], ()),
        "one small district (1 of 36 buildings)": ensure_audience(
            store, catalogue.layers, [LayerGrant(i, districts=("110115",)) for i in stored], ()),
        "without the addresses of buildings": ensure_audience(
            store, catalogue.layers, [LayerGrant(i, fields=("codes", "name") if i == "building" else None) for i in stored], ()),
    }
    for title, audience in {"owner": OWNER, **readers}.items():
        print(f"{title}:")
        measure(store, catalogue, audience, asked, rounds)
    store.close()


if __name__ == "__main__":
    main()
