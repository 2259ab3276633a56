"""Write docs/reference from the definitions: settings, commands, layers, roles, processes, errors, code schemes.

    .venv/bin/python -m docs.scripts.reference          writes the pages (from the project's folder)
    .venv/bin/python -m docs.scripts.reference --check  ends with 1 and names the pages that are not as the definitions say

`tests/test_docs.py` asks the same.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from config.settings import ROOT, Settings
from gisserver.cli import gis
from gisserver.commands.import_ import REASONS
from gisserver.errors import CODE_OF_STATUS, STATUS, code_of, status_of
from gisserver.exit_codes import ExitCode, exit_code
from gisserver.wording import FAULTS_ZH, TITLES
from layers.errors import StoreError
from layers.layer import Layer, LayerField, read_layers
from layers.roles import Roles, Rule, read_roles
from spatial_models.registry import PROCESSES

FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Made by docs/scripts/reference.py from the definitions. Change those, not this page. -->\n"

# What a variable means is told here: (English, Chinese). A setting without a meaning is an error.
MEANINGS = {
    "port": ("Port of the service", "服务端口"),
    "bind": ("Address it listens on", "监听地址"),
    "public_url": ("Base of all links, with path, where a proxy stands before the service", "对外地址（含路径），服务前有反向代理时设置"),
    "var": ("Folder of the private cluster, uploads, logs and backups", "专用数据库、上传、日志和备份所在目录"),
    "database_url": ("Connection string of a PostGIS database to use instead of the private cluster", "改用已有 PostGIS 数据库时的连接串"),
    "city": ("File that defines the city: extent, reference systems, time zone, languages", "城市定义文件：范围、坐标系、时区、语言"),
    "admin_password": ("Password of `admin` on the first start, at least 10 characters", "首次启动时 `admin` 的密码，至少 10 个字符"),
    "processes": ("Number of server processes, 1 to 64", "服务进程数，1 至 64"),
    "tile_cache_mb": ("MB that made tiles may take on disk (`var/tiles`); 0 keeps them in memory alone", "瓦片在磁盘上（`var/tiles`）最多占用的兆字节数；0 表示只存于内存"),
}
# Defaults that are reckoned from the machine or from other settings.
RECKONED = {"public_url": "`http://<bind>:<port>`", "processes": "one per core, at most 4",
            "admin_password": "a random one, printed once", "database_url": "the private cluster"}
# English of the faults that an import cannot have (its own are in the table of `gis import`).
FAULTS = {"unknown_field": "no such field", "time": "time cannot be read", "unknown": "no such feature", "geometry": "geometry cannot be taken",
          "forbidden": "this account may not edit it"}
CAPABILITIES = {
    "see_personal": ("open personal fields, with a reason that the audit keeps", "填写理由后查看个人信息（理由记入审计）"),
    "export": ("take layers away as files", "导出图层文件"),
    "read_changesets": ("see who changed what, and why", "查看变更人和变更理由"),
    "undo": ("undo a changeset", "撤销变更集"),
    "run_jobs": ("start processes", "运行空间分析处理"),
    "publish_styles": ("publish styles of layers for all who may read what they show", "发布图层样式，供有权查看者使用"),
    "manage_layers": ("define layers and import into them", "定义图层并导入数据"),
    "make_keys": ("make API keys for oneself", "为自己创建 API 密钥"),
    "manage_accounts": ("accounts, their roles and districts, anybody's sessions and keys", "管理账号、角色、辖区、会话和密钥"),
    "read_audit": ("read and verify the audit", "查阅、核验审计记录"),
    "operate": ("metrics, jobs of others, the state of the machine", "查看运行指标、他人任务和机器状态"),
}
REACH = {"none": "—", "districts": "own districts 本辖区", "all": "all 全部"}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(_cell(c) for c in line) + " |\n" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def settings_page() -> str:
    """Write the page of the settings."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, Path):
            default = default.relative_to(ROOT).as_posix()
        rows.append((f"`GIS_{name.upper()}`", RECKONED.get(name, f"`{default}`"), *MEANINGS[name]))
    return ("# Settings 设置项\n\nRead once from the environment when a command starts. A `GIS_` variable that is no setting is "
            "reported; a wrong value ends the command with 78.\n\n启动命令时从环境变量读取一次。不认识的 `GIS_` 变量会给出提示；"
            "取值有误时命令以 78 退出。\n\n" + table(("variable 变量", "default 默认值", "meaning", "含义"), rows))


