"""Every DHCPv6 message of the corpus and of pcaps/ against tshark's fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from surroundings import CORPUS, every_capture

from explain.exchanges.dhcpv6 import message as dhcpv6_message
from explain.intake import read
from explain.oracle.tshark import EVERY, tshark_fields

pytestmark = [pytest.mark.needs("tshark"), pytest.mark.spread]

TYPE, XID, DUID = "dhcpv6.msgtype", "dhcpv6.xid", "dhcpv6.duid.bytes"
ADDRESS, PREFIX, LENGTH = "dhcpv6.iaaddr.ip", "dhcpv6.iaprefix.pref_addr", "dhcpv6.iaprefix.pref_len"


def check(path: Path) -> int:
    table, _ = read([path])
    kept = table.contents.get("dhcpv6")
    if kept is None:
        return 0
    theirs = tshark_fields(str(path), [TYPE, XID, DUID, ADDRESS, PREFIX, LENGTH])
    compared = 0
    for row, octets in zip(kept.row, kept.octets, strict=True):
        at = int(table.frame[row]) - 1
        said = dhcpv6_message.parse(octets, int(table.payload[row]))
        if said is None or not theirs[XID][at]:
            continue
        theirs_last = {name: theirs[name][at].split(EVERY) for name in theirs}
        assert dhcpv6_message.TYPES[int(theirs_last[TYPE][-1])] == said.kind, at + 1
        assert int(theirs_last[XID][-1], 16) == said.xid, at + 1
        assert {duid.hex() for duid in (said.client, said.server) if duid} <= set(theirs_last[DUID]), at + 1
        addresses = [lease.text for lease in said.leases if not lease.is_prefix]
        assert addresses == [text for text in theirs_last[ADDRESS] if text], at + 1
        prefixes = [f"{a}/{n}" for a, n in zip(theirs_last[PREFIX], theirs_last[LENGTH], strict=True) if a]
        assert [lease.text for lease in said.leases if lease.is_prefix] == prefixes, at + 1
        compared += 1
    return compared


@pytest.mark.parametrize("path", every_capture())
def test_each_message_equals_tsharks(path):
    check(path)


@pytest.mark.needs("corpus")
def test_the_corpus_has_messages_to_compare():
    assert check(CORPUS / "dhcp/tcpdump__dhcpv4v6-rfc5970-rfc8572.pcap") == 10
