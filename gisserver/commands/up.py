"""`gis up`: what `./run` ends in."""

from __future__ import annotations

import signal
from types import FrameType

import click

from config.settings import Settings
from gisserver.exit_codes import ExitCode
from gisserver.ops.database import city_store
from gisserver.ops.run_record import Run
from gisserver.ops.saying import Teller
from gisserver.ops.startup import Startup, VerbFailed
from layers.accounts import accounts

__all__ = ["command"]


@click.command()
@click.option("--empty", is_flag=True, help="Start without the demo city. 不装载示范城市。")
@click.pass_obj
def command(settings: Settings, empty: bool) -> int:
    """Start the whole city and keep it running until Ctrl-C. 启动整个城市，直到按下 Ctrl-C。"""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    teller = Teller()
    with Run(settings.var, settings.public_url) as run:
        startup = Startup(settings, run, teller)
        try:
            startup.clean_up()
            with startup.listen() as listening:
                startup.database()
                startup.prepare()
                startup.first_start(empty=empty)
                startup.accounts()
                startup.services(listening)
                announce(settings, teller)
                startup.watch()
        except KeyboardInterrupt:
            teller.say("\nStopping …", "\n正在停止……")
        except VerbFailed as failed:
            return failed.code
        finally:
            # a second signal while stopping must not leave half of it running
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            startup.supervisor.stop()
    teller.say("Stopped.", "已停止。")
    return ExitCode.OK


def announce(settings: Settings, teller: Teller) -> None:
    """Say where the city is."""
    teller.say("\nThe city is ready.", "\n城市已就绪。", style="bold green")
    for english, chinese, path in (("Map", "地图", "/"), ("OGC API", "OGC API", "/ogc")):
        teller.say(f"  {english:<9}{settings.public_url}{path}", f"  {chinese}  {settings.public_url}{path}")
    with city_store(settings) as store:
        names = ", ".join(found.username for found in accounts(store) if not found.is_disabled)
    teller.say(f"  {'Accounts':<9}{names}", f"  账号  {names}")
    teller.say(f"  {'Data':<9}{settings.var}", f"  数据  {settings.var}")
    teller.say("A password is changed by './gis user password NAME'. Ctrl-C stops the city.",
               "用 ./gis user password 账号 重设密码。按 Ctrl-C 停止。")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
