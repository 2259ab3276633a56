"""What can go wrong with services of others, each with what to do about it."""

from __future__ import annotations

from typing import Any

from layers.errors import Forbidden, StoreError

__all__ = ["HostNotAllowed", "OutsideBusy", "OutsideFailed", "explained"]

# What a fetch found, in both languages.
_REASONS = {
    "lookup": ("its name is not known here; look whether the address is written rightly", "找不到该主机名，请检查地址是否正确"),
    "address": ("its name leads to an address of a private network; an administrator can say that this is meant for this host",
                "该主机名指向内部网络地址；如确需访问，请管理员为该主机勾选“内部网络”"),
    "slow": ("it did not answer in time; try again later", "对方未在限定时间内应答，请稍后再试"),
    "large": ("it sent more than may be taken at once", "对方返回的数据超过允许的大小"),
    "tls": ("its certificate does not hold; ask who keeps the service", "对方证书无效，请联系该服务的管理者"),
    "refused": ("it takes no connection; try again later", "对方拒绝连接，请稍后再试"),
    "broken": ("its answer broke off or is not what was asked for", "对方的应答中断或不符合要求"),
    "down": ("it did not answer several times in a row and is left in peace for half a minute", "对方连续多次未应答，半分钟后再试"),
}


class HostNotAllowed(Forbidden):
    """The host is not on the administrator's list."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"This server may not ask {origin}. Ask an administrator to allow this host (Allowed hosts in the account menu, or "
                         f"'gis outside allow {origin}').",
                         f"本平台未获准访问 {origin}。请联系系统管理员将该主机加入允许名单（账户菜单“外部服务主机”，或命令 gis outside allow {origin}）。")
        self.origin = origin

    def details(self) -> dict[str, Any]:
        return {"origin": self.origin}


class OutsideFailed(StoreError):
    """A service of others did not give what was asked for; `reason` is a word, `status` what it answered, where it did."""

    def __init__(self, origin: str, english: str, chinese: str, reason: str = "broken") -> None:
        super().__init__(f"{origin}: {english}.", f"{origin}：{chinese}。")
        self.origin, self.reason = origin, reason

    def details(self) -> dict[str, Any]:
        return {"origin": self.origin, "reason": self.reason}


class OutsideBusy(StoreError):
    """One reader asks for more of services of others than the server fetches for one."""

    def __init__(self) -> None:
        super().__init__("Too many requests to services of others at once; wait a moment.", "同时向外部服务发出的请求过多，请稍候。")
        self.headers = {"Retry-After": "5"}


def explained(origin: str, reason: str) -> OutsideFailed:
    """Return the fault for the reason that a fetch gave."""
    english, chinese = _REASONS[reason]
    return OutsideFailed(origin, english, chinese, reason)
