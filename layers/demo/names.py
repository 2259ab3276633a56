"""Names of the demo city, all invented: stems for roads and compounds, companies, people."""

from __future__ import annotations

import numpy as np

from layers.demo.codes import credit_code

__all__ = ["COMPOUND_ENDINGS", "Companies", "Names", "numeral", "people", "rooms_of"]

_FIRST = "永安和平广德崇文宣正阳新华建景清玉翠锦金银云龙凤鹤松竹梅兰桂荷芳春夏秋瑞祥福寿康宁乐善仁义礼智信诚海江河湖泉溪石山林园田丰盛兴隆泰昌明辉光耀天星月日晨曦朝东西南北中长万百双青白红紫碧丹朱素雅秀灵悦颐和聚汇融通达远宏鸿浩博恒嘉佳祺琼瑶琳琅珠玺宝鼎盈润沁泽涵澜汀洛沧沐凌霄云岚峻崇岳"
_SECOND = "安宁平和德文武阳光华丰盛兴隆泰昌明辉景秀美丽芳香荣茂发达利通顺成功胜远志宏图强健康乐福禄寿喜庆祥瑞云霞虹月星河湖溪泉池塘桥门坊里台亭楼阁园林苑田村庄山石岭坡湾浦港洲岛峰谷松柏柳杨槐榆桐枫桃李杏梅"
COMPOUND_ENDINGS = ("家园", "花园", "嘉园", "苑", "里", "小区", "雅居", "公寓", "名邸", "华府", "新城", "庭院", "府", "湾", "国际", "山庄")
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红文辉建国志海波宁欣雨晨思涵子轩浩宇佳怡梦琪嘉雪梓睿俊博雅诗语清岚昊天瑞宸予安知行书言若溪沐阳景行"


def numeral(n: int) -> str:
    """Return a number below 100 in Chinese numerals.

    >>> numeral(14), numeral(30), numeral(7)
    ('十四', '三十', '七')
    """
    ten, one = divmod(n, 10)
    digits = "零一二三四五六七八九"
    return (("" if ten == 1 else digits[ten]) + "十" if ten else "") + (digits[one] if one or not ten else "")


class Names:
    """A store of two-character stems, each given out once, in a fixed order of a seed."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 9])
        stems = sorted({a + b for a in _FIRST for b in _SECOND if a != b})
        self._stems = [stems[k] for k in rng.permutation(len(stems))]
        self._next = 0

    def take(self, count: int) -> list[str]:
        """Return the next `count` stems."""
        self._next += count
        return self._stems[self._next - count:self._next]

    def one(self) -> str:
        """Return the next stem."""
        return self.take(1)[0]


class Companies:
    """Companies of the building trade and property managers, each with its credit code."""

    KINDS = {"developer": ("房地产开发有限公司", 60), "builder": ("建设集团有限公司", 40), "designer": ("建筑设计研究院有限公司", 24),
             "supervisor": ("工程监理有限公司", 20), "manager": ("物业管理有限公司", 80), "factory": ("制造有限公司", 120)}

    def __init__(self, names: Names) -> None:
        self.of: dict[str, list[str]] = {}
        self.code: dict[str, str] = {}
        serial = 0
        for kind, (ending, count) in self.KINDS.items():
            self.of[kind] = [f"示范市{stem}{ending}" for stem in names.take(count)]
            for name in self.of[kind]:
                serial += 1
                self.code[name] = credit_code(f"91119900MADM{serial:05d}")

    def draw(self, kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `count` companies of a kind; some have more work than others."""
        pool = np.array(self.of[kind], dtype=object)
        return pool[np.minimum((len(pool) * rng.random(count) ** 1.6).astype(int), len(pool) - 1)]


def people(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw names of people, invented."""
    surnames, given = np.array(list(_SURNAMES), dtype=object), np.array(list(_GIVEN), dtype=object)
    names = surnames[(len(surnames) * rng.random(count) ** 1.7).astype(int)] + given[rng.integers(0, len(given), count)]
    return np.where(rng.random(count) < 0.68, names + given[rng.integers(0, len(given), count)], names)


def rooms_of(area_m2: np.ndarray) -> np.ndarray:
    """Return the layout that dwellings of an area usually have, such as '两室一厅'."""
    layouts = np.array(["一室一厅", "两室一厅", "三室一厅", "三室两厅", "四室两厅"], dtype=object)
    return layouts[np.digitize(area_m2, (52, 82, 105, 140))]
