"""The five rubrics of the contract, unchanged, over good, cut, empty and foreign captures."""

from __future__ import annotations

import pytest
from surroundings import TOP

from explain.grade.authoring.lint import sound
from explain.grade.running.grading import grade_files

ROSTER = {
    "student": "ann", "sid": "s001", "host_ip": "192.0.2.1", "router_ip": "192.0.2.254", "mac": "00:00:5e:00:53:01",
    "subnet": "192.0.2.0/24", "gateway": "192.0.2.254", "team": "t1",
}  # fmt: skip
ARP_ANSWERS = 'q1-opcode = 2\nq2-mac = "00:00:5e:00:53:02"\n'
FULL = {"arp": 8, "dhcp": 10, "icmp": 12, "nat": 23, "tcp": 14}
"""Points of the good capture: in DHCP 2 wait for a person and 1 is a bonus, in NAT 3 are."""
NAMES = tuple(FULL)
pytestmark = pytest.mark.needs("corpus")


@pytest.fixture
def marked(corpus, tmp_path):
    def mark(name, change=lambda octets: octets, source=None):
        rubric = sound(str(corpus.parent / "rubrics" / f"{name}.toml"))
        files = {}
        for capture in rubric.captures:
            kind = f"good-{capture}" if name == "nat" else "good"
            path = source or TOP / "rubrics" / name / f"{kind}.pcap"
            files[capture] = tmp_path / f"{capture}.pcap"
            files[capture].write_bytes(change(path.read_bytes()))
        answers = TOP / "rubrics" / name / "good.toml"
        if name == "arp":
            answers = tmp_path / "answers.toml"
            answers.write_text(ARP_ANSWERS)
        graded = grade_files(rubric, "ann", files, answers, ROSTER)
        return graded, {one.id: one for one in (*graded.checks, *graded.answers)}

    return mark


@pytest.mark.parametrize("name", NAMES)
def test_a_good_capture_gets_all_that_no_person_has_to_read(marked, name):
    graded, told = marked(name)
    assert graded.score == FULL[name]
    assert {one.verdict for one in told.values()} <= {"met", "manual"}


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_capture_gets_nothing_and_loses_nothing(marked, name):
    graded, told = marked(name, lambda octets: octets[:24])
    assert graded.score == 0
    assert all(one.points == 0 for one in told.values())
    assert not [one.id for one in told.values() if one.verdict == "met"]


@pytest.mark.parametrize("name", NAMES)
def test_the_capture_of_another_lab_earns_almost_nothing(marked, name):
    other = TOP / "rubrics" / ("tcp" if name == "arp" else "arp") / "good.pcap"
    graded, _ = marked(name, source=other)
    assert graded.score <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_a_cut_capture_lacks_is_no_mistake_of_the_student(marked, name, share):
    whole, _ = marked(name)
    graded, told = marked(name, lambda octets: octets[: int(len(octets) * share)])
    assert graded.score <= whole.score
    wrong = [one for one in graded.checks if one.verdict in ("not-met", "partly")]
    assert wrong == []
    assert all(one.points >= 0 for one in told.values())


def test_what_was_seen_before_the_cut_keeps_its_points_and_what_builds_on_it_is_looked_at(marked):
    _, told = marked("dhcp", lambda octets: octets[: int(len(octets) * 0.6)])
    assert (told["dora"].verdict, told["dora"].points) == ("cannot-tell", 2)
    assert "damaged" in told["dora"].says
    assert (told["same-xid"].verdict, told["lease-fields"].verdict) == ("met", "cannot-tell")
