"""The large pieces of the plan: palace, parks, lakes, campuses, stations; each takes whole cells of the mesh."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIAGONALS", "NEW_TOWNS", "REGIONS", "Region"]

# Middle (local metres), radius (m), first year of growth.
NEW_TOWNS = ((13000.0, 8800.0, 3600.0, 2003), (13000.0, -9300.0, 3800.0, 2005), (-7600.0, -12400.0, 2900.0, 2009),
             (-3300.0, 12700.0, 3000.0, 2007), (14900.0, -700.0, 2600.0, 2011))

# Expressways that leave the grid: name, year, points in local metres.
DIAGONALS = (
    ("机场高速", 1993, ((5010, 4900), (6700, 6050), (9300, 8350), (11000, 9900), (13600, 13000), (15600, 15250))),
    ("京石高速", 1987, ((-5010, -4850), (-6900, -6600), (-9200, -9300), (-11000, -11600), (-13300, -15250))),
    ("京南高速", 2000, ((5010, -4850), (6500, -6450), (8300, -8600), (9600, -11300), (10300, -15250))),
    ("八达高速", 1998, ((-7620, 7600), (-8150, 9000), (-9000, 10900), (-10100, 13200), (-10700, 15250))),
)


@dataclass(frozen=True)
class Region:
    """A named piece: `kind` says how it is filled, `box` (west, south, east, north) snaps to the nearest mesh lines.

    `lake` is how much of it is water (0 none); `year` when it came to be what it is.
    """

    kind: str
    name: str
    name_en: str
    box: tuple[float, float, float, float]
    lake: float = 0.0
    lake_name: str = ""
    year: int = 1950


REGIONS = (
    Region("palace", "永安宫博物院", "Yong'an Palace", (-640, 350, 640, 1560), 0, "", 1420),
    Region("park", "景云山公园", "Jingyun Hill Park", (-640, 1560, 640, 2250), 0, "", 1420),
    Region("park", "西苑公园", "West Garden", (-1290, 350, -640, 2250), 0.55, "太清池", 1153),
    Region("park", "后湖风景区", "Rear Lakes", (-1290, 2250, -640, 3000), 0.45, "后湖", 1280),
    Region("temple", "天和坛公园", "Altar of Heaven's Peace", (640, -4150, 1950, -2700), 0, "", 1420),
    Region("park", "先农园", "Garden of the First Farmer", (-1950, -4150, -1290, -2700), 0.08, "荷塘", 1530),
    Region("park", "东湖公园", "East Lake Park", (7620, 1560, 9290, 3620), 0.35, "东湖", 1984),
    Region("forest_park", "北苑森林公园", "North Forest Park", (-1290, 7600, 1290, 10000), 0.16, "龙泽湖", 2008),
    Region("sports", "国家体育中心", "Sports Centre", (-1290, 6260, 1290, 7600), 0.03, "龙尾池", 2007),
    Region("university", "北辰大学", "Beichen University", (-7620, 4900, -6300, 6930), 0.035, "未央湖", 1911),
    Region("university", "燕南大学", "Yannan University", (-6300, 6260, -5010, 7600), 0.05, "燕南湖", 1898),
    Region("university", "理工学院", "Institute of Technology", (-5010, 4250, -3790, 4900), 0, "", 1953),
    Region("university", "师范大学", "Normal University", (-640, 3620, 640, 4250), 0, "", 1954),
    Region("park", "清漪湖公园", "Qingyi Lake Park", (-11000, 6260, -9300, 8400), 0.62, "清漪湖", 1750),
    Region("works", "石景钢铁厂旧址", "Shijing Steel Works", (-11000, -1470, -9300, 350), 0.06, "冷却池", 1958),
    Region("forest_park", "南海子湿地公园", "Nanhaizi Wetland", (2620, -12500, 5010, -10000), 0.3, "南海子", 2010),
    Region("station", "南站", "South Railway Station", (-1290, -6250, 0, -5550), 0, "", 2008),
    Region("station", "西站", "West Railway Station", (-5010, -2080, -3790, -1470), 0, "", 1996),
    Region("park", "玉带公园", "Yudai Park", (-6300, -860, -5010, -250), 0.4, "玉带湖", 1956),
    Region("park", "团结公园", "Unity Park", (5660, 2250, 6310, 3000), 0.15, "团结湖", 1986),
    Region("park", "龙潭公园", "Longtan Park", (1950, -3420, 2620, -2700), 0.4, "龙潭", 1952),
    Region("park", "莲石公园", "Lianshi Park", (-8460, -4150, -7620, -3420), 0.25, "莲石湖", 1990),
    Region("forest_park", "温榆湿地公园", "Wenyu Wetland", (8450, 10000, 11000, 11300), 0.28, "温榆湖", 2019),
    Region("park", "万寿园", "Wanshou Park", (-3790, -6950, -3200, -6250), 0.12, "寿湖", 1998),
    Region("forest_park", "凉水河郊野公园", "Liangshui Country Park", (8450, -6950, 10130, -5550), 0.1, "凉水湖", 2014),
    Region("park", "观澜公园", "Guanlan Park", (12100, 8400, 13300, 9200), 0.3, "观澜湖", 2016),
    Region("park", "云景公园", "Yunjing Park", (12100, -9250, 13300, -8500), 0.3, "云景湖", 2015),
    Region("expo", "国际会展中心", "Exhibition Centre", (6310, 6260, 7620, 6930), 0, "", 2004),
    Region("university", "职业技术大学城", "College Town", (13300, -11200, 14600, -10000), 0.04, "思源湖", 2012),
)
