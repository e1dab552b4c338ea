"""A plan is made of a file alone: no right, no namespace, no socket, the same every time."""

from __future__ import annotations

import socket

import pytest

from explain.lab import kernel
from explain.lab.catalogue import everything, find
from explain.lab.operations import AddRoute, Break, ConnectNodes, CreateNode, LoadRules, RaiseNic
from explain.lab.plan import plan
from explain.lab.read import read


@pytest.fixture
def nothing_may_be_touched(monkeypatch):
    def refused(*_args, **_kwargs):
        raise AssertionError("a plan touched the machine")

    monkeypatch.setattr(kernel, "unshare", refused)
    monkeypatch.setattr(kernel, "setns", refused)
    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr("subprocess.Popen", refused)


@pytest.mark.usefixtures("nothing_may_be_touched")
def test_every_plan_is_the_same_twice_and_says_each_act_as_one_line():
    for path in everything():
        lab = read(path)
        assert plan(lab) == plan(read(path))
        assert all(act.command and "\n" not in act.command for act in plan(lab))


def test_rules_are_loaded_before_a_link_is_up_and_routes_after():
    acts = plan(read(find("nat-icmp")))
    up = min(i for i, act in enumerate(acts) if isinstance(act, RaiseNic))
    assert max(i for i, act in enumerate(acts) if isinstance(act, LoadRules)) < up
    assert min(i for i, act in enumerate(acts) if isinstance(act, AddRoute)) > up


def test_a_cable_is_laid_only_between_nodes_that_exist():
    for path in everything():
        made = set()
        for act in plan(read(path)):
            if isinstance(act, CreateNode):
                made.add(act.node)
            elif isinstance(act, ConnectNodes):
                assert {act.a, act.b} <= made


def test_a_healthy_plan_is_the_same_without_the_fault():
    lab = read(find("forwarding-disabled"))
    whole, healthy = plan(lab), plan(lab, with_fault=False)
    assert [act for act in whole if not isinstance(act, Break)] == list(healthy)
    assert len(whole) == len(healthy) + len(lab.fault)
