"""Every DHCP message of the corpus and of pcaps/ against tshark's fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from dhcp_packets import ADDRESS, OFFER, answers, option
from packets import pcap
from surroundings import CORPUS, every_capture

from explain.exchanges.dhcp.talk import talks
from explain.intake import read
from explain.oracle.tshark import EVERY, tshark_fields

pytestmark = [pytest.mark.needs("tshark"), pytest.mark.spread]

FIELDS = {
    "dhcp.id": lambda said: f"0x{said.xid:08x}",
    "dhcp.ip.client": lambda said: _address(said.client_ip),
    "dhcp.ip.your": lambda said: _address(said.your_ip),
    "dhcp.ip.server": lambda said: _address(said.next_server),
    "dhcp.ip.relay": lambda said: _address(said.relay),
    "dhcp.hw.len": lambda said: str(len(said.hardware)),
    "dhcp.option.dhcp": lambda said: str(said.options[53][0]) if 53 in said.options else "",
    "dhcp.option.dhcp_server_id": lambda said: _option(said, 54),
    "dhcp.option.requested_ip_address": lambda said: _option(said, 50),
    "dhcp.option.subnet_mask": lambda said: _option(said, 1),
    "dhcp.option.ip_address_lease_time": lambda said: _number(said, 51),
    "dhcp.option.renewal_time_value": lambda said: _number(said, 58),
    "dhcp.option.rebinding_time_value": lambda said: _number(said, 59),
    "dhcp.option.router": lambda said: EVERY.join(map(_address, said.numbers(3))),
    "dhcp.option.domain_name_server": lambda said: EVERY.join(map(_address, said.numbers(6))),
}


CODE, VALUE, EMPTY = "dhcp.option.type", "dhcp.option.value", "<MISSING>"


def _address(number):
    return ".".join(map(str, number.to_bytes(4, "big")))


def _option(said, code):
    number = said.number(code)
    return "" if number is None else _address(number)


def _number(said, code):
    number = said.number(code)
    return "" if number is None else str(number)


def options(theirs: dict[str, list[str]], frame: int) -> dict[int, bytes]:
    """Every option's octets; those of a code that comes twice belong together (RFC 3396)."""
    found: dict[int, bytes] = {}
    codes = [int(code) for code in theirs[CODE][frame - 1].split(EVERY) if code]
    values = theirs[VALUE][frame - 1].split(EVERY)
    for code, value in zip((code for code in codes if code not in (0, 255)), values, strict=False):
        found[code] = found.get(code, b"") + (b"" if value == EMPTY else bytes.fromhex(value))
    return found


def check(path: Path) -> int:
    table, _ = read([path])
    ours = {int(table.frame[step.row]): step.said for talk in talks(table) for step in talk.steps}
    if not ours and "dhcp" not in table.contents:
        return 0
    theirs = tshark_fields(str(path), [*FIELDS, CODE, VALUE, "frame.len", "frame.cap_len"])
    spoken = {at + 1 for at, number in enumerate(theirs["dhcp.id"]) if number}
    whole = {at + 1 for at, size in enumerate(theirs["frame.len"]) if size == theirs["frame.cap_len"][at]}
    assert set(ours) <= spoken
    assert spoken & whole <= set(ours)
    for frame, said in ours.items():
        got = {name: form(said) for name, form in FIELDS.items()}
        assert got == {name: theirs[name][frame - 1] for name in FIELDS}, frame
        assert said.options == options(theirs, frame) or set(said.notes) & {"cut", "overrun"}, frame
    return len(ours)


@pytest.mark.parametrize("path", every_capture())
def test_each_message_equals_tsharks(path):
    check(path)


@pytest.mark.needs("corpus")
def test_the_corpus_has_leases_to_compare():
    assert check(CORPUS / "dhcp/tcpdump__dhcp-rfc4388.pcap") == 36


def test_options_in_the_fields_for_names_and_in_two_parts_equal_tsharks(tmp_path):
    more = {"file": option(17, b"/root") + b"\xff", "sname": option(12, b"sname") + option(40, b"nis") + b"\xff"}
    parts = (15, b"a" * 255), (15, b"b" * 9)
    frames = [answers(OFFER, (52, bytes((places,))), *parts, yiaddr=ADDRESS, **more) for places in (1, 2, 3)]
    path = tmp_path / "overload.pcap"
    path.write_bytes(pcap(*frames).getvalue())
    assert check(path) == 3
