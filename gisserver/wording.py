"""What the service says about wrong parameters and failed requests, in English and Chinese."""

from __future__ import annotations

from typing import Any

from layers.errors import InvalidParameter
from layers.fault_text import chinese_of

__all__ = ["WrongParameter", "fault_message", "problem_title", "sentence"]

# Each sentence is completed with str.format; the pair is (English, Chinese).
SENTENCES: dict[str, tuple[str, str]] = {
    "unknown": ("is not known here. Known are: {known}.", "此处没有这个参数。可用参数：{known}。"),
    "twice": ("is given more than once; give it once.", "重复出现，只能给出一次。"),
    "integer": ("'{value}' is not a whole number.", "“{value}”不是整数。"),
    "number": ("'{value}' is not a number.", "“{value}”不是数字。"),
    "range": ("{value} is outside {low} to {high}.", "{value} 不在 {low} 到 {high} 之间。"),
    "flag": ("'{value}' is neither 'true' nor 'false'.", "“{value}”既不是 true 也不是 false。"),
    "choice": ("'{value}' is not one of: {choices}.", "“{value}”不在可选值之中：{choices}。"),
    "bbox_count": ("needs 4 numbers (minx,miny,maxx,maxy), or 6 with heights; {count} were given.",
                   "需要 4 个数（minx,miny,maxx,maxy），带高程时为 6 个；收到 {count} 个。"),
    "bbox_order": ("the lower bound is above the upper bound.", "下界大于上界。"),
    "bbox_degrees": ("longitude is within -180 to 180 and latitude within -90 to 90 degrees.",
                     "经度应在 -180 到 180 之间，纬度应在 -90 到 90 之间。"),
    "crs": ("'{value}' is not one of this collection's systems: {choices}.", "“{value}”不是该图层支持的坐标系：{choices}。"),
    "property": ("layer '{layer}' has no property '{value}'. It has: {choices}.",
                 "图层“{layer}”没有属性“{value}”。可用属性：{choices}。"),
    "date": ("'{value}' is not a date (2024-06-30).", "“{value}”不是日期（如 2024-06-30）。"),
    "moment": ("'{value}' is not a date or time (2024-06-30, 2024-06-30T08:00:00Z).",
               "“{value}”不是日期或时间（如 2024-06-30、2024-06-30T08:00:00Z）。"),
    "utf8": ("is not valid UTF-8 text.", "不是有效的 UTF-8 文本。"),
    "nul": ("contains a NUL character.", "含有空字符（NUL）。"),
    "missing": ("is required.", "为必填参数。"),
    "excludes": ("cannot be combined with '{other}'.", "不能与“{other}”同时使用。"),
    "json": ("is not valid JSON: {value}.", "不是有效的 JSON：{value}。"),
    "object": ("must be a JSON object.", "应为 JSON 对象。"),
    "geojson": ("must be a GeoJSON Feature: {value}.", "应为 GeoJSON 要素（Feature）：{value}。"),
    "fid": ("'{value}' is not a feature number.", "“{value}”不是要素编号。"),
    "id_mismatch": ("the body says feature {body}, the address says {path}.", "请求体中的编号 {body} 与地址中的编号 {path} 不一致。"),
    "etag": ("'{value}' is not a version this server gave; send the ETag of the feature you read.",
             "“{value}”不是本服务给出的版本；请使用读取要素时得到的 ETag。"),
    "geometry_kind": ("layer '{layer}' has no geometry.", "图层“{layer}”没有几何。"),
    "tile": ("there is no tile {value} in {tms}.", "{tms} 中没有瓦片 {value}。"),
    "text": ("'{value}' is too long; at most {high} characters.", "“{value}”过长，最多 {high} 个字符。"),
    "edits": ("must be a list of 1 to {high} edits.", "应为 1 到 {high} 个编辑组成的列表。"),
    "member": ("'{value}' is not known here. Known are: {known}.", "没有“{value}”这一项。可用项：{known}。"),
    "pair": ("needs two numbers: longitude,latitude.", "需要两个数：经度,纬度。"),
    "kind": ("must be {value}.", "类型应为 {value}。"),
}

TITLES: dict[str, tuple[str, str]] = {
    "invalid-parameter": ("A parameter is wrong", "参数有误"),
    "invalid-filter": ("The filter is wrong", "过滤条件有误"),
    "not-found": ("Not found", "未找到"),
    "gone": ("It existed, and does not at that moment", "该时刻已不存在"),
    "rejected": ("The edit breaks checks; nothing was written", "编辑未通过检查，未写入任何内容"),
    "definition": ("The definition of a layer is wrong", "图层定义有误"),
    "conflict": ("Somebody else changed it", "他人已修改"),
    "undo-refused": ("Later edits depend on it", "后续编辑依赖于此，不能撤销"),
    "precondition-required": ("Say which version you edit", "请说明编辑所依据的版本"),
    "not-authenticated": ("Sign in first", "请先登录"),
    "forbidden": ("This account may not do that", "该账号无此权限"),
    "unavailable": ("The service cannot answer now", "服务暂时无法应答"),
    "method-not-allowed": ("This address does not take that method", "该地址不支持此方法"),
    "not-acceptable": ("None of the accepted formats is offered", "没有可接受的格式"),
    "unsupported-media-type": ("The body is in a format that is not taken here", "不支持的请求体格式"),
    "too-large": ("The body is too large", "请求体过大"),
    "too-many-requests": ("Too many requests", "请求过于频繁"),
    "outside-failed": ("A service of others did not give what was asked for", "外部服务未能提供所需内容"),
    "bad-request": ("The request is wrong", "请求有误"),
    "internal": ("The service made a mistake", "服务内部错误"),
}

