"""Times as they are written: precision, intervals, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.errors import InvalidParameter
from layers.moments import Moment, format_moment, parse_datetime, parse_interval, parse_moment


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(("text", "at", "precision", "end"), [
    ("1985", utc(1985, 1, 1), "y", utc(1986, 1, 1)),
    ("1985-12", utc(1985, 12, 1), "m", utc(1986, 1, 1)),
    ("2024-02", utc(2024, 2, 1), "m", utc(2024, 3, 1)),
    ("1985-06-01", utc(1985, 6, 1), "d", utc(1985, 6, 2)),
    ("1985-06-01T08:00:00Z", utc(1985, 6, 1, 8), "s", utc(1985, 6, 1, 8, 0, 0, 1)),
    ("1985-06-01t08:00:00z", utc(1985, 6, 1, 8), "s", utc(1985, 6, 1, 8, 0, 0, 1)),
    ("1985-06-01T08:00:00+08:00", utc(1985, 6, 1), "s", utc(1985, 6, 1, 0, 0, 0, 1)),
    # a '+' that a client did not escape
    ("1985-06-01T08:00:00 08:00", utc(1985, 6, 1), "s", utc(1985, 6, 1, 0, 0, 0, 1)),
    ("1985-06-01T08:00:00.1234567Z", utc(1985, 6, 1, 8, 0, 0, 123456), "s", utc(1985, 6, 1, 8, 0, 0, 123457)),
    ("2016-12-31T23:59:60Z", utc(2017, 1, 1), "s", utc(2017, 1, 1, 0, 0, 0, 1)),
])
def test_reads_moments(text, at, precision, end):
    moment = parse_moment(text)
    assert (moment.at, moment.precision, moment.end) == (at, precision, end)


@pytest.mark.parametrize("text", ["", "85", "1985-13", "1985-02-30", "1985-06-01T08:00:00", "1985-06-01T25:00:00Z", "1985-06-01T08:00Z",
                                  "1985-06-01T08:00:00+08:70", "0000", "9999", "now", "1985-6-1", "٢٠١٠", "1985-06-01T08:00:00Z; DROP"])
def test_refuses_what_is_no_moment_and_names_the_parameter(text):
    with pytest.raises(InvalidParameter) as caught:
        parse_moment(text, "valid-from")
    assert caught.value.parameter == "valid-from"


@pytest.mark.parametrize(("text", "interval"), [
    ("1985/1986", (utc(1985, 1, 1), utc(1987, 1, 1))),
    ("../1985-06-01", (None, utc(1985, 6, 2))),
    ("1985-06/", (utc(1985, 6, 1), None)),
    ("../..", (None, None)),
    ("2020-01-01T00:00:00Z/2020-01-01T00:00:00Z", (utc(2020, 1, 1), utc(2020, 1, 1, 0, 0, 0, 1))),
])
def test_reads_intervals_with_the_end_that_belongs_to_them(text, interval):
    assert parse_interval(text) == interval
    assert parse_datetime(text) == (None, interval)


@pytest.mark.parametrize("text", ["1986/1985", "1/2/3", "1985", "2020-01-02/2020-01-01T23:59:59Z"])
def test_refuses_what_is_no_interval(text):
    with pytest.raises(InvalidParameter):
        parse_interval(text)


def test_a_moment_alone_is_its_beginning():
    assert parse_datetime("2010-06") == (utc(2010, 6, 1), None)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9998, 1, 1)), st.sampled_from("ymds"))
def test_what_is_written_is_read_back(at, precision):
    at = at.replace(tzinfo=UTC)
    text = format_moment(at, precision)
    again = parse_moment(text)
    assert again.precision == precision and str(again) == text
    assert again.at <= at < again.end


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))
def test_the_end_is_the_beginning_of_the_next(at):
    for precision in "ymd":
        moment = parse_moment(format_moment(at.replace(tzinfo=UTC), precision))
        after = parse_moment(format_moment(moment.end, precision))
        assert after.at == moment.end and after.at - moment.at >= timedelta(days=1)


def test_an_open_end_is_nothing():
    assert format_moment(None) is None and str(Moment(utc(2020, 1, 1), "d")) == "2020-01-01"
