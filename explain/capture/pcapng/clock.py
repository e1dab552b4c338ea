"""Time stamps of pcapng interfaces: units of any size since any second, as UTC nanoseconds.

Source: draft-ietf-opsawg-pcapng, section 4.2 (if_tsresol, if_tsoffset).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.record import dataclass

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SECOND = 1_000_000_000
_ROOM = 1 << 60  # 36 years: the difference of two times, and a time with a wait added to it, fit into int64 too
FIRST_NS, LAST_NS = -_ROOM, (1 << 63) - 1 - _ROOM
"""From 1933 to 2225: what lies beyond is held there."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How an interface counts time.

    Attributes:
        units: units of a second.
        offset: seconds to add to each time stamp.
    """

    units: int = 1_000_000
    offset: int = 0


def clock_of(resolution: int, offset: int) -> Clock:
    """The clock that ``if_tsresol`` (one octet) and ``if_tsoffset`` (seconds) describe."""
    exponent = resolution & 0x7F
    return Clock(1 << exponent if resolution & 0x80 else 10**exponent, offset)


def to_ns(stamps: npt.NDArray[np.uint64], clock: Clock) -> npt.NDArray[np.int64]:
    """Time stamps as nanoseconds since 1970, rounded down, held between ``FIRST_NS`` and ``LAST_NS``.

    Args:
        stamps: uint64[n], units of the clock.
        clock: what they count.
    """
    import numpy as np

    if not len(stamps):
        return np.empty(0, np.int64)
    if clock.offset == 0 and _SECOND % clock.units == 0:
        factor = _SECOND // clock.units
        if int(stamps.max()) <= LAST_NS // factor:
            return stamps.astype(np.int64) * factor
    # Rare: a clock of powers of two, finer than nanoseconds or with an offset. Exact, and as slow as it is rare.
    shift = clock.offset * _SECOND
    exact = (shift + stamp * _SECOND // clock.units for stamp in stamps.tolist())
    return np.array([min(max(time, FIRST_NS), LAST_NS) for time in exact], np.int64)