# Chinese details of errors of the lower floors, from their own attributes.
DETAILS_ZH: dict[str, str] = {
    "UnknownLayer": "没有图层“{layer}”。",
    "UnknownFeature": "图层“{layer}”中没有要素 {fid}。",
    "Gone": "图层“{layer}”的要素 {fid} 在该时刻不存在。",
    "Conflict": "图层“{layer}”的要素 {fid} 已被他人修改：编辑依据版本 {expected}，当前版本为 {current}。",
    "UndoRefused": "变更集 {seq} 不能撤销：有后续编辑依赖于它。",
    "UnknownChangeset": "没有这个变更集。",
    "PreconditionRequired": "请在 If-Match 中给出所编辑的版本。",
    "NotAuthenticated": "请先登录。",
    "SignInRefused": "用户名或密码错误。",
    "SignInLocked": "失败次数过多，请在 {retry_after_s} 秒后重试。",
    "CsrfRefused": "缺少 X-CSRF-Token 请求头，或与本次会话不符。",
    "UnknownAccount": "没有这个账号、会话或密钥。",
    "Forbidden": "该账号无此权限。",
    "Unavailable": "服务暂时无法应答，请稍后再试。",
    "Rejected": "编辑未通过检查，详见 faults。",
    "DefinitionError": "图层定义有误，详见 faults。",
    "NotFound": "没有这个资源。",
    "UnknownTile": "没有这个瓦片或瓦片矩阵集。",
    "NotAcceptable": "没有可接受的格式。",
    "UnsupportedMediaType": "不支持的请求体格式。",
}


# What a check found, by the code of the fault.
FAULTS_ZH: dict[str, str] = {
    "required": "“{field}”为必填", "type": "“{field}”的值类型不符", "code": "“{field}”的值不在代码表中",
    "minimum": "“{field}”低于最小值", "maximum": "“{field}”高于最大值", "max_length": "“{field}”过长",
    "pattern": "“{field}”不符合规定格式", "finite": "“{field}”须为有限数", "codes": "“{field}”中有无效的官方代码",
    "unknown_field": "没有字段“{field}”", "time": "“{field}”不是有效的时间",
    "span": "有效时间的起点必须早于终点，且不得重复", "unknown": "没有这个要素", "geometry": "几何不符合要求",
    "geometry_missing": "新要素需要几何", "geometry_invalid": "几何无效", "geometry_empty": "几何为空", "outside": "几何超出城市范围",
    "forbidden": "您无权编辑此要素", "reference": "引用的要素不存在或不在同一时间有效", "referred": "仍被其他要素引用",
    "overlap": "与同图层要素重叠", "not_within": "超出所属要素的范围", "key_missing": "关键字段为空", "key_repeated": "关键字段重复",
    "surfaces": "“{field}”不是由表面组成的列表", "surface_type": "“{field}”中有未知的表面类型或缺少环", "surface_ring": "“{field}”中有未闭合或没有面积的环",
    "surface_plane": "“{field}”中有不平的表面", "surface_height": "表面超出“{field}”所述的高程", "surface_place": "“{field}”不在其建筑处，或其建筑没有位置",
}


class WrongParameter(InvalidParameter):
    """A parameter, header or body of a request is wrong; says so in both languages."""

    def __init__(self, parameter: str, key: str, **values: Any) -> None:
        english, chinese = SENTENCES[key]
        super().__init__(parameter, english.format(**values))
        self.chinese = f"参数“{parameter}”：{chinese.format(**values)}"


def sentence(error: Exception, language: str) -> str:
    """Say what went wrong in a language ('zh' or 'en'), as far as it is known in that language."""
    if language == "zh":
        # Errors that know their Chinese say it themselves.
        if isinstance(chinese := getattr(error, "chinese", None), str):
            return chinese
        template = DETAILS_ZH.get(type(error).__name__)
        if template:
            return template.format(**vars(error))
        if isinstance(error, InvalidParameter):
            return "参数“{}”：{}".format(error.parameter, str(error).partition(": ")[2])
    return str(error)


def fault_message(fault: dict[str, Any], language: str) -> str:
    """Say what a fault is in a language; in English it has been said where it was found."""
    if language == "zh" and (said := chinese_of(fault.get("message", ""))):
        subject = fault.get("field")
        return f"“{subject}”{said}" if subject and subject != "geometry" else said
    template = FAULTS_ZH.get(fault.get("code", ""))
    return template.format(field=fault.get("field")) if language == "zh" and template else str(fault.get("message", ""))


def problem_title(code: str, language: str) -> str:
    """Return the title of a kind of problem in a language ('zh' or 'en')."""
    return TITLES[code][language == "zh"]
