from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from surroundings import CORPUS, TOP

import explain

pytestmark = pytest.mark.needs("tshark")
FILES = [
    *(TOP / "pcaps" / name / "capture.pcapng" for name in ("ipv6-slaac", "router-advertisement-ignored")),
    *sorted(CORPUS.glob("icmpv6-ndp/*.pcap")),
]
FIELDS = (
    "frame.number", "icmpv6.nd.ra.router_lifetime", "icmpv6.nd.ra.cur_hop_limit", "icmpv6.opt.prefix",
    "icmpv6.opt.prefix.valid_lifetime", "icmpv6.opt.mtu", "icmpv6.nd.ra.flag.m", "icmpv6.nd.ra.flag.o",
)  # fmt: skip


def said_by_tshark(path: Path) -> dict[int, tuple[str, ...]]:
    command = [str(shutil.which("tshark")), "-n", "-r", str(path), "-Y", "icmpv6.type == 134", "-T", "fields"]
    command += [word for name in FIELDS for word in ("-e", name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    claims = {"True": "1", "False": "0"}  # as newer ones write them
    rows = (row.split("\t") for row in done.stdout.splitlines())
    return {int(row[0]): tuple(claims.get(cell, cell) for cell in row[1:]) for row in rows}


def said_by_us(path: Path) -> dict[int, tuple[str, ...]]:
    said = {}
    for one in explain.explain(path).exchanges:
        if one.kind != "ndp.router" or one.fields.router is None:
            continue
        fields = one.fields
        texts = (
            str(fields.lifetime_s), str(fields.hop_limit),
            ",".join(each.prefix.partition("/")[0] for each in fields.prefix_options),
            ",".join(str(each.valid_s) for each in fields.prefix_options),
            "" if fields.mtu is None else str(fields.mtu), str(int(fields.is_managed)), str(int(fields.is_other)),
        )  # fmt: skip
        spans = [span for piece in one.evidence for span in piece.frames]
        said |= {frame: texts for first, last in spans for frame in range(first, last + 1)}
    return said


def test_what_routers_advertise_is_what_tshark_reads():
    seen = 0
    for path in FILES:
        wanted = said_by_tshark(path)
        ours = said_by_us(path) if wanted else {}
        assert {frame: ours.get(frame) for frame in wanted} == wanted, path
        seen += len(wanted)
    assert seen >= 4
