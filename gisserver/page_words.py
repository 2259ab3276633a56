"""The words of the HTML pages, in Chinese and English."""

from __future__ import annotations

__all__ = ["GROUPS", "WORDS"]

GROUPS: dict[str, dict[str, str]] = {
    "admin": {"zh": "行政区划", "en": "Administration"},
    "place": {"zh": "地名地址", "en": "Places and addresses"},
    "land": {"zh": "用地", "en": "Land"},
    "plan": {"zh": "规划", "en": "Planning"},
    "housing": {"zh": "房屋", "en": "Housing"},
    "construction": {"zh": "工程建设", "en": "Construction"},
    "pipeline": {"zh": "地下管线", "en": "Pipelines"},
    "transport": {"zh": "交通", "en": "Transport"},
    "coverage": {"zh": "影像与地形", "en": "Imagery and terrain"},
    "imported": {"zh": "导入", "en": "Imported"},
    "results": {"zh": "分析结果", "en": "Results"},
    "annotations": {"zh": "标注", "en": "Annotations"},
    "other": {"zh": "其他", "en": "Other"},
}

# word -> (English, Chinese)
_PAIRS: dict[str, tuple[str, str]] = {
    "home": ("Start", "首页"), "map": ("Map", "地图"), "collections": ("Layers", "图层"), "collection": ("Layer", "图层"),
    "features": ("Features", "要素"), "feature": ("Feature", "要素"), "conformance": ("Conformance", "符合性"),
    "api": ("API definition", "接口定义"), "queryables": ("Queryables", "可查询属性"), "sortables": ("Sortables", "可排序属性"),
    "schema": ("Schema", "数据结构"), "styles": ("Styles", "样式"), "tiles": ("Tiles", "瓦片"), "tilesets": ("Tile sets", "瓦片集"),
    "schemes": ("Tile matrix sets", "瓦片矩阵集"), "processes": ("Processes", "处理"), "process": ("Process", "处理"),
    "jobs": ("Jobs", "任务"), "job": ("Job", "任务"), "records": ("Catalogue", "目录"), "coverage": ("Coverage", "覆盖数据"),
    "error": ("Something is wrong", "出错了"), "title": ("Title", "名称"), "type": ("Type", "类型"), "unit": ("Unit", "单位"),
    "description": ("Description", "说明"), "codes": ("Codes", "代码"), "property": ("Property", "属性"),
    "required": ("required", "必填"), "geometry": ("Geometry", "几何"), "no_geometry": ("Table without geometry", "无几何的表"),
    "extent": ("Extent", "范围"), "systems": ("Coordinate systems", "坐标系"), "formats": ("Formats", "格式"),
    "next": ("Next page", "下一页"), "valid": ("Valid", "有效时间"), "from": ("from", "自"), "until": ("until", "至"),
    "open_end": ("open", "不限"), "versions": ("Versions", "版本"), "lineage": ("Lineage", "沿革"), "matched": ("matched", "条匹配"),
    "shown": ("shown", "条显示"), "none": ("There is nothing here.", "此处没有内容。"), "signed_in": ("Signed in as", "当前账号"),
    "links": ("Links", "链接"), "parameters": ("Parameters", "参数"), "answers": ("Answers", "应答"), "request_id": ("Request", "请求编号"),
    "parameter": ("Parameter", "参数"), "faults": ("Faults", "问题"), "preview": ("Drawing of the features on this page", "本页要素的示意图"),
    "open_map": ("Open the map", "打开地图"), "editable": ("you may edit it", "可编辑"), "body": ("Body", "请求体"),
    "content": ("Content", "内容"), "language_other": ("中文", "English"), "layers_of": ("layers", "个图层"),
    "landing_text": ("Layers of the city with their history, through OGC API. Machines read the same addresses as JSON.",
                     "以 OGC API 提供本市图层及其历史；程序以 JSON 读取同一地址。"),
    "true": ("yes", "是"), "false": ("no", "否"),
}

WORDS: dict[str, dict[str, str]] = {language: {word: pair[index] for word, pair in _PAIRS.items()}
                                    for index, language in enumerate(("en", "zh"))}
