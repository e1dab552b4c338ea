from __future__ import annotations

from types import SimpleNamespace

import pytest

from explain.grade.hand_ins.submissions import Submission
from explain.grade.integrity.compare import flags
from explain.grade.integrity.prints import MOST_KEPT, Prints, few


def prints(*values, gaps=(), moments=(), words=(), addresses=(), signs=()):
    """Prints whose n-th stands in frame n."""
    made = Prints(signs=list(signs))
    for name, some in (
        ("nonces", values),
        ("gaps", gaps),
        ("moments", moments),
        ("words", words),
        ("addresses", addresses),
    ):
        setattr(made, name, {value: (0, None, at) for at, value in enumerate(some, 1)})
    return made


RUN = ("isn:100000", "isn:200000", "ping:1700000000000000", "xid:01020304")
OTHER = ("isn:300000", "isn:400000", "ping:1700000001000000", "xid:05060708")


def told(*submissions, handouts=(), variables=None, **integrity):
    """Flags as (submission, kind, with); a submission is (id, roster, prints)."""
    rubric = SimpleNamespace(integrity=integrity, variables=variables or {})
    people = [Submission(name, (), roster) for name, roster, _ in submissions]
    found = flags(rubric, people, [one for *_, one in submissions], list(handouts), "en")
    return [(one.id, flag["kind"], flag["with"]) for one, some in zip(people, found, strict=True) for flag in some]


def test_a_copy_is_flagged_on_both_sides_with_the_frames_of_both():
    rubric = SimpleNamespace(integrity={}, variables={})
    people = [Submission(name, (), {}) for name in ("ann", "ben")]
    (mine,), (yours,) = flags(rubric, people, [prints(*RUN), prints("isn:999999", *RUN)], [], "en")
    assert (mine["kind"], mine["with"], yours["with"]) == ("same-random-numbers", "ben", "ann")
    assert mine["evidence"] == [{"capture": 0, "interface": None, "frames": [[1, 4]]}]
    assert mine["with_evidence"] == yours["evidence"] == [{"capture": 0, "interface": None, "frames": [[2, 5]]}]
    assert "4 of 4" in mine["says"]


def test_different_runs_are_not_flagged():
    assert told(("ann", {}, prints(*RUN)), ("ben", {}, prints(*OTHER)), ("cyd", {}, None)) == []


@pytest.mark.parametrize(
    ("mine", "yours"),
    [
        (("isn:100000",), RUN),  # one number of 32 bits may be chance in a large class
        (("dns:0001aa", "dns:0002aa"), ("dns:0001aa", "dns:0002aa")),  # ids of 16 bits the more so
        (RUN[:2] + tuple(f"isn:{n}" for n in range(10**6, 10**6 + 20)), RUN + tuple(f"xid:{n:08x}" for n in range(20))),
    ],
)  # fmt: skip
def test_what_chance_may_do_is_not_flagged(mine, yours):
    assert told(("ann", {}, prints(*mine)), ("ben", {}, prints(*yours))) == []


def test_runs_that_one_kernel_stamped_in_the_same_milliseconds_are_no_copies():
    """As two runs of one lab on one machine had them: their sequence numbers are a fraction of a millisecond apart."""
    stamps = ("tsval:834946044", "tsval:2812450106", "tsval:2812451120", "tsval:834947064")
    mine, yours = prints("isn:1213899153", *stamps), prints("isn:1213908189", *stamps)
    assert told(("ann", {}, mine), ("ben", {}, yours)) == []
    mine, yours = prints("isn:1213899153", *stamps), prints("isn:1213899153", *stamps)
    assert {kind for _, kind, _ in told(("ann", {}, mine), ("ben", {}, yours))} == {"same-random-numbers"}


def test_team_mates_are_never_flagged_and_an_empty_team_is_none():
    teams = {"ann": "red", "ben": "red", "cyd": "", "dan": ""}
    some = [(name, {"team": team}, prints(*RUN)) for name, team in teams.items()]
    pairs = {(one, other) for one, _, other in told(*some, allow_groups="roster.team")}
    assert ("ann", "ben") not in pairs
    assert {("ann", "cyd"), ("cyd", "dan"), ("ben", "dan")} <= pairs


def test_a_second_try_of_one_student_is_never_flagged():
    assert told(("ann", {}, prints(*RUN)), ("ann#2", {}, prints(*RUN))) == []


