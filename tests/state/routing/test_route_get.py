"""The route look-up against the kernel's own: random tables, rules and questions, answered by ``ip route get``."""

from __future__ import annotations

import json
import random
import subprocess

import pytest
from state.lab import Lab

from explain.state.addresses import to_text
from explain.state.packet import Packet
from explain.state.reading.state_file import host_state
from explain.state.records import HostState
from explain.state.routing.outgoing import send

pytestmark = pytest.mark.needs("namespaces", "root", "ip")
KINDS = ("unicast",) * 6 + ("blackhole", "unreachable", "prohibit", "throw")
ERRORS = {
    "Network is unreachable": "no-route",
    "No route to host": "unreachable",
    "Invalid argument": "blackhole",
    "Permission denied": "prohibit",
}


def host(lab: Lab, number: int) -> None:
    """One host with three wires, several addresses, and whatever routes and rules chance gives it."""
    dice = lab.random
    for name in ("H", "A", "B", "C"):
        lab.host(name)
    six = lab.family == 6
    ip = "ip -6" if six else "ip"
    for wire, other in enumerate("ABC"):
        lab.join("H", f"h{wire}", other, "x")
        lab.address("H", f"h{wire}", f"2001:db8:{wire}:0" if six else f"10.{wire}.0", 5)
    extra = "2001:db8:1:0::77/64" if six else "10.1.0.77/24"
    lab.sh("H", f"ip addr add {extra} dev h1 {'nodad' if six else ''}")
    lab.sh("H", "ip addr add 172.16.5.5/16 dev h2; ip addr add 192.0.2.1/32 dev lo" if not six else "true")
    for _ in range(26):
        lab.sh("H", f"{ip} route add {route(dice, six=six)}", check=False)
    for _ in range(dice.randrange(0, 7)):
        lab.sh("H", f"{ip} rule add {rule(dice, six=six)}", check=False)
    if number % 3 == 0:
        lab.sh("H", "ip link set h2 down")
    if number % 4 == 0:
        lab.sh("A", "ip link set x down")


def prefix(dice: random.Random, *, six: bool) -> str:
    if dice.random() < 0.12:
        return "default"
    if six:
        length = dice.choice((16, 32, 40, 48, 56, 64, 96, 128))
        number = 0x2001 << 112 | 0xDB8 << 96 | dice.randrange(6) << 80 | dice.randrange(3) << 64 | dice.randrange(4)
        return f"{to_text(6, number >> 128 - length << 128 - length)}/{length}"
    length = dice.choice((8, 10, 14, 16, 20, 24, 30, 32))
    number = 10 << 24 | dice.randrange(5) << 16 | dice.randrange(3) << 8 | dice.randrange(16)
    return f"{to_text(4, number >> 32 - length << 32 - length)}/{length}"


def route(dice: random.Random, *, six: bool) -> str:
    kind = dice.choice(KINDS)
    table = dice.choice(("", "", "", " table 100", " table 200"))
    metric = f" metric {dice.choice((5, 10, 300))}" if dice.random() < 0.4 else ""
    if kind != "unicast":
        return f"{kind} {prefix(dice, six=six)}{metric}{table}"
    wire = dice.randrange(3)
    via = (
        "" if dice.random() < 0.25 else f" via {f'2001:db8:{wire}::' if six else f'10.{wire}.0.'}{dice.randrange(6, 9)}"
    )
    source = ""
    if dice.random() < 0.2:
        source = " src 2001:db8:1::77" if six else dice.choice((" src 10.1.0.77", " src 172.16.5.5", " src 192.0.2.1"))
    return f"{prefix(dice, six=six)}{via} dev h{wire}{source}{metric}{table}"


