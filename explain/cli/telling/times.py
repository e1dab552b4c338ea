"""``--between T1 T2``: wall clock, or seconds from the start of the capture."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from explain.errors import UsageError

if TYPE_CHECKING:
    from explain.exchanges.selection import Between

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MICROSECOND_NS = 1000
_SECOND_NS = 1_000_000_000
_When = int | datetime | time


def between(first: str, last: str, *, is_utc: bool) -> Between:
    """What finds the two moments in UTC nanoseconds once it knows when the capture begins.

    A time of the day alone is that of the day on which the capture begins, or of the next one if it ends before.

    Raises:
        UsageError: a moment that is neither a number nor an ISO 8601 time, with or without its date; or, once
            it is known when the capture begins, an end before the beginning.
    """
    zone = UTC if is_utc else None
    given = _moment(first), _moment(last)

    def found(start_ns: int) -> tuple[int, int]:
        begin, end = _found(*given, start_ns, zone)
        if end < begin:
            raise UsageError("usage.between_order", first=first, last=last)
        return begin, end

    return found


def _moment(text: str) -> _When:
    """A number is seconds from the start; else a moment, or a time of the day."""
    try:
        return round(float(text) * _SECOND_NS)
    except (ValueError, OverflowError):
        pass
    for kind in (datetime, time):
        try:
            return kind.fromisoformat(text)
        except ValueError:
            pass
    raise UsageError("usage.between", text=text)


def _found(first: _When, last: _When, start_ns: int, zone: tzinfo | None) -> tuple[int, int]:
    day = datetime.fromtimestamp(start_ns // _SECOND_NS, UTC).astimezone(zone).replace(tzinfo=zone)
    begin, end = _ns(first, start_ns, day, zone), _ns(last, start_ns, day, zone)
    if isinstance(last, time) and end < max(begin, start_ns):  # after midnight
        is_whole = isinstance(first, time) and end >= begin
        begin = _ns(first, start_ns, day + _DAY, zone) if is_whole else begin
        end = _ns(last, start_ns, day + _DAY, zone)
    return begin, end


def _ns(when: _When, start_ns: int, day: datetime, zone: tzinfo | None) -> int:
    if isinstance(when, int):
        return start_ns + when
    moment = datetime.combine(day, when) if isinstance(when, time) else when
    known = moment if moment.tzinfo else moment.replace(tzinfo=zone) if zone else moment.astimezone()
    return (known - _EPOCH) // timedelta(microseconds=1) * _MICROSECOND_NS
