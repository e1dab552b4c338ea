"""What a capture lacks: a direction, packets, or all but the beginning of frames, where more would have been told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among, first_and_last
from explain.decode.contents import GREETING, TUNNEL
from explain.exchanges.tcp.unrecorded import lacking
from explain.exchanges.traffic import without_way_back
from explain.model import Line
from explain.story.recording.whole_file import frames_of_file
from explain.table import ARP, CUT, ICMP, ICMPV6, IP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.model import CaptureInfo
    from explain.side_tables import ContentRows
    from explain.table import I8, PacketTable, Rows

_RECOGNISED_BY = 4  # octets of a payload; with fewer nobody knows what it is
_READ_WHOLE = (
    "netbios",
    "dns",
    "dns-tcp",
    "dhcp",
    "dhcpv6",
    "ndp",
    "mld",
    "igmp",
    "vrrp",
    "hsrp",
    "lldp",
    "cdp",
    "slow",
)
_MOST_CITED = 1000
ONE_WAY = ("story.one-way", "story.one-way-link")
"""Nothing that came to a host was recorded, though something did: as TCP confirms, and as it shows on its link."""
_SEVERAL = 2


def tell(exchanges: Exchanges, hosts: Hosts, captures: Sequence[CaptureInfo]) -> list[Line]:
    """One line for each way in which a capture lacks something."""
    table = exchanges.table
    return [*_in_part(table, captures), *_one_way(table, hosts), *(_dropped(table, captures) or _missed(exchanges))]


def _dropped(table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Line]:
    """What the recorder itself counts as lost.

    Source: draft-ietf-opsawg-pcapng, section 4.6 (isb_ifdrop).
    """
    lines: list[Line] = []
    for number, capture in enumerate(captures):
        if count := sum(one.dropped for one in capture.interfaces):
            values = {"path": capture.path, "count": count}
            lines.append(Line("story.dropped", values, frames_of_file(table.whole, number, capture), 1, None, "note"))
    return lines


def _missed(exchanges: Exchanges) -> list[Line]:
    """What several connections show to have arrived, though it is not here; of a single one its own story tells."""
    part = exchanges.of_kind("tcp.connection")
    missed = lacking(part.facts["moments"]) if part is not None and len(part) else {}
    if len(missed) < _SEVERAL:
        return []
    rows = first_and_last(np.sort(np.concatenate(list(missed.values()))), _MOST_CITED)
    return [Line("story.missed", {"count": len(missed)}, exchanges.table.evidence(rows), 1, None, "note")]


def _one_way(table: PacketTable, hosts: Hosts) -> Iterator[Line]:
    """Whose answers came and are not here, as TCP shows, or what was sent after a question for a MAC."""
    if not len(table):
        return
    confirm, asked = without_way_back(table), hosts.unheard()
    for message, keys in zip(ONE_WAY, (confirm, asked[~among(asked, confirm)]), strict=True):
        if len(keys):
            with_ip = np.flatnonzero(table.layers[: len(table)] & IP != 0)
            sent = with_ip[among(table.sources(with_ip), keys)]
            values = {"hosts": [table.addresses.text(key) for key in keys.tolist()]}
            yield Line(message, values, table.evidence(first_and_last(sent, _MOST_CITED)), 1, None, "note")


def _in_part(table: PacketTable, captures: Sequence[CaptureInfo]) -> list[Line]:
    """One line if frames were cut by the capture's snapshot length and names or messages may have gone with it.

    A text that shows packets keeps no octets at all, and is no such capture.  From a copy under other names
    payloads were taken on purpose.

    Source: the snapshot length of draft-ietf-opsawg-pcap, 4.
    """
    captured, length = table.captured[: len(table)], table.length[: len(table)]
    cut = np.flatnonzero(captured < length)
    if any(one.format == "text" for one in captures):
        is_text = np.array([captures[place.capture].format == "text" for place in table.places], np.bool_)
        cut = cut[~is_text[table.place[cut]]]
    if not len(cut):
        return []
    lacking = _lacking(table, cut)
    if not len(lacking):
        return []
    values = {"count": len(cut), "most": int(captured[cut].max())}
    renamed = {number for number, one in enumerate(captures) if one.is_anonymised}
    is_renamed = renamed.issuperset(table.places[place].capture for place in np.unique(table.place[lacking]).tolist())
    return [
        Line(
            "story.without-payloads" if is_renamed else "story.kept-in-part",
            values,
            table.evidence(first_and_last(lacking, _MOST_CITED)),
            1,
            None,
            "note",
        )
    ]


def _lacking(table: PacketTable, cut: Rows) -> Rows:
    """Of the cut rows those without something that explain reads; bodies and pings lack nothing."""
    layers, payload = table.layers[cut], table.payload[cut].astype(np.int64)
    missing = table.length[cut].astype(np.int64) - table.captured[cut]
    is_lacking = (layers & CUT != 0) & (layers & (ARP | TCP | UDP | ICMP | ICMPV6) == 0)
    is_lacking |= (layers & TCP != 0) & (payload >= _RECOGNISED_BY) & (payload - missing < _RECOGNISED_BY)
    for name, kept in table.contents.items():
        if name in (GREETING, TUNNEL):  # of these no more than the beginning is read
            continue
        is_lacking |= np.isin(cut, _unfinished(name, kept, cut))
    found: Rows = cut[is_lacking]
    return found


def _unfinished(name: str, kept: ContentRows, cut: Rows) -> I8:
    """Cut rows of one protocol whose message or head does not come to its end."""
    rows = np.array(kept.row, np.int64)
    at = np.flatnonzero(np.isin(rows, cut))
    if name not in _READ_WHOLE:
        at = np.array([one for one in at.tolist() if _goes_on(name, kept.octets[one])], np.int64)
    return rows[at]


def _goes_on(name: str, octets: bytes) -> bool:
    """Whether a head begins in these octets and does not end there."""
    if name == "http":
        from explain.exchanges.http.head import heads

        return not all(head.is_whole for head in heads(octets))
    from explain.exchanges.tls.hello import lacks_its_end

    return lacks_its_end(octets)
