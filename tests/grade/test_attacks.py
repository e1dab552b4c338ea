"""A class in which nearly everybody attacks the grader."""

from __future__ import annotations

from pathlib import Path

import hostile
import pytest
from grading_scenes import OPCODE, PINGS, REQUEST, limited, rubric_file

from explain.grade.hand_ins.handed_in import find
from explain.grade.rubric.reading import load
from explain.grade.running.executors import grade_all

pytestmark = pytest.mark.long

HEAD = limited("4MB")
QUIET = """
[[check]]
id = "quiet"
points = 1
none = "icmp.unreachable"
"""
TEXT = REQUEST + PINGS + QUIET + OPCODE
UNREADABLE = (
    "longer than is allowed", "a record of 4 GiB", "header cut", "empty", "text", "unknown link type",
    "pcapng without an interface", "pcapng of a million interfaces, packed",
)  # fmt: skip
"""Nothing in these can be read at all, or more than the rubric allows."""
SCORES = {
    **dict.fromkeys(UNREADABLE),
    # What stops being readable is no proof that something was absent.
    "a second record of 4 GiB": 6, "last record cut": 6, "pcapng block of length 0": 6, "pcapng block of 4 GiB": 6,
    "pcapng block of a length that is no multiple of 4": 6, "pcapng block whose lengths differ": 6,
    "pcapng frame of no interface": 6,
    # The first frame, which is the request, claims that it had one octet on the wire.
    "original shorter than captured": 4,
    # A packet that was recorded again and again was sent once.
    "one ping, a thousand times": 4,
    # Sound, without a frame: a check that nothing happened is not met by it.
    "only a header": 0, "pcapng sections without end": 0,
}  # fmt: skip
WITH_ANSWERS = {"answers.toml": hostile.RIGHT}
ATTACKS = {
    **{f"honest-{number}": (lambda: {"lab.pcap": hostile.GOOD, **WITH_ANSWERS}, 7) for number in range(3)},
    **hostile.CONTAINERS,
    **{
        one: (
            lambda made=made: (made if isinstance(made, dict) else {"lab.pcap": made}) | WITH_ANSWERS,
            SCORES.get(one, 7),
        )
        for one, made in hostile.CAPTURES.items()
    },
    **{
        one: (lambda frames=frames: {"lab.pcap": hostile.of_protocol(frames), **WITH_ANSWERS}, 7)
        for one, frames in hostile.PROTOCOLS.items()
    },
    **{
        f"answers: {one}": (lambda octets=octets: {"lab.pcap": hostile.GOOD, "answers.toml": octets}, 6)
        for one, octets in hostile.ANSWERS.items()
    },
    **hostile.FOLDERS,
}
"""By name what is handed in, and its score; None where it cannot be graded."""


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """What a class got in which nearly everybody attacks."""
    top = tmp_path_factory.mktemp("attacked")
    for name, (made, _) in ATTACKS.items():
        own = top / "in" / name.replace("/", " ")
        own.mkdir(parents=True)
        content = made(own) if name in hostile.FOLDERS else made()
        for file, octets in (content or {}).items():
            (own / file).write_bytes(octets)
    before = sorted(path for path in top.rglob("*") if "again" not in path.parts)
    rubric, complaints = load(str(rubric_file(top, TEXT, HEAD)))
    assert complaints == []
    found = find(rubric, [str(top / "in")], [])
    given = {found[number].id: form for number, form in grade_all(rubric, found, 2, "en")}
    after = sorted(path for path in top.rglob("*") if "again" not in path.parts and path.name != "rubric.toml")
    assert after == before
    return given


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_costs_nobody_but_itself_and_is_never_a_0_where_nothing_could_be_read(forms, name):
    form, score = forms[name.replace("/", " ")], ATTACKS[name][1]
    assert (form["status"], form["score"]) == ("could-not-be-graded" if score is None else "graded", score), form
    assert bool(form["reason"]) == (score is None)
    assert "explain-grade-" not in str(form["reason"])  # else two runs would not say the same


@pytest.mark.parametrize(
    ("name", "reason"),
    [("links out of it", "there is no capture in it"), ("zip cut off", "the archive a.zip cannot be unpacked: "),
     ("zip with damaged data", "the archive a.zip cannot be unpacked: ")],
)  # fmt: skip
def test_nobody_waits_for_a_pipe_and_a_damaged_archive_is_told_as_such(forms, name, reason):
    assert forms[name]["reason"].startswith(reason)


@pytest.mark.full
@pytest.mark.parametrize("number", [1, 10])
def test_a_million_connections_that_never_open_cost_only_who_handed_them_in(tmp_path, number):
    """By the limits of a rubric that are far too small, and by some that are not."""
    for name, octets in (("ann", hostile.GOOD), ("eve", hostile.half_open_million())):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "lab.pcap").write_bytes(octets)
    head = limited("100MB").replace("256MB", f"{number * 200}MB").replace("seconds = 5", f"seconds = {number * 5}")
    rubric, complaints = load(str(rubric_file(tmp_path, REQUEST + PINGS, head)))
    assert complaints == []
    found = find(rubric, [str(tmp_path / "in")], [])
    given = {found[at].id: form for at, form in grade_all(rubric, found, 2, "en")}
    assert (given["ann"]["status"], given["ann"]["score"]) == ("graded", 5)
    if number == 1:
        assert (given["eve"]["status"], bool(given["eve"]["reason"])) == ("could-not-be-graded", True)
    else:
        assert (given["eve"]["status"], given["eve"]["score"]) == ("graded", 0)


def test_no_way_out_of_an_archive_leads_anywhere(forms):
    assert forms
    assert not [path for path in (Path("/evil"), Path.cwd() / "evil") if path.exists()]
