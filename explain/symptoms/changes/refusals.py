"""Why a command was refused, in the words of ``ip``, sysctl, iptables, nft and the shell."""

# ruff: noqa: E501 - one message a row reads better than a pattern in pieces

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.symptoms.transcript.cleaning import TextLine

_NAME = r"\"?'?(?P<name>[\w.@:/-]{1,128}?)\"?'?"
_REFUSALS = tuple((name, re.compile(pattern)) for name, pattern in (
    ("no-namespace", rf"Cannot open network namespace {_NAME}: No such file or directory"),
    ("no-namespace", rf"Error: argument {_NAME} is wrong: Invalid \"netns\" value"),
    ("no-namespace", r"Cannot remove namespace file \"?(?:/var)?/run/netns/(?P<name>[\w.@:-]{1,64})\"?: No such file"),
    ("namespace-exists", r"Cannot create namespace file \"?(?:/var)?/run/netns/(?P<name>[\w.@:-]{1,64})\"?: File exists"),
    ("no-device", rf"Cannot find device {_NAME}\s*\Z"),
    ("no-device", rf"Device {_NAME} does not exist\.?"),
    ("exists", r"RTNETLINK answers: File exists|Error: ipv4: Address already assigned|Error: ipv6: address already assigned"),
    ("gateway-unreachable", r"Error: Nexthop has invalid gateway|RTNETLINK answers: Network is unreachable|RTNETLINK answers: No route to host"),
    ("device-down", r"Error: Device for nexthop is not up|RTNETLINK answers: Network is down"),
    ("no-such-thing", r"RTNETLINK answers: (?:No such process|Cannot assign requested address|No such file or directory|No such device)"),
    ("no-such-thing", r"Error: Could not process rule: No such file or directory"),
    ("not-permitted", r"RTNETLINK answers: Operation not permitted|.{0,80}: (?:Operation not permitted|Permission denied)|(?:ip6?tables|nft).{0,80}you must be root|mount --make-shared .{0,60} failed"),
    ("unknown-command", r"(?:-?\w{0,8}sh: )?(?:line \d+: )?(?P<name>[\w.-]{1,64}): (?:command )?not found"),
    ("wrong-argument", r"Error: (?:argument|any valid|either|inet|either) .{0,120}|Command line is not complete.*|Usage: ip .*|Error: (?:Unknown|Invalid|inet|syntax error,) .{0,120}"),
    ("kernel", r"(?:RTNETLINK answers|Error: Could not process rule): (?P<name>.{1,80})"),
    ("no-chain", r"ip6?tables(?: v[\d.]+)?(?: \(\w+\))?: .{0,120}"),
    ("no-sysctl", r"sysctl: (?:cannot stat|setting key|permission denied|unknown).{0,160}"),
))  # fmt: skip
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """One line in which a command says no.

    Attributes:
        id: no-namespace, namespace-exists, no-device, exists, gateway-unreachable, device-down, no-such-thing,
            not-permitted, unknown-command, wrong-argument, kernel, no-chain or no-sysctl.
        values: ``name`` where the line names what is missing.
    """

    id: str
    text: str
    line: int
    values: Mapping[str, Any]


def refusals_of(lines: Sequence[TextLine]) -> tuple[Refusal, ...]:
    """The refusals among the lines that came back from one command."""
    found: list[Refusal] = []
    for line in lines[:MOST]:
        text = line.text.strip()
        for name, pattern in _REFUSALS:
            if match := pattern.match(text):
                values = {key: value for key, value in match.groupdict().items() if value}
                found.append(Refusal(name, text, line.number, values))
                break
    return tuple(found)
