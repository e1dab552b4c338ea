"""``--between T1 T2``: wall clock, or seconds from the start of the capture."""

from __future__ import annotations

from datetime import UTC, datetime

from explain.errors import UsageError

SECOND_NS = 1_000_000_000


def moments(first: str, last: str, *, is_utc: bool) -> tuple[int, int]:
    """Two moments in nanoseconds; plain numbers are seconds from the start, below 10**9 s.

    Raises:
        UsageError: a moment that is neither a number nor an ISO 8601 date and time.
    """
    return _moment(first, is_utc=is_utc), _moment(last, is_utc=is_utc)


def _moment(text: str, *, is_utc: bool) -> int:
    try:
        return round(float(text) * SECOND_NS)
    except (ValueError, OverflowError):
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--between {text}: neither seconds nor a date and time such as 2026-01-31T12:00:05") from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC) if is_utc else when.astimezone()
    return int(when.timestamp() * SECOND_NS)