def commands() -> Iterator[tuple[str, click.Command]]:
    """Give every command with its whole name: `layer plan`."""
    context = click.Context(gis)
    for name in gis.list_commands(context):
        made = gis.get_command(context, name)
        assert made is not None
        yield name, made
        if isinstance(made, click.Group):
            yield from ((f"{name} {verb}", made.commands[verb]) for verb in sorted(made.commands))


def commands_page() -> str:
    """Write the page of the commands."""
    parts = ["# Commands 命令\n\n`./gis` stands in the project's folder; it reads the same [settings](settings.md) as `./run`. Every command takes "
             "`--help`.\n\n`./gis` 位于项目根目录，与 `./run` 读取相同的[设置项](settings.md)；每个命令都有 `--help`。\n"]
    for name, made in commands():
        usage = " ".join(["gis", name, *made.collect_usage_pieces(click.Context(made))])
        parts.append(f"\n{'###' if ' ' in name else '##'} `gis {name}`\n\n```\n{usage}\n```\n\n{_prose(made.help or '')}\n")
        if rows := [_option(p) for p in made.params if isinstance(p, click.Option)]:
            parts.append("\n" + table(("option 选项", "default 默认值", "meaning 含义"), rows))
    codes = [(int(code), f"`{code.name}`") for code in ExitCode]
    parts.append("\n## Exit codes 退出码\n\n" + table(("number 数值", "name 名称"), codes))
    return "".join(parts)


def _prose(text: str) -> str:
    """Write a help text as paragraphs; what click shall not wrap is indented as an example or kept as it is."""
    paragraphs = []
    for block in inspect.cleandoc(text).split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip() != "\b"]
        shown = [f"`{line.strip()}`" if line.startswith("  ") else line for line in lines]
        paragraphs.append("\n".join(shown))
    return "\n\n".join(paragraphs)


def _option(option: click.Option) -> tuple[str, str, str]:
    names = ", ".join(f"`{o}`" for o in option.opts)
    if not option.is_flag:
        kind = "\\|".join(map(str, option.type.choices)) if isinstance(option.type, click.Choice) else option.metavar or option.type.name.upper()
        names += f" {kind}"
    default = ""
    if isinstance(option.show_default, str):
        default = option.show_default
    elif option.show_default:
        default = str(option.default)
    notes = " Several times." if option.multiple and "several times" not in (option.help or "").lower() else ""
    return names.replace("\\|", "/"), f"`{default}`" if default else "", (option.help or "") + notes + (" Required." if option.required else "")


def layer_pages(layers: dict[str, Layer]) -> dict[str, str]:
    """Write the page of the layers, and one for each group of them."""
    groups: dict[str, list[Layer]] = {}
    for layer in layers.values():
        groups.setdefault(layer.group, []).append(layer)
    index = ["# Layers 图层\n\nEach is one YAML file in `config/layers/`. `personal` fields open only with a reason; grades run from L1 (public) to L4.\n\n"
             "每个图层对应 `config/layers/` 下一个 YAML 文件。标为 personal 的字段须填写理由才能查看；密级由 L1（公开）到 L4。\n\n"]
    index.append(table(("layer 图层", "title", "名称", "kind 种类", "geometry 几何", "grade 密级", "group 分组"), [
        (f"[`{x.id}`](layers-{group}.md#{x.id})", x.title.en, x.title.zh, x.kind, x.geometry or "—", x.grade, group)
        for group, some in sorted(groups.items()) for x in some]))
    pages = {"layers.md": "".join(index)}
    for group, some in sorted(groups.items()):
        pages[f"layers-{group}.md"] = f"# Layers: {group}\n\n[All layers 全部图层](layers.md)\n" + "".join(map(_layer, some))
    return pages


