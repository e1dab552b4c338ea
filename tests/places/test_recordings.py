"""What real kernels did, recorded at every interface: no translation missed, none invented, silence where it began."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from surroundings import TOP, case_folders
from two_places import of_kind

import explain
from explain import exchanges, places
from explain.intake import read
from explain.places.nearest import nearest

LABS = sorted(path.parent for path in (TOP / "pcaps").glob("*/capture.pcapng"))
TRANSLATED = {
    "nat-hairpin": "both", "dnat-port": "destination", "dnat-to-wrong-port": "destination",
    "hairpin-nat-missing": "destination",
    "nat-icmp": "source", "nat-tcp": "source", "nat-udp": "source", "snat-to-unowned-address": "source",
    "snat-to-unowned-address.ipv6": "source", "snat-to-unowned-address.tcp": "source",
}  # fmt: skip
"""Labs in which a router rewrote packets that then went on their way."""

VANISHED = {
    "filter-on-router-forward": ("request", "router", "r1.eth0"),
    "filter-on-router-forward.reply": ("reply", "router", "r1.eth1"),
    "forwarding-disabled": ("request", "router", "r1.eth0"),
    "forwarding-disabled.ipv6": ("request", "router", "r1.eth0"),
    "filter-on-target-input": ("request", "target", "h2.eth0"),
    "filter-on-target-output": ("request", "target", "h2.eth0"),
    "echo-ignored-by-target": ("request", "target", "h2.eth0"),
    "no-return-route-on-target": ("request", "target", "h2.eth0"),
    "no-return-route-on-router": ("reply", "router", "r2.eth1"),
    "masquerade-missing": ("request", "target", "h2.eth0"),
    "filter-on-switch": ("request", "link", "sw.p1"),
    "mtu-mismatch-on-link": ("request", "link", "sw.p2"),
    "wrong-static-neighbour": ("request", "link", "h2.eth0"),
    "tcp-filtered": ("request", "target", "h2.eth0"),
}
"""What was lost, where, and the last place that saw it."""


def files(folder: Path) -> list[str]:
    """A vantage point for each interface; ``-i any`` would be a second look at the same."""
    return [str(path) for path in sorted(folder.glob("*.pcap")) if ".any." not in path.name]


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_a_lab_shows_the_translations_that_its_router_made_and_no_other(lab):
    found = of_kind(explain.explain(str(lab / "capture.pcapng")), "nat.translation")
    kinds = [one.fields.kind for one in found if one.fields.kind]
    assert kinds == ([TRANSLATED[lab.name]] if lab.name in TRANSLATED else [])


@pytest.mark.parametrize("name", VANISHED)
def test_a_lab_shows_where_its_packets_vanished(name):
    report = explain.explain(str(TOP / "pcaps" / name / "capture.pcapng"))
    lost = [one for one in of_kind(report, "journey") if one.outcome == "vanished"]
    names = {(place.capture, place.interface): place.name for place in report.packets.places}
    seen = {
        (one.fields.lost, one.fields.stage, names[one.fields.last_seen.capture, one.fields.last_seen.interface])
        for one in lost
    }
    assert seen == {VANISHED[name]}
    assert all(finding.certainty != "proved" for finding in report.findings if "stage" in finding.values)


@pytest.mark.needs("cases")
@pytest.mark.parametrize("case", case_folders(), ids=lambda case: case.name)
def test_a_case_shows_translations_only_by_addresses_that_its_router_has(case):
    found = of_kind(explain.explain(*files(case)), "nat.translation")
    meta = json.loads((case / "meta.json").read_text())
    routers = {one["v4"].split("/")[0] for role, one in meta["addresses"].items() if role[0] == "R" and one["v4"]}
    rules = " ".join(path.read_text().lower() for path in (case / "state").glob("*.json"))
    for one in found:
        if one.fields.kind:
            ends = {(one.fields.inside.src.address, one.fields.outside.src.address),
                    (one.fields.inside.dst.address, one.fields.outside.dst.address)}  # fmt: skip
            rewritten = {address for pair in ends if len(set(pair)) > 1 for address in pair}
            assert routers & rewritten or any(f'"{address}"' in rules for address in rewritten)
            assert any(word in rules for word in ("masquerade", "snat", "dnat"))


@pytest.mark.needs("cases")
@pytest.mark.parametrize("case", case_folders()[::3], ids=lambda case: case.name)
def test_clocks_seconds_apart_that_drift_change_no_translation_and_are_bounded_rightly(case):
    table, captures = read(files(case))
    if not len(table) or len(table.places) < 2:
        return
    before = translated(table, len(captures))
    random = np.random.default_rng(len(table))
    skew = random.integers(-5_000_000_000, 5_000_000_000, len(captures))
    ppm = random.uniform(-100, 100, len(captures))
    of_row = np.array([place.capture for place in table.places])[table.place[: len(table)]]
    since = table.time_ns - table.time_ns.min()
    table.time_ns = table.time_ns + skew[of_row] + (ppm[of_row] * 1e-6 * since).astype(np.int64)
    assert translated(table, len(captures)) == before
    clocks = [clock for clock in places.match(table, len(captures)).clocks if clock["skew_ns"] is not None]
    if not clocks:
        return
    first = clocks[0]["capture"]
    moment = int(since[of_row == first].min())
    for clock in clocks:
        other = clock["capture"]
        truth = skew[other] - skew[first] + (ppm[other] - ppm[first]) * 1e-6 * moment
        if clock["bound_ns"] is not None:
            assert abs(clock["skew_ns"] - truth) <= clock["bound_ns"] + 2_000


def translated(table, captures):
    seen = places.match(table, captures)
    found = exchanges.find(nearest(table, seen), seen)
    return {str((one.fields.inside, one.fields.outside)) for one in of_kind(found, "nat.translation")}
