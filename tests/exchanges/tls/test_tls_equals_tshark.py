"""Hellos and alerts of the corpus and of pcaps/ against tshark's fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from surroundings import CORPUS, every_capture

from explain.exchanges.tls.hello import ALERTS, alert, hello, records, version_name
from explain.intake import read
from explain.oracle.tshark import EVERY, tshark_fields

pytestmark = [pytest.mark.needs("tshark"), pytest.mark.spread]

NAME, TYPE, ALERT = "tls.handshake.extensions_server_name", "tls.handshake.type", "tls.alert_message.desc"
RECORD = "tls.record.content_type"
VERSION, SUPPORTED = "tls.handshake.version", "tls.handshake.extensions.supported_version"


def check(path: Path) -> int:
    table, _ = read([path])
    kept = table.contents.get("tls")
    if kept is None:
        return 0
    theirs = tshark_fields(str(path), [NAME, TYPE, ALERT, VERSION, SUPPORTED, RECORD, "tcp.seq"])
    compared = 0
    for row, octets in zip(kept.row, kept.octets, strict=True):
        at = int(table.frame[row]) - 1
        for record in records(octets):
            said, warned = hello(record), alert(record)
            if warned is not None:
                codes = [int(code) for code in theirs[ALERT][at].split(EVERY) if code]
                assert warned.name in [ALERTS.get(code) for code in codes], at + 1
                compared += 1
            if said is None or not record.is_whole or not theirs[TYPE][at]:
                continue
            kind = "1" if said.is_client else "2"
            assert kind in theirs[TYPE][at].split(EVERY), at + 1
            if said.is_client:
                assert (said.server_name or "") == theirs[NAME][at], at + 1
            numbers = [int(text, 16) for text in theirs[SUPPORTED][at].split(EVERY) if text]
            numbers = [number for number in numbers if 0x0300 <= number <= 0x0304]
            highest = max(numbers, default=int(theirs[VERSION][at].split(EVERY)[0], 16))
            assert version_name(said.version) == version_name(highest), at + 1
            compared += 1
    columns = theirs[TYPE], theirs[RECORD], theirs["tcp.seq"]
    for at, (kind, record, seq) in enumerate(zip(*columns, strict=True)):
        is_hello = kind.split(EVERY)[0] == "1" and record.split(EVERY)[0] == "22"  # no hello of SSL 2
        if seq and EVERY not in seq and is_hello:
            assert at + 1 in {int(table.frame[row]) for row in kept.row}, at + 1
    return compared


@pytest.mark.parametrize("path", every_capture())
def test_each_hello_equals_tsharks(path):
    check(path)


@pytest.mark.needs("corpus")
def test_the_corpus_has_hellos_to_compare():
    assert check(CORPUS / "dhcp/tracepcap__teams.pcap") > 20