def _layer(layer: Layer) -> str:
    facts = {"kind": layer.kind, "geometry": layer.geometry and layer.geometry + (" Z" if layer.has_z else ""), "grade": layer.grade,
             "key": layer.key, "label": layer.label, "district": layer.district,
             "rules": ", ".join(r.kind + (f" `{r.via}`" if r.via else "") + (
                 f" (flat within {r.flat_m:g} m, at most {r.reach_m:g} m beside it)" if r.flat_m and r.reach_m else f" (tolerance {r.tolerance_m2:g} m²)") for r in layer.rules)}
    parts = [f"\n## {layer.id}\n\n{layer.title.en} · {layer.title.zh}\n\n"]
    if layer.description:
        parts.append(f"{layer.description.en}\n\n{layer.description.zh}\n\n")
    parts.append(", ".join(f"{name}: {value}" for name, value in facts.items() if value) + "\n")
    if layer.fields:
        parts.append("\n" + table(("field 字段", "type 类型", "title", "名称", "unit 单位", "notes 说明"), [
            (f"`{f.name}`", f.type + (f" → `{f.references}`" if f.references else ""), f.title.en, f.title.zh, f.unit or "", _notes(f)) for f in layer.fields]))
    for f in layer.fields:
        if f.codes:
            parts.append(f"\nCodes of `{f.name}` · {f.title.zh}代码\n\n" + table(("code 代码", "title", "名称"), [
                (f"`{code}`", text.en, text.zh) for code, text in f.codes.items()]))
    return "".join(parts)


def _notes(field: LayerField) -> str:
    flags = [word for word, is_so in (("required", field.required), ("personal", field.personal), ("part of", field.part_of), ("indexed", field.index),
                                      ("in tiles", field.tile)) if is_so]
    flags += [f"found by {field.search}"] if field.search else []
    flags += [f"{word} {value:g}" for word, value in (("≥", field.minimum), ("≤", field.maximum)) if value is not None]
    flags += [f"at most {field.max_length} characters"] if field.max_length else []
    flags += [f"form `{field.pattern}`"] if field.pattern else []
    told = "; ".join(flags)
    return f"{field.description.en} {field.description.zh} {told}" if field.description else told


def roles_page(roles: Roles, layers: dict[str, Layer]) -> str:
    """Write the page of the roles."""
    rights = [(f"`{name}`", *CAPABILITIES[name]) for name in sorted({c for r in roles.roles.values() for c in r.capabilities}, key=list(CAPABILITIES).index)]
    parts = ["# Roles 角色\n\nDefined in `config/roles.yaml`. The narrowest rule decides: that of the layer, else of its group, else the role's default. A layer whose "
             "grade is above the role's does not exist for it.\n\n定义在 `config/roles.yaml`。取最窄的规则：先看图层，再看分组，最后看默认；密级高于角色上限的图层对该角色不存在。\n\n"
             "## Capabilities 权限\n\n", table(("capability 权限", "meaning", "含义"), rights)]
    for name, role in roles.roles.items():
        account = "anybody who is not signed in 未登录者" if name == roles.public else f"account of the first start 首次启动所建账号: `{role.account}`"
        parts.append(f"\n## {name}\n\n{role.title.en} · {role.title.zh}\n\n{role.description.en}. {role.description.zh}。\n\n{account}; grade up to 密级上限 {role.max_grade}"
                     + ("; made and changed on the machine only 只能在服务器上建立和修改" if role.machine_only else "") + "; capabilities 权限: "
                     + (", ".join(f"`{c}`" for c in role.capabilities) or "—") + "\n\n")
        rows = []
        for layer in layers.values():
            rule = role.rule(layer)
            if rule.read != "none":
                rows.append((f"`{layer.id}`", _reach(rule, rule.read, layer), _reach(rule, rule.edit, layer) if layer.is_stored else "—",
                             _reach(rule, rule.personal, layer) if any(f.personal for f in layer.fields) else "", ", ".join(f"`{f}`" for f in rule.hide)))
        # A rule over districts shows nothing of a layer that has none.
        rows = [row for row in rows if row[1] != "—"]
        parts.append(table(("layer 图层", "read 查看", "edit 编辑", "personal 个人信息", "hidden 隐藏字段"), rows))
    parts.append("\n## Nobody has two of these 不得兼任\n\n" + "".join("* " + ", ".join(f"`{n}`" for n in names) + "\n" for names in roles.exclusive))
    return "".join(parts)