def rule(dice: random.Random, *, six: bool) -> str:
    words = [f"priority {dice.randrange(10, 30000)}"]
    if dice.random() < 0.2:
        words.append("not")
    if dice.random() < 0.4:
        words.append(f"from {'2001:db8:1::/48' if six else '10.1.0.0/16'}")
    if dice.random() < 0.5:
        words.append(f"to {prefix(dice, six=six)}".replace("default", "all"))
    if dice.random() < 0.3:
        words.append(f"fwmark {dice.choice(('0x1', '0x2/0x3'))}")
    if dice.random() < 0.2:
        words.append(f"oif h{dice.randrange(3)}")
    if dice.random() < 0.2:
        words.append("iif lo")
    words.append(
        dice.choice(("lookup 100", "lookup 200", "lookup 100 suppress_prefixlength 8", "unreachable", "prohibit"))
    )
    return " ".join(words)


def questions(dice: random.Random, *, six: bool) -> list[dict[str, object]]:
    asked: list[dict[str, object]] = []
    for _ in range(70):
        one: dict[str, object] = {}
        if six:
            number = (
                0x2001 << 112 | 0xDB8 << 96 | dice.randrange(7) << 80 | dice.randrange(3) << 64 | dice.randrange(90)
            )
            one["to"] = to_text(6, number)
        else:
            one["to"] = to_text(4, 10 << 24 | dice.randrange(6) << 16 | dice.randrange(3) << 8 | dice.randrange(256))
        if dice.random() < 0.1:
            # Its own address, also where the interface is down (``h2`` of every third host).
            one["to"] = "2001:db8:2::5" if six else "10.2.0.5"
        if dice.random() < 0.2:
            one["from"] = "2001:db8:1::77" if six else dice.choice(("10.1.0.5", "10.1.0.77", "10.0.0.5"))
        if dice.random() < 0.2 and not (six and "from" in one):
            # With a source, IPv6 takes oif for a mere preference; a bound socket, which is meant here, is strict.
            one["oif"] = f"h{dice.randrange(3)}"
        if dice.random() < 0.2:
            one["mark"] = dice.choice((1, 2, 3))
        asked.append(one)
    return asked


def asked_of_the_kernel(lab: Lab, one: dict[str, object]) -> dict[str, object]:
    words = ["ip", "-n", f"{lab.prefix}H", "-j", f"-{lab.family}", "route", "get", str(one["to"])]
    for key in ("from", "oif", "mark"):
        if key in one:
            words += [key, str(one[key])]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    for text, kind in ERRORS.items():
        if text in done.stderr:
            return {"kind": kind}
    answer = json.loads(done.stdout)[0]
    kind = str(answer.get("type", "unicast"))
    if kind in {"unreachable", "blackhole", "prohibit"}:
        return {"kind": {"unreachable": "unreachable"}.get(kind, kind)}
    told = {"kind": kind, "dev": answer.get("dev"), "via": answer.get("gateway"), "src": answer.get("prefsrc")}
    return told if kind == "unicast" else {"kind": kind}


def recomputed(state: HostState, one: dict[str, object]) -> dict[str, object]:
    packet = Packet(
        str(one["to"]),
        "icmp" if "." in str(one["to"]) else "icmpv6",
        bound_source=one.get("from"),  # type: ignore[arg-type]  # text
        bound_interface=one.get("oif"),  # type: ignore[arg-type]  # text
        mark=int(str(one.get("mark", 0))),
    )
    found = send(state, packet)
    if found.problem:
        return {"kind": {"interface-down": "no-route"}.get(found.problem, found.problem)}
    kind = "unicast" if found.is_assumed_on_link else found.found.kind
    if kind != "unicast":
        return {"kind": kind}
    via = found.next_hop if found.next_hop != one["to"] else None
    return {"kind": kind, "dev": found.device, "via": via, "src": found.source}


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("number", range(8))
def test_the_look_up_is_equal_to_ip_route_get(number: int, family: int) -> None:
    with Lab(7000 + number * 2 + (family == 6), family) as lab:
        host(lab, number)
        state = host_state(lab.state("H"), "H")
        for one in questions(lab.random, six=family == 6):
            kernel, ours = asked_of_the_kernel(lab, one), recomputed(state, one)
            if "from" in one:
                # The source is the question's own then; what is printed as prefsrc is not what would be used.
                kernel["src"] = ours["src"] = None
            told = lab.sh("H", f"ip -{family} rule; ip -{family} route show table all") if kernel != ours else ""
            assert ours == kernel, (one, told)
