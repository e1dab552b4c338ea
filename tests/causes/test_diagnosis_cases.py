"""The diagnosis over every recording: the truth is never excluded, and comes first where all is known."""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from explain.causes.diagnose import diagnose
from explain.causes.ids import IDS
from explain.cli.ping.witnesses import Given, gather

from .confusion import SECTION_0, VIEWS, Recorded, is_right, measure, recordings
from .looked import excluding

pytestmark = pytest.mark.long

ALL = recordings()
AMBIGUOUS = {"pcaps/target-has-other-address"}
"""Made by giving the target another address from the start: no witness can tell it from an address of nobody."""


TWO_FAULTS = {
    "pcaps/two-routers-without-routes": ["no-return-route-on-router"],
    "pcaps/routing-loop": ["wrong-gateway-on-target"],
    "pcaps/routing-loop.traceroute": ["wrong-gateway-on-target"],
    "filter-on-sender-input.38": ["destination-host-absent-behind-router"],
}
"""Neither router has the other's network; the looping router has no address in the target's; an error is dropped."""


@cache
def found(recorded: Recorded, view: str) -> tuple[list[str], list[str]] | None:
    """The causes that remain and those that would stop it next; each asked for by several tests."""
    said = measure(recorded, view)
    return None if said is None else ([each.cause for each in said.causes], [each.cause for each in said.later])


def named(recorded: Recorded, view: str) -> list[str] | None:
    return (found(recorded, view) or (None,))[0]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("recorded", ALL, ids=lambda each: each.name)
def test_the_truth_is_never_excluded(recorded: Recorded, view: str) -> None:
    causes = named(recorded, view)
    assert causes is None or any(is_right(cause, recorded.truth) for cause in causes), causes


@pytest.mark.parametrize("recorded", ALL, ids=lambda each: each.name)
def test_with_everything_the_truth_comes_first_and_few_stand_beside_it(recorded: Recorded) -> None:
    said = found(recorded, "everything")
    if said is None:
        return
    causes, later = said
    assert len(causes) <= 8
    assert later == TWO_FAULTS.get(recorded.name, [])
    if recorded.name not in AMBIGUOUS:
        assert is_right(causes[0], recorded.truth), causes


def sizes_in(view: str) -> list[int]:
    return [len(causes) for each in ALL if (causes := named(each, view)) is not None]


@pytest.mark.parametrize("view", ["text", "text+wire"])
def test_a_poor_view_gives_a_set_that_is_far_from_everything(view: str) -> None:
    assert max(sizes_in(view)) < len(IDS) * 0.65


@pytest.mark.needs("cases")  # our recordings alone are of more silent failures than a learner meets
@pytest.mark.parametrize("view", ["text", "text+wire"])
def test_the_sets_of_a_poor_view_are_small_on_the_whole(view: str) -> None:
    sizes = sizes_in(view)
    assert sum(sizes) / len(sizes) < len(IDS) / 4


def test_more_witnesses_never_leave_more_causes_on_the_whole() -> None:
    means = []
    for view in ("text", "text+wire", "text+wires", "everything"):
        sizes = sizes_in(view)
        means.append(sum(sizes) / len(sizes))
    assert means == sorted(means, reverse=True)


@pytest.mark.needs("cases")
def test_the_answer_is_not_read_from_where_it_is_written(tmp_path: Path) -> None:
    for number, each in enumerate([one for one in ALL if not one.name.startswith("pcaps/")][::7]):
        copy = tmp_path / f"renamed{number}"
        shutil.copytree(each.folder, copy)
        (copy / "meta.json").unlink()
        here = [cause.cause for cause in diagnose(gather(Given(case=each.folder))).causes]
        there = [cause.cause for cause in diagnose(gather(Given(case=copy))).causes]
        assert here == there
        assert there


def test_every_look_that_is_proposed_splits_what_remains() -> None:
    for each in ALL[::5]:
        said = measure(each, "text")
        if said is None:
            continue
        everyone = {cause.cause for cause in said.causes}
        for look in said.next:
            groups = [set(causes) for _, causes in look.outcomes]
            assert len(groups) > 1
            assert set().union(*groups) == everyone
            assert any(group != everyone for group in groups)
            assert not re.search(r"\b(add|del|set|flush|-A|-D|replace)\b", look.command), look.command


@pytest.mark.parametrize("view", ["text", "text+wire"])
def test_no_look_that_is_proposed_excludes_the_truth_by_what_it_would_have_shown(view: str) -> None:
    for each in [one for one in ALL if not one.also][::3]:
        said = measure(each, view)
        if said is not None:
            assert not excluding(each.folder, each.truth, said.next), each.name


@pytest.mark.needs("cases")
def test_a_healthy_network_has_no_other_cause_where_everything_is_known() -> None:
    for each in ALL:
        if each.truth == "healthy" and not each.name.startswith("pcaps/"):
            assert named(each, "everything") == ["healthy"], each.name


@pytest.mark.parametrize("view", ["text", "text+wire", "wire", "wires", "states"])
def test_no_witness_of_a_healthy_network_puts_a_failure_first(view: str) -> None:
    for each in ALL:
        if each.truth == "healthy":
            assert (named(each, view) or ["healthy"])[0] in SECTION_0, each.name


def test_states_that_show_which_it_is_outweigh_what_is_usual() -> None:
    said = [named(each, "text+states") for each in ALL if each.truth == "dnat-missing"]
    assert said
    assert all(causes and causes[0] == "dnat-missing" for causes in said)


def test_every_recording_tells_its_sender() -> None:
    for each in ALL[:5]:
        case = json.loads((each.folder / "case.json").read_text())
        assert gather(Given(case=each.folder)).sender == case["sender"]


def test_an_error_that_took_seconds_is_no_refusal_and_one_that_came_at_once_may_be() -> None:
    absent, refused = (
        named(next(each for each in ALL if each.name == f"pcaps/{name}"), "text+wire") or []
        for name in ("destination-host-absent-behind-router", "reject-route-on-router.unreachable")
    )
    assert "destination-host-absent-behind-router" in absent
    assert "reject-route-on-router" not in absent
    assert "reject-route-on-router" in refused
