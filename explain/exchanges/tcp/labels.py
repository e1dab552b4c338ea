"""What may be said of a single TCP segment, as bits of a mask and as tshark names it."""

from __future__ import annotations

RETRANSMISSION = 1 << 0
FAST_RETRANSMISSION = 1 << 1
SPURIOUS_RETRANSMISSION = 1 << 2
OUT_OF_ORDER = 1 << 3
GAP = 1 << 4  # segments before this one were not captured
ACKED_UNSEEN = 1 << 5
KEEP_ALIVE = 1 << 6
KEEP_ALIVE_ACK = 1 << 7
ZERO_WINDOW = 1 << 8
ZERO_WINDOW_PROBE = 1 << 9
ZERO_WINDOW_PROBE_ACK = 1 << 10
WINDOW_UPDATE = 1 << 11
WINDOW_FULL = 1 << 12
DUPLICATE_ACK = 1 << 13
PORTS_REUSED = 1 << 14

RESENT = RETRANSMISSION | FAST_RETRANSMISSION | SPURIOUS_RETRANSMISSION
"""Any retransmission; Wireshark counts the fast and the spurious ones as retransmissions, too."""

REPEATED = RESENT | OUT_OF_ORDER
"""Every segment whose octets come after octets that follow them."""

NAMES = {
    RETRANSMISSION: "retransmission",
    FAST_RETRANSMISSION: "fast_retransmission",
    SPURIOUS_RETRANSMISSION: "spurious_retransmission",
    OUT_OF_ORDER: "out_of_order",
    GAP: "lost_segment",
    ACKED_UNSEEN: "ack_lost_segment",
    KEEP_ALIVE: "keep_alive",
    KEEP_ALIVE_ACK: "keep_alive_ack",
    ZERO_WINDOW: "zero_window",
    ZERO_WINDOW_PROBE: "zero_window_probe",
    ZERO_WINDOW_PROBE_ACK: "zero_window_probe_ack",
    WINDOW_UPDATE: "window_update",
    WINDOW_FULL: "window_full",
    DUPLICATE_ACK: "duplicate_ack",
    PORTS_REUSED: "reused_ports",
}
"""The name of each bit below ``tcp.analysis.`` in Wireshark's display filters."""


def names(mask: int) -> tuple[str, ...]:
    """The names of all bits of a mask, in the order of the bits."""
    return tuple(name for bit, name in NAMES.items() if mask & bit)
