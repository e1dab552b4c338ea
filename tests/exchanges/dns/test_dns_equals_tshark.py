"""Every DNS message of the corpus and of pcaps/ against tshark's fields: ids, names, types, codes and answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from surroundings import CORPUS, every_capture

from explain.exchanges.dns import message as dns_message
from explain.exchanges.dns import records
from explain.intake import read
from explain.oracle.tshark import EVERY, tshark_fields

pytestmark = [pytest.mark.needs("tshark"), pytest.mark.spread]

ID, RESPONSE, CUT, CODE, COUNT = (
    "dns.id", "dns.flags.response", "dns.flags.truncated", "dns.flags.rcode", "dns.count.answers",
)  # fmt: skip
NAME, TYPE, KINDS, MORE_CODE = "dns.qry.name", "dns.qry.type", "dns.resp.type", "dns.resp.ext_rcode"
VALUES = {"A": "dns.a", "AAAA": "dns.aaaa", "CNAME": "dns.cname", "NS": "dns.ns", "PTR": "dns.ptr.domain_name"}


def check(path: Path) -> int:
    table, _ = read([path])
    messages = [
        (int(table.frame[row]) - 1, octets[prefix:], int(table.payload[row]) - prefix)
        for kind, prefix in (("dns", 0), ("dns-tcp", 2))
        for kept in [table.contents.get(kind)] if kept is not None
        for row, octets in zip(kept.row, kept.octets, strict=True)
    ]  # fmt: skip
    if not messages:
        return 0
    names = [ID, RESPONSE, CUT, CODE, COUNT, NAME, TYPE, KINDS, MORE_CODE, "frame.protocols", *VALUES.values()]
    theirs = tshark_fields(str(path), names)
    compared = 0
    heads = dns_message.heads([one for _, one, _ in messages])
    for number, (at, octets, size) in enumerate(messages):
        head = heads.one(number)
        # One message, not quoted by an error, which tshark found to be sound and to ask one question.
        said = {name: theirs[name][at] for name in names}
        is_one = said[ID] and EVERY not in said[ID] + said[NAME] and ":icmp" not in said["frame.protocols"]
        if not heads.is_read[number]:
            assert not is_one or not said[NAME] or len(octets) < size, at + 1
        elif is_one and said[NAME]:
            compare(octets, head, said, at + 1, is_whole=len(octets) == size)
            compared += 1
    return compared


def compare(octets, head, said, frame, *, is_whole):
    code = int(said[CODE] or 0) + (int(said[MORE_CODE] or "0", 16) << 4)
    assert (head.id, head.rcode if head.is_response else 0) == (int(said[ID], 16), code), frame
    assert [head.is_response, head.is_truncated] == [said[name] in ("1", "True") for name in (RESPONSE, CUT)], frame
    assert (head.type, head.answers) == (int(said[TYPE]), int(said[COUNT])), frame
    name = dns_message.name_at(octets, 12)
    if "\\" not in name[0]:
        assert name[0] == said[NAME].replace("<Root>", "."), frame
    if not is_whole:
        return
    found = records.answers(octets)
    kinds = [dns_message.type_name(int(kind)) for kind in said[KINDS].split(EVERY)[: head.answers] if kind]
    assert [one.type for one in found] == kinds, frame
    for kind, field in VALUES.items():
        values = [one.value for one in found if one.type == kind]
        assert values == said[field].split(EVERY)[: len(values)], (frame, kind)


@pytest.mark.parametrize("path", every_capture())
def test_each_message_equals_tsharks(path):
    check(path)


@pytest.mark.needs("corpus")
def test_the_corpus_has_messages_to_compare():
    assert check(CORPUS / "dhcp/sngrep__aaa.pcap") > 300
