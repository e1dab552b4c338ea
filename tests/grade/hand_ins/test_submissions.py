"""Layouts in which a class's work comes, as platforms export it and as people make it."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile

import pytest
from grading_scenes import HEAD, asked_and_pinged, rubric_file
from packets import pcap, ping

from explain.capture.pcapng.writer import InterfaceBlock, PacketBlock, section
from explain.grade.hand_ins import submissions
from explain.grade.hand_ins.handed_in import find
from explain.grade.hand_ins.rosters import shared_addresses, twice
from explain.grade.hand_ins.submissions import assign, closed_below, files_below
from explain.grade.hand_ins.unpacking import unpack
from explain.grade.rubric.reading import load
from explain.grade.running.grading import grade_files

GOOD = pcap(*asked_and_pinged(1)).getvalue()
CHECK = '[[check]]\nid = "a"\npoints = 1\nexpect = "arp.request"\n'
ROSTER = [
    {"student": "ann", "email": "ann@example.org", "name": "Ann Example"},
    {"student": "bob", "email": "bob@example.org", "name": "Bob Example"},
]
MOODLE = {
    "Ann Example_123_assignsubmission_file/lab.pcap": GOOD,
    "Bob Example_124_assignsubmission_file_/lab.pcap": GOOD,
}
LAYOUTS = {
    "folders": {"ann/lab.pcap": GOOD, "bob/lab.pcap": GOOD},
    "deep folders": {"ann/x/y/lab.pcap": GOOD, "bob/lab.pcap": GOOD},
    "Moodle, folders": MOODLE,
    "Moodle, flat": {f"{['Ann', 'Bob'][at]} Example_12{at}_assignsubmission_file_lab.pcap": GOOD for at in (0, 1)},
    "Canvas": {"ann_123_456_lab.pcap": GOOD, "bob_LATE_124_457_lab-1.pcap": GOOD, "bob_LATE_124_458_answers.toml": b""},
    "Blackboard": {f"Lab 1_{one}_attempt_2026-03-0{at}-10-00-00_lab.pcap": GOOD
                   for one, at in (("ann", 1), ("ann", 2), ("bob", 1))},
    "Gradescope": {
        "submission_7/lab.pcap": GOOD, "submission_8/lab.pcap": GOOD,
        "submission_metadata.yml": b"---\nsubmission_7:\n  :submitters:\n  - :name: Ann Example\n    :sid: 'ann'\n"
        b"    :email: a@x\nsubmission_8:\n  :submitters:\n  - :name: Bob Example\n    :email: bob@example.org\n",
    },
    "named files": {"ann-lab.pcap": GOOD, "lab_bob.pcap": GOOD},
    "archives": {},
}  # fmt: skip


@pytest.fixture
def rubric(tmp_path):
    return load(str(rubric_file(tmp_path, CHECK)))[0]


def put(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zipped(files, when=(2026, 3, 1, 10, 0, 0)):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, when), content)
    return out.getvalue()


def tarred(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def layout(name):
    if name == "archives":
        return {"ann.zip": zipped({"lab.pcap": GOOD}), "Bob Example.tar.gz": tarred({"x/lab.pcap": GOOD})}
    return LAYOUTS[name]


@pytest.mark.parametrize("packed", [None, "class.zip", "class.tar.gz", "rooted.zip"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_everybody_in_a_layout_is_found_once_and_by_the_roster_s_name(tmp_path, rubric, name, packed):
    files = layout(name)
    path = tmp_path / (packed or "in")
    if packed is None:
        put(path, files)
    else:
        files = {f"export/{one}": content for one, content in files.items()} if packed == "rooted.zip" else files
        path.write_bytes((tarred if packed.endswith("gz") else zipped)(files))
    found = find(rubric, [str(path)], ROSTER)
    assert sorted(one.id for one in found) == ["ann", "bob"]
    if name != "archives":
        assert all(assign(rubric, files_below(one.paths))[0].keys() == {"h1"} for one in found)


def test_who_stands_twice_in_the_roster_is_one_student_and_the_first_row_counts(tmp_path, rubric):
    put(tmp_path / "in", {"ann/lab.pcap": GOOD})
    rows = [{"student": "bob", "host": "1"}, {"student": "ann", "host": "2"}, {"student": "bob", "host": "3"}]
    found = find(rubric, [str(tmp_path / "in")], [*rows, dict(rows[1]), {"student": "", "host": "4"}])
    assert [(one.id, one.roster["host"], bool(one.paths)) for one in found] == [("ann", "2", True), ("bob", "1", False)]
    assert twice([*rows, dict(rows[1])]) == ["bob"]


def test_two_submissions_of_one_student_both_keep_their_marks(tmp_path, rubric):
    put(tmp_path / "in", {"ann/lab.pcap": GOOD, "Ann B. (ann)/lab.pcap": GOOD})
    found = find(rubric, [str(tmp_path / "in")], [{"student": "ann"}])
    assert [(one.id, len(one.paths)) for one in found] == [("ann", 1), ("ann#2", 1)]


def test_one_student_s_archive_is_no_class(tmp_path, rubric):
    for content in ({"inside/a.pcap": GOOD, "outside/b.pcap": GOOD}, {"lab.pcap": GOOD, "old/lab.pcap": GOOD}):
        (tmp_path / "zoe.zip").write_bytes(zipped(content))
        assert [one.id for one in find(rubric, [str(tmp_path / "zoe.zip")], [])] == ["zoe"]


def test_a_class_without_a_roster_is_known_by_the_same_file_in_several_folders(tmp_path, rubric):
    (tmp_path / "all.zip").write_bytes(zipped({"s1/lab.pcap": GOOD, "s2/LAB.pcap": GOOD}))
    assert [one.id for one in find(rubric, [str(tmp_path / "all.zip")], [])] == ["s1", "s2"]


def test_a_file_in_a_class_s_archive_that_is_too_long_costs_its_student_alone(tmp_path):
    head = HEAD + 'limits = { bytes = "1kB" }\n'
    rubric = load(str(rubric_file(tmp_path, CHECK, head)))[0]
    (tmp_path / "all.zip").write_bytes(zipped({"s1/lab.pcap": GOOD[:400], "s2/lab.pcap": GOOD + bytes(50_000_000)}))
    found = find(rubric, [str(tmp_path / "all.zip")], [])
    assert [files_below(one.paths)[0].stat().st_size for one in found] == [len(GOOD[:400]), 1001]


@pytest.mark.parametrize(
    "order",
    [
        ["attempt 9/lab.pcap", "attempt 10/lab.pcap"],
        ["x_attempt_2026-01-09-10-00-00/lab.pcap", "x_attempt_2026-01-10-09-00-00/lab.pcap"],
    ],
)
def test_of_several_attempts_the_last_one_counts_whatever_the_times_of_the_files_say(tmp_path, rubric, order):
    put(tmp_path / "ann", {order[0]: GOOD, order[1]: GOOD + b"\0"})
    for at, name in enumerate(order):
        os.utime(tmp_path / "ann" / name, (2_000_000_000 - at, 2_000_000_000 - at))
    assert assign(rubric, files_below([tmp_path / "ann"]))[0]["h1"] == tmp_path / "ann" / order[1]


def test_of_several_files_of_an_archive_the_one_that_was_written_last_counts(tmp_path, rubric):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("b/lab.pcap", (2026, 3, 2, 0, 0, 0)), GOOD)
        archive.writestr(zipfile.ZipInfo("a/lab.pcap", (2026, 3, 9, 0, 0, 0)), GOOD)
        archive.writestr(zipfile.ZipInfo("c/lab.pcap", (1980, 1, 1, 0, 0, 0)), GOOD)
    (tmp_path / "ann.zip").write_bytes(out.getvalue())
    (tmp_path / "out").mkdir()
    unpack(tmp_path / "ann.zip", tmp_path / "out", 1 << 20)
    assert assign(rubric, files_below([tmp_path / "out"]))[0]["h1"].parent.name == "a"


def test_a_file_with_the_name_of_a_capture_that_is_none_is_not_passed_over(tmp_path, rubric):
    put(tmp_path / "ann", {"Lab.pcap": b"I forgot to export it", "notes.txt": b"x"})
    assert assign(rubric, files_below([tmp_path / "ann"]))[0]["h1"].name == "Lab.pcap"


NAT = 'rubric = 1\n[submission]\ncaptures = { inside = "nat-inside.pcap", outside = "nat-outside.pcap" }\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["nat-outside.pcap", "nat-inside.pcap"], ["nat-inside.pcap", "nat-outside.pcap"]),
        (["NAT_Inside.pcapng", "nat outside (2).pcap"], ["NAT_Inside.pcapng", "nat outside (2).pcap"]),
        (["inside.cap", "trace.cap"], ["inside.cap", "trace.cap"]),
        (["my-outside-final.pcap", "x.pcap"], ["x.pcap", "my-outside-final.pcap"]),
        (["a.pcap", "b.pcap"], []),
        (["nat-inside.pcap"], ["nat-inside.pcap"]),
    ],
)
def test_badly_named_captures_are_told_apart_only_where_their_names_do_it(tmp_path, files, expected):
    rubric = load(str(rubric_file(tmp_path, CHECK, NAT)))[0]
    put(tmp_path / "ann", dict.fromkeys(files, GOOD))
    chosen = assign(rubric, files_below([tmp_path / "ann"]))[0]
    assert [chosen[one].name for one in ("inside", "outside") if one in chosen] == expected


def whole(*names):
    """A pcapng of these interfaces, each with a ping of its own."""
    blocks = [PacketBlock(at, at + 1, ping("10.0.0.1", "10.0.0.2", at + 1), 98) for at in range(len(names))]
    return b"".join(section([InterfaceBlock(name) for name in names], blocks))


TOLD = NAT + 'interfaces = { inside = "eth0", outside = ["eth1", "wan"] }\n'


@pytest.mark.parametrize(
    ("rubric", "names", "expected"),
    [
        (TOLD, ["r1.lo", "r1.eth0", "r1.eth1"], ["r1.eth0", "r1.eth1"]),
        (TOLD, ["WAN", "eth0"], ["eth0", "WAN"]),
        (TOLD, ["h1.eth0", "r1.eth0", "r1.eth1"], []),
        (NAT, ["outside", "r1-inside"], ["r1-inside", "outside"]),
        (NAT, ["eth0", "eth1"], []),
        (NAT.replace("nat-inside", "r1-eth0").replace("nat-outside", "r1-eth1"), ["r1.eth1", "r1.eth0", "h1.eth0"],
         ["r1.eth0", "r1.eth1"]),
    ],
)  # fmt: skip
def test_several_captures_are_taken_from_one_file_whose_interfaces_are_told_apart(tmp_path, rubric, names, expected):
    rubric = load(str(rubric_file(tmp_path, CHECK, rubric)))[0]
    put(tmp_path / "ann", {"all.pcapng": whole(*names)})
    taken = assign(rubric, files_below([tmp_path / "ann"]))[0]
    assert [taken.interfaces[one] for one in ("inside", "outside") if one in taken] == expected


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (whole("r1.eth1", "r1.eth0"), "r1.eth0"),
        (whole("r1.eth0"), None),
        (whole("r1.eth1", "h1.eth2"), None),
        (whole("h1.eth0", "r1.eth0", "r1.eth1"), None),
    ],
)
def test_of_a_file_with_frames_of_several_interfaces_the_listed_one_counts(tmp_path, inside, expected):
    rubric = load(str(rubric_file(tmp_path, CHECK, TOLD)))[0]
    put(tmp_path / "ann", {"nat-inside.pcapng": inside, "nat-outside.pcap": GOOD})
    taken = assign(rubric, files_below([tmp_path / "ann"]))[0]
    assert (taken.interfaces.get("inside"), taken.interfaces.get("outside")) == (expected, None)


def test_captures_are_told_apart_by_the_interfaces_in_their_names(tmp_path):
    rubric = load(str(rubric_file(tmp_path, CHECK, TOLD)))[0]
    put(tmp_path / "ann", dict.fromkeys(("my_wan.pcap", "r1.eth0.pcap"), GOOD))
    chosen = assign(rubric, files_below([tmp_path / "ann"]))[0]
    assert [chosen[one].name for one in ("inside", "outside")] == ["r1.eth0.pcap", "my_wan.pcap"]


def test_each_interface_of_a_file_is_marked_as_the_capture_that_it_is(tmp_path):
    text = "".join(
        f'[[check]]\nid = "{one}"\npoints = 1\nexpect = "icmp.echo"\ncapture = "{one}"\ncount = 1\n'
        for one in ("inside", "outside")
    )
    rubric = load(str(rubric_file(tmp_path, text, TOLD)))[0]
    put(tmp_path / "ann", {"all.pcapng": whole("r1.eth1", "r1.eth0")})
    taken, answers = assign(rubric, files_below([tmp_path / "ann"]))
    graded = grade_files(rubric, "ann", taken, answers, {})
    assert [(one.verdict, one.evidence[0].frames) for one in graded.checks] == [("met", ((2, 2),)), ("met", ((1, 1),))]
    assert graded.files == (("inside", "all.pcapng (r1.eth0)"), ("outside", "all.pcapng (r1.eth1)"))


PARTS = {"lab.pcap": GOOD, "answers.toml": b""}


def test_what_an_earlier_attempt_left_is_named_apart_from_what_is_graded(tmp_path, rubric):
    files = {f"attempt {at}/{name}": octets for at in (9, 10) for name, octets in PARTS.items()}
    put(tmp_path / "ann", files | {"notes.txt": b"x", "other.pcap": GOOD})
    taken, answers = assign(rubric, files_below([tmp_path / "ann"]))
    told = taken.told()
    assert (told[taken["h1"]], told[answers]) == ("attempt 10/lab.pcap", "attempt 10/answers.toml")
    assert sorted(told[one] for one in taken.aside) == ["attempt 9/answers.toml", "attempt 9/lab.pcap", "other.pcap"]


def test_a_submission_of_one_attempt_leaves_nothing_aside(tmp_path, rubric):
    put(tmp_path / "ann", {"x/lab.pcap": GOOD, "answers.toml": b"", "notes.txt": b"x"})
    taken, _ = assign(rubric, files_below([tmp_path / "ann"]))
    assert (taken.aside, set(taken.told().values())) == ((), {"lab.pcap", "answers.toml"})


@pytest.mark.parametrize(
    "name",
    ["answers.toml.txt", "Answers.txt", "answers (1).toml", "my.toml", "answers.json", "Answers.csv", "answers.md"],
)
def test_answers_are_found_under_the_names_that_editors_give_them(tmp_path, rubric, name):
    put(tmp_path / "class/ann", {"lab.pcap": GOOD, name: b"", "notes.txt": b"x"})
    assert assign(rubric, files_below([tmp_path / "class/ann"]))[1].name == name
    put(tmp_path / "loose", {"bob_lab.pcap": GOOD, f"bob_{name}": b"", "readme.txt": b"x"})
    assert [len(one.paths) for one in find(rubric, [str(tmp_path / "loose")], []) if one.id == "bob"] == [
        1 if name == "my.toml" else 2
    ]


@pytest.mark.parametrize("name", ["lab.pcap", "Lab.pcapng", "lab (1).pcap", "answers.json"])
def test_one_students_folder_is_one_submission_though_a_file_has_another_ending(tmp_path, rubric, name):
    put(tmp_path / "ann", {name: GOOD, "other.pcap": GOOD})
    assert [one.id for one in find(rubric, [str(tmp_path / "ann")], [])] == ["ann"]


def test_an_address_of_two_students_is_told_where_most_have_their_own():
    rows = [{"student": f"s{at}", "ip": f"192.0.2.{at}", "gateway": "192.0.2.254"} for at in range(1, 8)]
    assert shared_addresses(rows) == []
    rows[5] |= {"ip": "192.0.2.2 "}
    assert shared_addresses(rows) == [("ip", "192.0.2.2", ["s2", "s6"])]
    teams = [row | {"ip": f"10.0.{at // 2}.1"} for at, row in enumerate(rows)]
    assert shared_addresses(teams) == []


def test_a_capture_that_cannot_be_read_is_handed_in_and_told_as_that(tmp_path, rubric, monkeypatch):
    for name in ("ann.pcap", "bob.pcap", "notes.doc"):
        (tmp_path / name).write_bytes(GOOD if name != "notes.doc" else b"")
    closed = {"bob.pcap", "notes.doc"}
    plain = submissions.Path.open

    def opened(path, *how, **more):
        if path.name in closed:
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, *how, **more)

    monkeypatch.setattr(submissions.Path, "open", opened)
    assert [one.id for one in find(rubric, [str(tmp_path)], [])] == ["ann", "bob"]
    name, why = closed_below([tmp_path])
    assert (name, why.message) == ("bob.pcap", "errors.system.EACCES")


def test_who_handed_in_a_file_that_is_not_what_its_name_says_is_not_missing(tmp_path, rubric):
    put(tmp_path, {"ann.pcap": GOOD, "bob.pcap": b"", "cyd.zip": zipped({"lab.pcap": GOOD})[:-40], "notes.doc": b""})
    assert [one.id for one in find(rubric, [str(tmp_path)], [])] == ["ann", "bob", "cyd"]
