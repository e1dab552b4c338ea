"""Every head of HTTP in the corpus and in pcaps/ against tshark's fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from surroundings import CORPUS, every_capture

from explain.exchanges.http.head import HttpHead, heads
from explain.intake import read
from explain.oracle.tshark import EVERY, tshark_fields

pytestmark = [pytest.mark.needs("tshark"), pytest.mark.spread]

METHOD, TARGET, HOST, STATUS = "http.request.method", "http.request.uri", "http.host", "http.response.code"


def check(path: Path) -> int:
    table, _ = read([path])
    kept = table.contents.get("http")
    if kept is None:
        return 0
    ours: dict[int, list[HttpHead]] = {}
    seen: dict[int, set[int]] = {}
    for row, octets, skip in zip(kept.row, kept.octets, kept.skip, strict=True):
        frame = int(table.frame[row])
        for head in heads(octets):
            if skip + head.start not in seen.setdefault(frame, set()):
                seen[frame].add(skip + head.start)
                ours.setdefault(frame, []).append(head)
    theirs = tshark_fields(str(path), [METHOD, TARGET, HOST, STATUS, "tcp.seq", "frame.protocols"])
    for at, cells in enumerate(zip(*theirs.values(), strict=True)):
        method, target, host, status, seq, stack = cells
        found = ours.get(at + 1, [])
        # tshark goes by the port first: what it takes for another protocol there, it does not look into.
        if seq and EVERY not in seq and stack.partition(":tcp")[2].split(":")[-1] in {"", "data", "http"}:
            assert _joined(head.method for head in found) == method, at + 1
            if method:  # newer ones repeat the request's target beside the answer
                assert _joined(head.target for head in found) == target, at + 1
            assert _joined(head.status for head in found) == status, at + 1
            assert _joined(head.fields.get("host") for head in found) == host, at + 1
    return len(ours)


def _joined(values):
    return EVERY.join(str(value) for value in values if value is not None)


@pytest.mark.parametrize("path", every_capture())
def test_each_head_equals_tsharks(path):
    check(path)


@pytest.mark.needs("corpus")
def test_the_corpus_has_heads_to_compare():
    assert check(CORPUS / "nat/kurose-ross__NAT_home_side.pcap") > 20