def _reach(rule: Rule, reach: str, layer: Layer) -> str:
    if reach == "districts" and layer.district is None:
        reach = "all" if rule.without_district == "whole" else "none"
    return REACH[reach]


def processes_page() -> str:
    """Write the page of the processes."""
    parts = ["# Processes 空间分析处理\n\nOGC API - Processes at `/ogc/processes`. A process reads with the rights of who asks.\n\n"
             "遵循 OGC API - Processes，地址为 `/ogc/processes`。处理按请求者的权限读取数据。\n"]
    for process in PROCESSES.values():
        en, zh = process.describe("en"), process.describe("zh")
        parts.append(f"\n## {process.id}\n\n{process.title.en} · {process.title.zh}\n\n{process.description.en}\n\n{process.description.zh}\n\n"
                     f"Who may run it 可用者: {'anybody 任何人' if process.is_open else '`run_jobs`'}; features at most 要素上限: {process.most_features:,} as a job 作为任务, "
                     f"{process.most_features_at_once:,} at once 同步; a job may run 任务时限 {process.time_limit_s:g} s.\n\n")
        rows = [(f"`{name}`", _schema(about["schema"]), "yes 是" if about["minOccurs"] else "", f"{about['title']}. {about['description']}",
                 f"{zh['inputs'][name]['title']}：{zh['inputs'][name]['description']}") for name, about in en["inputs"].items()]
        parts.append(table(("input 输入", "type 类型", "required 必填", "meaning", "含义"), rows))
        parts.append(f"\nOutput 输出: `{process.output.name}` ({process.output.media_type}). {process.output.description.en}. {process.output.description.zh}。\n")
    return "".join(parts)


