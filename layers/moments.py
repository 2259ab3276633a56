"""Moments: how the city's times are written and read, down to the year, the month, the day or the instant.

A time of year, month or day precision is a calendar label of UTC: '1985' begins 1985-01-01T00:00:00Z and ends where 1986
begins. All spans are half-open, `[from, to)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

from layers.errors import InvalidParameter

__all__ = ["Interval", "Moment", "Precision", "format_moment", "parse_datetime", "parse_interval", "parse_moment"]

Precision = Literal["y", "m", "d", "s"]
Interval = tuple[datetime | None, datetime | None]

# A '+' that was not percent-encoded arrives as a blank, so a blank before the offset is read as '+'.
_TEXT = re.compile(r"(?P<y>\d{4})(?:-(?P<m>\d\d)(?:-(?P<d>\d\d)(?P<clock>[Tt].+)?)?)?", re.ASCII)
_CLOCK = re.compile(r"[Tt](?P<h>\d\d):(?P<min>\d\d):(?P<s>\d\d)(?:\.(?P<f>\d{1,12}))?"
                    r"(?:(?P<z>[Zz])|(?P<sign>[-+ ])(?P<oh>\d\d):(?P<om>\d\d))", re.ASCII)
_WANTED = "write a time as 1985, 1985-06, 1985-06-01 or 1985-06-01T08:00:00Z (with Z or an offset such as +08:00)"
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Moment:
    """A time as somebody wrote it: its beginning in UTC and its precision ('y', 'm', 'd' or 's')."""

    at: datetime
    precision: Precision = "s"

    @property
    def end(self) -> datetime:
        """Return the first instant after it: the next year, month or day, or a microsecond later."""
        if self.precision == "y":
            return self.at.replace(year=self.at.year + 1)
        if self.precision == "m":
            return (self.at + timedelta(days=32)).replace(day=1)
        return self.at + (timedelta(days=1) if self.precision == "d" else _INSTANT)

    def __str__(self) -> str:
        return format_moment(self.at, self.precision)


def parse_moment(text: str, parameter: str = "datetime") -> Moment:
    """Read '1985', '1985-06', '1985-06-01' or an RFC 3339 date-time.

    Returns the moment in UTC. Raises InvalidParameter that names `parameter` for anything else, also for a date-time
    without an offset and for years outside 0001 to 9998.

    >>> parse_moment("1985-06")
    Moment(at=datetime.datetime(1985, 6, 1, 0, 0, tzinfo=datetime.timezone.utc), precision='m')
    """
    found = _TEXT.fullmatch(text.strip())
    clock = _CLOCK.fullmatch(found["clock"]) if found and found["clock"] else None
    if not found or (found["clock"] and not clock):
        raise InvalidParameter(parameter, f"'{text[:60]}' is no time; {_WANTED}.")
    year, month, day = int(found["y"]), int(found["m"] or 1), int(found["d"] or 1)
    try:
        if not 1 <= year <= 9998:
            raise ValueError("the year must lie between 0001 and 9998")
        at = datetime(year, month, day, tzinfo=UTC)
        if clock:
            at = _with_clock(at, clock)
    except (ValueError, OverflowError) as error:
        raise InvalidParameter(parameter, f"'{text[:60]}' is no time: {error}.") from None
    precision: Precision = "s" if clock else "d" if found["d"] else "m" if found["m"] else "y"
    return Moment(at, precision)


def _with_clock(day: datetime, clock: re.Match[str]) -> datetime:
    hour, minute, second = int(clock["h"]), int(clock["min"]), int(clock["s"])
    leap = second == 60 and minute == 59       # RFC 3339 allows the leap second; it is told as the next second
    zone = UTC if clock["z"] else timezone(
        (-1 if clock["sign"] == "-" else 1) * timedelta(hours=int(clock["oh"]), minutes=int(clock["om"])))
    if not clock["z"] and int(clock["om"]) > 59:
        raise ValueError("the offset's minutes must lie between 00 and 59")
    micro = int((clock["f"] or "").ljust(6, "0")[:6])
    at = datetime(day.year, day.month, day.day, hour, minute, 59 if leap else second, micro, zone).astimezone(UTC)
    return at + timedelta(seconds=1) if leap else at


def parse_interval(text: str, parameter: str = "datetime") -> Interval:
    """Read 'from/to', where '..' or nothing is an open end, as a half-open interval.

    The end on the wire belongs to the interval: '1985/1986' ends where 1987 begins, and an end given as an instant
    ends a microsecond after it. Raises InvalidParameter if the end is before the beginning.
    """
    first, slash, last = text.partition("/")
    if not slash or "/" in last:
        raise InvalidParameter(parameter, f"'{text[:80]}' is no interval; write it as from/to, '..' for an open end.")
    begin = None if first.strip() in ("", "..") else parse_moment(first, parameter).at
    end = None if last.strip() in ("", "..") else parse_moment(last, parameter).end
    if begin is not None and end is not None and end <= begin:
        raise InvalidParameter(parameter, f"the interval '{text[:80]}' ends before it begins.")
    return begin, end


def parse_datetime(text: str, parameter: str = "datetime") -> tuple[datetime | None, Interval | None]:
    """Read the `datetime` parameter: (instant, None) for one moment, (None, interval) for 'from/to'.

    A moment of less than second precision stands for its beginning: '2010' asks for the city as 2010 began.
    """
    if "/" in text:
        return None, parse_interval(text, parameter)
    return parse_moment(text, parameter).at, None


def format_moment(at: datetime | None, precision: str | None = "s") -> str | None:
    """Write a time at its precision, as `parse_moment` reads it; None (an open end) stays None."""
    if at is None:
        return None
    at = at.astimezone(UTC)
    if precision == "y":
        return f"{at.year:04d}"
    if precision == "m":
        return f"{at.year:04d}-{at.month:02d}"
    day = f"{at.year:04d}-{at.month:02d}-{at.day:02d}"
    if precision == "d":
        return day
    fraction = f".{at.microsecond:06d}".rstrip("0") if at.microsecond else ""
    return f"{day}T{at.hour:02d}:{at.minute:02d}:{at.second:02d}{fraction}Z"
