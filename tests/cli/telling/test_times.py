"""What ``--between`` takes for a moment."""

from __future__ import annotations

import pytest

from explain.cli.telling.times import between
from explain.errors import UsageError

START_NS = 949_272_300_000_000_000  # 2000-01-30T22:45:00Z, before a billion seconds had passed
SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("0", "1.5", (0, 1.5)),
        ("2000-01-30T22:45:01.000001", "2000-01-31", (1.000001, 4500)),
        ("2000-01-30T23:45:01+01:00", "23:00", (1, 900)),
        ("22:46", "22:47:00.5", (60, 120.5)),
        ("22:50", "00:10", (300, 5100)),
        ("00:10", "00:20", (5100, 5700)),
        ("22:00", "23:00", (-2700, 900)),
    ],
)
def test_moments_are_counted_from_the_start_or_told_by_the_clock(first, last, expected):
    found = between(first, last, is_utc=True)(START_NS)
    assert found == tuple(START_NS + round(seconds * SECOND_NS) for seconds in expected)


def test_the_clock_on_the_wall_is_the_local_one(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert between("07:45:01", "2000-01-31T07:46", is_utc=False)(START_NS) == (
            START_NS + SECOND_NS,
            START_NS + 60 * SECOND_NS,
        )
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e300", "noon", "25:00", "2000-13-01"])
def test_anything_else_is_named(text):
    with pytest.raises(UsageError, match="neither seconds nor a time"):
        between("0", text, is_utc=True)


@pytest.mark.parametrize(("first", "last"), [("5", "1"), ("2000-01-31", "2000-01-30T22:46"), ("2000-01-31", "0")])
def test_an_end_before_the_beginning_is_refused(first, last):
    with pytest.raises(UsageError, match="the end is before the beginning"):
        between(first, last, is_utc=True)(START_NS)
