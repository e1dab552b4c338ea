"""Every column against tshark, packet by packet, over the captures of the corpus and our own.

Compared are the outer headers.  What a tunnel carries (GTP, Geneve, GRE, IP in IP, VXLAN) has no columns; nor has
802.11, whose frames a monitor sees twice.  What stays different is in differences.toml, with the reason.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest
from decode.windows import KINDS
from packets import pcap
from surroundings import CORPUS, case_folders, corpus_files, recordings

from explain.intake import read
from explain.oracle import compare
from explain.table import ARP, FRAGMENT, ICMP, ICMPV6, IPV4, IPV6, TCP, UDP, VLAN

EXCUSED = tomllib.loads((Path(__file__).parent / "differences.toml").read_text(encoding="utf-8"))["difference"]


def differences(path: Path) -> Counter[str]:
    """Frames that differ, counted by field, with every checksum verified."""
    table, _ = read([path], every_checksum=True)
    return Counter(difference.field for difference in compare(table, str(path)))


@pytest.mark.spread
@pytest.mark.needs("corpus", "tshark")
@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.relative_to(CORPUS).as_posix())
def test_the_columns_equal_what_tshark_says_of_a_capture_of_the_corpus(path: Path) -> None:
    excused = {one["field"]: one["count"] for one in EXCUSED if path == CORPUS / one["file"]}
    assert differences(path) == excused


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.parent.name)
def test_the_columns_equal_what_tshark_says_of_our_captures(path: Path) -> None:
    assert not differences(path)


@pytest.mark.needs("tshark")
def test_the_columns_equal_what_tshark_says_of_one_frame_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "kinds.pcap"
    path.write_bytes(pcap(*(frame for frame, _ in KINDS.values())).getvalue())
    assert not differences(path)


@pytest.mark.full
@pytest.mark.spread
@pytest.mark.needs("cases", "tshark")
@pytest.mark.parametrize("folder", case_folders(), ids=lambda folder: folder.name)
def test_the_columns_equal_what_tshark_says_of_a_recorded_case(folder: Path) -> None:
    for path in sorted(folder.rglob("*.pcap*")):
        assert not differences(path)


@pytest.mark.needs("corpus")
def test_the_corpus_has_frames_of_every_header_that_is_compared() -> None:
    table, _ = read(corpus_files())
    layers = table.layers[: len(table)]
    frames = {bit: int((layers & bit != 0).sum()) for bit in (ARP, VLAN, IPV4, IPV6, TCP, UDP, ICMP, ICMPV6, FRAGMENT)}
    assert min(frames.values()) > 20
    assert frames[TCP] > 5_000


@pytest.mark.needs("corpus")
def test_every_excused_difference_is_in_a_capture_of_the_corpus_and_has_a_reason() -> None:
    assert {CORPUS / one["file"] for one in EXCUSED} <= set(corpus_files())
    assert all(one["reason"] for one in EXCUSED)
