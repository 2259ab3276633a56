"""`gis migrate`: schema, city and layer definitions, brought to this version."""

from __future__ import annotations

import click

from config.settings import Settings
from gisserver.ops.database import city_dsn
from gisserver.ops.preparation import prepare_store
from gisserver.ops.saying import Teller
from layers.store import Store

__all__ = ["command"]


@click.command()
@click.option("--allow-loss", is_flag=True, help="Also take steps that lose data, such as dropping a field.")
@click.pass_obj
def command(settings: Settings, allow_loss: bool) -> None:
    """Bring the database to this version and apply the definitions of config/layers. 升级数据库结构并应用图层定义。"""
    store = Store(city_dsn(settings), max_connections=2)
    try:
        done = prepare_store(store, settings.city, allow_loss=allow_loss)
    finally:
        store.close()
    teller = Teller()
    for name in done.migrations:
        teller.say(f"migrated: {name}", f"已升级：{name}")
    added = [step.layer for step in done.steps if step.kind == "add layer"]
    if added:
        teller.say(f"{len(added)} layers made: {', '.join(added)}", f"已创建 {len(added)} 个图层：{'、'.join(added)}")
    for step in done.steps:
        if step.kind not in ("add layer", "define"):
            teller.say(f"changed: {step}", f"已变更：{step}")
    if not (done.migrations or done.steps or done.city_changed):
        teller.say("The database is up to date.", "数据库已是最新。")
