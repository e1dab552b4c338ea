"""Frames that carry neither IP nor ARP: what they are, and how a log-in to the link (802.1X) went.

Source: the EtherTypes of IEEE and IANA; IEEE 802.1D, 9.3 and 802.2 (LLC); IEEE 802.1X-2010, 11.3; RFC 3748, 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among, distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import U1, PacketTable, Rows

    Told = tuple[str, Rows, dict[str, Any]]

_MOST_KINDS = 8
_EAPOL = 0x888E
_NAMES = {
    _EAPOL: "eapol", 0x88CC: "lldp", 0x8809: "slow", 0x9000: "loop-test", 0x8863: "pppoe", 0x8864: "pppoe",
    0x88F7: "ptp", 0x8035: "rarp", 0x0842: "wake", 0x8137: "ipx", 0xFEFE: "isis", 0x8847: "mpls", 0x8848: "mpls",
    0x88E5: "macsec", 0x88A2: "disk", 0x8906: "disk", 0x8914: "disk", 0x8902: "watch", 0x88F5: "wanted",
    0x88F6: "wanted", 0x22EA: "wanted", 0x8892: "machines", 0x88A4: "machines", 0x88B8: "machines",
    0x88BA: "machines", 0x88E1: "mains", 0x887B: "mains", 0x893A: "mesh", 0x4305: "mesh", 0x8899: "loop-sought",
    0x809B: "appletalk", 0x80F3: "appletalk", 0x8808: "pause", 0x6002: "decnet", 0x6003: "decnet",
}  # fmt: skip
_SAPS = {
    0x4242: "stp",
    0xE0E0: "ipx",
    0xFFFF: "ipx",
    0xFEFE: "isis",
    0xF0F0: "netbios",
    0x0000: "llc-null",
}  # both ends of LLC
_WITHOUT_FLAGS = 0xFEFE  # lowest bits: for a group, and a response
_CISCO = 0xAAAA0300000C  # LLC and SNAP of Cisco's own protocols
_CISCO_NAMES = {0x2000: "cdp", 0x2004: "dtp", 0x010B: "stp", 0x2003: "vtp", 0x0111: "udld", 0x0104: "pagp"}
_DEVICES = ("lldp", "cdp", "slow")
_OTHER, _OTHER_LLC, _OTHER_CISCO = "ethertype", "llc", "cisco"


_SNAP, _SNAP_SIZE = 0xAA, 5
_WITH_ROOT, _CHANGE_NOTICE, _MOST_ROOTS = (0, 2), 0x80, 3  # types of BPDUs


def tell(table: PacketTable, rows: Rows) -> Iterator[Told]:
    """For each kind of these frames, the most frequent first: name of the sentence, rows, values; then the others."""
    beside = table.beside
    at = np.searchsorted(beside.row, rows)
    at = at[beside.row[np.minimum(at, len(beside.row) - 1)] == rows] if len(beside.row) else at[:0]
    known = beside.row[at]
    # LLC has no type: its two SAPs and, of Cisco's, the type behind them stand for one, above those of Ethernet.
    llc = np.where(beside.head >> np.uint64(16) == _CISCO, beside.head & 0xFFFF, beside.head >> np.uint64(48))
    is_cisco = (beside.head >> np.uint64(16) == _CISCO).astype(np.int64)
    kind = np.where(beside.ethertype > 0, beside.ethertype, (llc.astype(np.int64) + (1 << 16)) + (is_cisco << 17))[at]
    by_name: dict[str, list[Rows]] = {}
    for number in distinct(kind).tolist():
        by_name.setdefault(_name(number), []).append(known[kind == number])
    found = sorted(by_name.items(), key=lambda item: -sum(map(len, item[1])))
    for name, some in found[:_MOST_KINDS]:
        own = np.sort(np.concatenate(some))
        message, _, number = name.partition(" ")
        yield message, own, {"number": number}
        if message in _DEVICES and message in table.contents:
            from explain.story.recording import devices

            yield from devices.bundled(table) if message == "slow" else devices.named(table, message)
        if message in _MORE:
            at_own = np.searchsorted(beside.row, own)
            octets = np.stack((beside.head[at_own], beside.after[at_own]), 1).byteswap().view(np.uint8)
            yield from _MORE[message](own, octets)
    told = [one for _, some in found[:_MOST_KINDS] for one in some]
    rest = rows[~among(rows, np.concatenate(told))] if told else rows
    if len(rest):
        yield "without-ip", rest, {}


def _name(kind: int) -> str:
    if kind < 1 << 16:
        return _NAMES.get(kind, f"{_OTHER} 0x{kind:04x}")
    number = kind & 0xFFFF
    if kind >> 17:
        return _CISCO_NAMES.get(number, f"{_OTHER_CISCO} 0x{number:04x}")
    return _SAPS.get(number) or _SAPS.get(number & _WITHOUT_FLAGS, f"{_OTHER_LLC} 0x{number:04x}")


def _tree(rows: Rows, octets: U1) -> Iterator[Told]:
    """Who is the root of the spanning tree, and whether it changes (IEEE 802.1D-2004, 9.3)."""
    is_plain = octets[:, 0] != _SNAP  # else the trees of Cisco, one a VLAN, behind SNAP
    kind, flags = (np.where(is_plain, octets[:, at], octets[:, at + _SNAP_SIZE]) for at in (6, 7))
    ids = octets[is_plain & among(kind, _WITH_ROOT), 8:]
    roots, first = np.unique(ids, axis=0, return_index=True)
    macs = [root[2:].tobytes().hex(":") for root in roots]
    ranks = [int.from_bytes(root[:2].tobytes(), "big") for root in roots]
    told = rows[is_plain & among(kind, _WITH_ROOT)]
    if len(macs) == 1:
        yield "stp-root", told, {"mac": macs[0], "priority": ranks[0]}
    elif macs:
        named = [f"{mac} ({rank})" for mac, rank in zip(macs, ranks, strict=True)][:_MOST_ROOTS]
        yield "stp-roots", told[np.sort(first)], {"bridges": len(macs), "roots": named}
    changes = rows[(among(kind, _WITH_ROOT) & (flags & 1 != 0)) | (kind == _CHANGE_NOTICE)]
    if len(changes):
        yield "stp-change", changes, {}


def _log_in(rows: Rows, octets: U1) -> Iterator[Told]:
    """What the packets of EAPOL say, by their types and the codes of EAP in them."""
    kind, code = octets[:, 1], np.where(octets[:, 1] == 0, octets[:, 4], 0)
    success, failure, request = (rows[code == number] for number in (3, 4, 1))
    start, logoff, key = (rows[kind == number] for number in (1, 2, 3))
    if len(success):
        yield "eapol-success", success, {}
    if len(failure):
        yield "eapol-failure", failure, {}
    if len(start) and not len(request):
        yield "eapol-alone", start, {}
    if len(logoff):
        yield "eapol-logoff", logoff, {}
    if len(key):
        yield "eapol-key", key, {}


_MORE = {"eapol": _log_in, "stp": _tree}
