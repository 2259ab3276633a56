"""Names and addresses of developments: compounds, work units, towers, schools; and which road they are counted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layers.demo.blocks import Blocks
from layers.demo.kinds import KINDS
from layers.demo.mesh import Mesh
from layers.demo.names import COMPOUND_ENDINGS, Names, numeral
from layers.demo.plots import Plots
from layers.demo.streets import Streets

__all__ = ["Titles", "make_titles"]

_BUREAUS = ("规划局", "水务局", "教育局", "统计局", "税务局", "文化局", "卫生局", "交通局", "民政局", "审计局", "档案馆", "财政局", "农业局", "司法局",
            "气象局", "人民法院", "检察院", "政务服务中心", "市场监督局", "信访办公室")
_CULTURE = ("博物馆", "美术馆", "图书馆", "大剧院", "文化馆", "科技馆", "音乐厅", "艺术中心")
_TRADES = ("机床厂", "棉纺厂", "印刷厂", "电子管厂", "化工厂", "仪表厂", "食品厂", "汽车配件厂", "水泥制品厂", "玻璃厂", "无线电厂", "轴承厂")


@dataclass
class Titles:
    """Per development: its name, the road its gate is on, its number there, and the gate (local metres)."""

    name: np.ndarray
    road: np.ndarray
    number: np.ndarray
    gate: np.ndarray
    block_roads: dict[int, list[str | None]]
    block_lanes: dict[int, list[str]]


def _name(how: str, names: Names, serial: dict[str, int], rng: np.random.Generator) -> str | None:
    def count(key: str) -> int:
        serial[key] = serial.get(key, 0) + 1
        return serial[key]

    def ending(*choices: str) -> str:
        return names.one() + choices[int(rng.integers(len(choices)))]

    match how:
        case "compound":
            return ending(*COMPOUND_ENDINGS)
        case "estate":
            return ending("小区", "里", "北里", "南里", "东里", "西里", "新村")
        case "work_unit":
            return ending(*(t + "宿舍" for t in _TRADES), "家属院", "里", "楼")
        case "tower":
            return ending("大厦", "中心", "国际中心", "商务楼", "广场", "金融中心")
        case "park":
            return ending("科技园", "创新园", "软件园", "产业园")
        case "mall":
            return ending("购物中心", "百货商场", "广场", "商城")
        case "hotel":
            return ending("酒店", "饭店", "宾馆", "大饭店")
        case "office":
            return names.one() + _BUREAUS[int(rng.integers(len(_BUREAUS)))]
        case "culture":
            return names.one() + _CULTURE[int(rng.integers(len(_CULTURE)))]
        case "primary":
            return f"第{numeral(n)}小学" if (n := count("primary")) < 100 else ending("小学", "实验小学")
        case "middle":
            return f"第{numeral(n)}中学" if (n := count("middle")) < 100 else ending("中学", "高级中学")
        case "hospital":
            return f"第{numeral(n)}人民医院" if (n := count("hospital")) < 25 else ending("医院", "中医医院", "妇幼保健院")
        case "elder":
            return ending("养老院", "颐养中心", "敬老院")
        case "factory":
            return "示范市" + names.one() + _TRADES[int(rng.integers(len(_TRADES)))]
        case "logistic":
            return ending("物流园", "仓储中心", "配送中心")
        case "waterworks":
            return f"第{numeral(count('waterworks'))}水厂"
        case "substation":
            return ending("变电站")
        case "heatworks":
            return ending("供热厂")
        case "firestation":
            return ending("消防救援站")
        case "village":
            return ending("村", "庄", "营", "屯")
        case "garden":
            return ending("公园", "游园", "绿地")
    return None


def make_titles(plots: Plots, mesh: Mesh, blocks: Blocks, streets: Streets, old: np.ndarray, names: Names, seed: int) -> Titles:
    """Name every development and count the gates along each road: odd numbers north and east of it, even ones opposite."""
    rng = np.random.default_rng([seed, 12])
    n = len(plots.developments)
    name, road = np.full(n, None, dtype=object), np.full(n, None, dtype=object)
    side, gate = np.zeros(n, int), np.zeros((n, 2))
    block_roads: dict[int, list[str | None]] = {}
    serial: dict[str, int] = {}
    village_of: dict[int, str] = {}
    for k, d in enumerate(plots.developments):
        if d.block < 0:
            name[k] = mesh.regions[-1 - d.block].name
        elif d.kind == "village":
            name[k] = village_of.setdefault(d.block, _name("village", names, serial, rng) or "")
        else:
            name[k] = _name(KINDS[d.kind].named, names, serial, rng)
        gate[k] = d.quad.mean(axis=0)
        if d.block < 0:
            i0, i1, j0, _ = mesh.boxes[-1 - d.block]
            road[k] = next((streets.along_h(i, j0) for i in range(i0, i1) if mesh.h_class[i, j0]), None)
            continue
        if d.block not in block_roads:
            block_roads[d.block] = streets.around(d.block, bool(old[d.cell]))
        roads = block_roads[d.block]
        first = 0 if rng.random() < 0.6 else int(rng.integers(4))
        for turn in range(4):
            s = (first + turn) % 4
            if roads[s]:
                road[k], side[k] = roads[s], s
                gate[k] = (d.quad[s] + d.quad[(s + 1) % 4]) / 2
                break
    number = np.zeros(n, int)
    along = np.where(np.isin(side, (0, 2)), gate[:, 0], gate[:, 1])
    parity = np.isin(side, (0, 3)).astype(int)       # north of an east-west road, east of a north-south one: odd
    keys = {r: i for i, r in enumerate(sorted({r for r in road if r}))}
    group = np.array([keys[r] * 2 + p if r else -1 for r, p in zip(road, parity, strict=True)])
    order = np.lexsort((along, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-2))
    rank = np.arange(n) - np.repeat(starts, np.diff(np.append(starts, n)))
    number[order] = 2 * rank + np.where(parity[order] == 1, 1, 2)
    lanes: dict[int, list[str]] = {}
    for _, _, block, row, _, _ in plots.lanes:
        lanes.setdefault(block, []).append(streets.lane(block, row))
    return Titles(name, road, number, gate, block_roads, lanes)
