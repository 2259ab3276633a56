"""The sentences of faults for readers of Chinese: one table, by the form of the English sentence that the checks give.

The subject (the field, the row) stands beside a fault, so a sentence here speaks of it without naming it.
"""

from __future__ import annotations

import re

__all__ = ["chinese_of"]

_NAME = r"(?:'[^']*'|[\w ]+?)"
# In the order in which they are tried; groups are the numbers and names that the sentence repeats.
_FORMS = tuple((re.compile(f"{english}\\Z", re.DOTALL), chinese) for english, chinese in (
    (rf"{_NAME} must be given", "必须填写"),
    (rf"{_NAME} must be at least (\S+)", "不得小于 {0}"),
    (rf"{_NAME} must be at most (\S+)", "不得大于 {0}"),
    (rf"{_NAME} must have at most (\d+) characters", "最多 {0} 个字符"),
    (rf"{_NAME} does not match the pattern (.+)", "不符合格式 {0}"),
    (rf"{_NAME} must be one of its codes \((.*)\)", "须取代码表中的值（{0}）"),
    (rf"{_NAME} must be a finite number", "须为有限的数"),
    (rf"{_NAME} has a wrong code", "代码有误"),
    (rf"{_NAME} must be a text", "须为文本"),
    (rf"{_NAME} must not contain the character NUL", "不得含有空字符（NUL）"),
    (rf"{_NAME} must be a whole number", "须为整数"),
    (rf"{_NAME} is too large", "数值过大"),
    (rf"{_NAME} must be true or false", "须为“是”或“否”"),
    (rf"{_NAME} must be a date such as (\S+)", "须为日期，例如 {0}"),
    (rf"{_NAME} must be a moment such as (\S+)", "须为时刻，例如 {0}"),
    (rf"{_NAME} must be a list of objects with 'scheme' and 'value'", "须为由“scheme”和“value”组成的对象列表"),
    (r"layer '([^']*)' has no field '([^']*)'", "图层“{0}”没有字段“{1}”"),
    (r"layer '([^']*)' has no geometry", "图层“{0}”没有图形"),
    (r"the validity (?:is empty: it )?must begin before it ends", "有效期的起始必须早于终止"),
    (r"two rows of this changeset speak of the same time of this feature", "同一变更集中有两行涉及该要素的同一时段"),
    (r"there is no such feature", "没有该要素"),
    (r"you may not edit this feature", "您无权编辑该要素"),
    (r"the geometry is no GeoJSON geometry", "图形不是有效的 GeoJSON 图形"),
    (r"the geometry is an? (.+?); (?:this layer|layer '[^']*') takes (.+)", "图形类型为 {0}，该图层须为 {1}"),
    (r"the geometry is empty or has coordinates that are no finite numbers", "图形为空，或坐标不是有限的数"),
    (r"the geometry has coordinates that are no finite numbers", "图形坐标不是有限的数"),
    (r"the geometry lies where its coordinate (?:reference )?system is not defined", "图形超出其坐标系的适用范围"),
    (r"the geometry is invalid: (.+)", "图形无效：{0}"),
    (r"the geometry is empty", "图形为空"),
    (r"there is no geometry", "缺少图形"),
    (r"the geometry cannot be read .+", "图形无法读取（类型不支持，如 TIN，或数据已损坏）"),
    (r"nothing is left of the geometry when it is made valid", "图形修复后为空"),
    (r"the geometry lies outside the city's extent", "图形超出城市范围"),
    (r"latitudes beyond 85\.06 degrees cannot be mapped", "纬度超过 85.06 度，无法成图"),
    (r"a new feature needs a geometry", "新要素必须有图形"),
    (r"(\S+) refers to (\S+) (\d+), which does not exist at all of that time", "引用的 {1} {2} 在该时段内并非始终存在"),
    (r"(\S+) refers to (\S+) (\d+), which does not exist", "引用的 {1} {2} 不存在"),
    (r"(\S+) (\d+) still refers to it by (\S+)", "{0} {1} 仍通过 {2} 引用它"),
    (r"overlaps feature (\d+), whose own new version is refused, by ([\d.]+) m2", "与要素 {0} 重叠 {1} 平方米（该要素的新版本也被拒绝）"),
    (r"overlaps feature (\d+) by ([\d.]+) m2", "与要素 {0} 重叠 {1} 平方米"),
    (r"overlaps row (\d+) by ([\d.]+) m2", "与第 {0} 行重叠 {1} 平方米"),
    (r"reaches ([\d.]+) m2 beyond (\S+) (\d+)", "超出 {1} {2} 的范围 {0} 平方米"),
    (r"surfaces are a list of objects with 'type' and 'rings', at least one", "表面须为由“type”和“rings”组成的对象列表，至少一项"),
    (r"surface (\d+): 'rings' must be a list of rings, the outer one first", "表面 {0}：“rings”须为环的列表，首环为外环"),
    (r"surface (\d+): 'type' must be one of (.+)", "表面 {0}：“type”须为以下之一：{1}"),
    (r"surface (\d+): ring (\d+) must be a list of at least four points \[x, y, z\] of finite numbers", "表面 {0}：环 {1} 须为至少四个点 [x, y, z] 的列表，且均为有限的数"),
    (r"surface (\d+): ring (\d+) is not closed: its last point must be its first", "表面 {0}：环 {1} 未闭合，末点须与首点相同"),
    (r"surface (\d+): ring (\d+) has no area: it needs three corners that are not in one line", "表面 {0}：环 {1} 没有面积，须有三个不在一条直线上的角点"),
    (r"surface (\d+) is not flat: a corner lies (\S+) m beside the plane of the others, (\S+) m are allowed", "表面 {0} 不平：有角点偏离所在平面 {1} 米，允许 {2} 米"),
    (r"surfaces reach down to (\S+) m, below 'lowest_m'", "表面最低处为 {0} 米，低于“lowest_m”"),
    (r"surfaces reach up to (\S+) m, above 'highest_m'", "表面最高处为 {0} 米，高于“highest_m”"),
    (r"surfaces lie up to (\S+) m beside (\S+) (\d+), (\S+) m are allowed", "表面超出 {1} {2} 最多 {0} 米，允许 {3} 米"),
    (r"(\S+) (\d+) has no place at that time: nothing says where these surfaces belong", "{0} {1} 在该时段没有位置，无法判断这些表面是否属于它"),
    (r"(.+) is empty, and rows are matched by it", "“{0}”为空，而各行以它匹配"),
    (r"(.+) '(.*)' stands in row (\d+) already", "“{0}”的值“{1}”已在第 {2} 行出现"),
))
_SHOWN = re.compile(r"(.+); the file has '(.*)'\Z", re.DOTALL)


def chinese_of(message: str) -> str | None:
    """Return the Chinese sentence of a fault's message, or None where the table has none.

    Example
    -------
    >>> chinese_of("'height' must be at least 0")
    '不得小于 0'
    """
    if shown := _SHOWN.match(message):
        said = chinese_of(shown[1])
        return said and f"{said}；文件中为“{shown[2]}”"
    for form, chinese in _FORMS:
        if found := form.match(message):
            return chinese.format(*found.groups())
    return None