def test_what_was_handed_out_never_counts():
    both = ("ann", {}, prints(*RUN, gaps=("1/2/3",))), ("ben", {}, prints(*RUN, gaps=("1/2/3",)))
    assert told(*both) != []
    assert told(*both, handouts=[prints(*RUN, gaps=("1/2/3",))]) == []


def test_what_most_of_a_class_has_was_handed_out_though_nobody_said_so():
    own = [(f"s{at}", {}, prints(*RUN, *(f"isn:{at + 1}00000{n}" for n in range(4)))) for at in range(20)]
    assert told(*own) == []
    few_have_it = [(name, {}, one if int(name[1:]) < 5 else prints(*list(one.nonces)[4:])) for name, _, one in own]
    assert {name for name, *_ in told(*few_have_it)} == {"s0", "s1", "s2", "s3", "s4"}


def test_gaps_count_where_every_number_was_replaced():
    gaps = tuple(f"{n}/{n * 7}/{n * 3}" for n in range(100, 106))
    assert told(("ann", {}, prints(*RUN, gaps=gaps)), ("ben", {}, prints(*OTHER, gaps=gaps))) == [
        ("ann", "same-gaps", "ben"), ("ben", "same-gaps", "ann"),
    ]  # fmt: skip
    assert told(("ann", {}, prints(gaps=gaps[:3])), ("ben", {}, prints(gaps=gaps[:3]))) == []


def test_times_are_told_only_where_nothing_else_was_found():
    times = ("1", "2", "3", "4")
    assert [kind for _, kind, _ in told(("a", {}, prints(moments=times)), ("b", {}, prints(moments=times)))] == [
        "same-times", "same-times",
    ]  # fmt: skip
    both = prints(*RUN, moments=times)
    assert {kind for _, kind, _ in told(("a", {}, both), ("b", {}, both))} == {"same-random-numbers"}


def test_a_ring_of_copies_costs_few_flags_for_each():
    ring = [
        (f"s{at}", {}, prints(*RUN) if at < 40 else prints(*(f"isn:{at}11111{n}" for n in range(9))))
        for at in range(99)
    ]
    found = told(*ring)
    assert {name for name, *_ in found} == {f"s{at}" for at in range(40)}
    assert len(found) <= 40 * 5


def test_clocks_apart_in_much_of_a_class_are_the_class_s_machines():
    sign = ("clocks-apart", {"apart_s": 3600.0}, [(0, None, 1)])
    apart = [(f"s{at}", {}, prints(signs=[sign])) for at in range(4)]
    fine = [(f"t{at}", {}, prints()) for at in range(6)]
    assert told(*apart, *fine) == []
    assert told(apart[0], *fine) == [("s0", "clocks-apart", None)]


def test_a_marker_is_looked_for_and_that_of_another_is_told_with_its_owner():
    marker = {"where": "udp.payload", "value": "{roster.marker}", "port": 9}
    rows = [(name, {"student": name, "marker": f"mark-{name}"}) for name in ("ann", "ben", "cyd")]
    carried = {"ann": ("mark-ann",), "ben": ("mark-ann",), "cyd": ()}
    found = told(*((name, row, prints(words=carried[name])) for name, row in rows), marker=marker)
    assert found == [
        ("ben", "marker-missing", None),
        ("ben", "marker-of-another", "ann"),
        ("cyd", "marker-missing", None),
    ]


def test_addresses_that_are_one_student_s_alone_are_held_against_the_captures():
    rows = {
        name: {"student": name, "host_ip": f"10.0.{at}.2", "target_ip": "10.9.9.9"} for at, name in enumerate("abc")
    }
    seen = {"a": ("10.0.0.2", "10.9.9.9"), "b": ("10.0.0.2", "10.9.9.9"), "c": ("10.0.2.2", "02:00:00:00:00:01")}
    assert told(*((name, rows[name], prints(addresses=seen[name])) for name in "abc")) == [
        ("b", "addresses-missing", None), ("b", "addresses-of-another", "a"),
    ]  # fmt: skip


def test_policy_off_looks_for_nothing():
    assert told(("ann", {}, prints(*RUN)), ("ben", {}, prints(*RUN)), policy="off") == []


def test_of_too_many_prints_two_captures_keep_the_same_ones():
    many = [(f"isn:{n}", n) for n in range(MOST_KEPT * 3)]
    one, other = few(many), few(many[::-1])
    assert len(one) == MOST_KEPT
    assert set(one) == set(other)
    half = few(many[: MOST_KEPT * 2])
    assert len(set(half) & set(one)) > MOST_KEPT / 2