def _schema(schema: dict[str, Any]) -> str:
    if "oneOf" in schema and all("enum" in way for way in schema["oneOf"]):
        return ", ".join(f"`{way['enum'][0]}`" for way in schema["oneOf"])
    kind = schema.get("type") or " or ".join(_schema(way) for way in schema.get("oneOf", ()))
    limits = [f"{sign} {schema[name]:g}" for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤")) if name in schema]
    return " ".join([str(kind), *limits]) + (f" (default {schema['default']})" if schema.get("default") not in (None, []) else "")


def error_types() -> list[type[Exception]]:
    """Return every kind of error of the city, its parents before it."""
    for package in ("layers", "tiles", "spatial_models", "gisserver"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)

    def below(kind: type[Exception]) -> Iterator[type[Exception]]:
        for child in sorted(kind.__subclasses__(), key=lambda k: (k.__name__, k.__module__)):
            # only what the service itself is made of: a test may have kinds of its own
            if child.__module__.partition(".")[0] in ("layers", "tiles", "spatial_models", "gisserver"):
                yield child
                yield from below(child)

    return list(dict.fromkeys(below(StoreError)))


def errors_page() -> str:
    """Write the page of the errors."""
    rows = []
    for kind in error_types():
        probe = kind.__new__(kind)
        decided = any(issubclass(kind, known) for known, _, _ in STATUS)
        rows.append((f"`{kind.__name__}`", f"`{kind.__bases__[0].__name__}`", status_of(probe) if decided else "its own" if kind.__name__ == "CarriedProblem" else 500,
                     f"`{code_of(probe)}`" if decided else "—", int(exit_code(probe)), (inspect.getdoc(kind) or "").splitlines()[0]))
    codes = dict.fromkeys([code for _, _, code in STATUS] + list(CODE_OF_STATUS.values()) + ["bad-request", "internal"])
    return ("# Errors 错误\n\nA failed request is answered by a problem document (RFC 9457): `type` is `urn:gis:problem:<code>`, `detail` says what to do, in the language of "
            "`Accept-Language`. A failed command ends with the exit code.\n\n请求失败时返回 problem+json（RFC 9457）：`type` 为 `urn:gis:problem:<代码>`，`detail` 按 `Accept-Language` "
            "用中文或英文说明原因。命令失败时以相应退出码结束。\n\n## Kinds of problems 问题类别\n\n"
            + table(("code 代码", "title", "标题"), [(f"`{code}`", *TITLES[code]) for code in codes])
            + "\n## Types 错误类型\n\n" + table(("type 类型", "is a 上级", "status 状态码", "code 代码", "exit 退出码", "when 何时"), rows)
            + "\n## Faults of edits and imports 编辑与导入的检查项\n\n`Rejected` carries every fault: `code`, `message`, `row`, `layer`, `fid`, `field`, `place`.\n\n"
            "`Rejected` 一次列出全部问题：`code`、`message`、`row`、`layer`、`fid`、`field`、`place`。\n\n"
            + table(("fault 检查项", "meaning", "含义"), [(f"`{code}`", REASONS[code][0] if code in REASONS else FAULTS[code], text.format(field="字段"))
                                                 for code, text in FAULTS_ZH.items()]))


def schemes_page(schemes: dict[str, Any]) -> str:
    """Write the page of the schemes of official codes."""
    rows = [(f"`{name}`", s["title"]["en"], s["title"]["zh"], f"`{s['pattern']}`", s.get("check_system") or "—", s["edition"], s["source"], s.get("verified_by") or "not yet 尚未核验")
            for name, s in schemes.items()]
    return ("# Schemes of official codes 官方代码体系\n\nA field of type `codes` holds a list of `{\"scheme\", \"value\"}`. Values are checked on writing. The column *verified* says who compared the rule "
            "with the printed standard.\n\n`codes` 类型的字段是 `{\"scheme\", \"value\"}` 的列表，写入时按规则检查。“核验”一列注明规则由谁对照标准原文核对过。\n\n"
            + table(("scheme 体系", "title", "名称", "form 格式", "check 校验", "edition 版本", "source 依据", "verified 核验"), rows))


def pages() -> dict[str, str]:
    """Return every page of the reference by its file name."""
    layers = read_layers(ROOT / "config" / "layers")
    roles = read_roles(ROOT / "config" / "roles.yaml", layers)
    schemes = yaml.safe_load((ROOT / "config" / "standards" / "code_schemes.yaml").read_text("utf-8"))
    made = {"settings.md": settings_page(), "commands.md": commands_page(), **layer_pages(layers), "roles.md": roles_page(roles, layers),
            "processes.md": processes_page(), "errors.md": errors_page(), "code-schemes.md": schemes_page(schemes)}
    listed = (("settings.md", "Settings 设置项"), ("commands.md", "Commands 命令"), ("layers.md", "Layers, fields and codes 图层、字段与代码"), ("roles.md", "Roles 角色"),
              ("processes.md", "Processes 空间分析处理"), ("errors.md", "Errors 错误"), ("code-schemes.md", "Schemes of official codes 官方代码体系"))
    made["README.md"] = "# Reference 参考\n\nMade from the definitions. 由定义生成。\n\n" + "".join(f"* [{title}]({name})\n" for name, title in listed)
    return {name: MADE + text for name, text in made.items()}


def stale() -> list[str]:
    """Return the pages that are missing, differ from the definitions, or are no more."""
    made, there = pages(), {path.name for path in FOLDER.glob("*.md")}
    return sorted([name for name, text in made.items() if name not in there or (FOLDER / name).read_text("utf-8") != text] + list(there - made.keys()))


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with --check compare them."""
    if "--check" in arguments:
        old = stale()
        sys.stdout.write("".join(f"stale: docs/reference/{name}\n" for name in old))
        return int(bool(old))
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
