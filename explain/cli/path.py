"""``explain path``: each host's decision for a packet and its reply, from states."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from explain.cli.options import HELP, json_option, language_option
from explain.cli.output import keep_inputs, put
from explain.cli.states import read_states
from explain.cli.talk import complained
from explain.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.errors import InputError
    from explain.state.packet import Packet
    from explain.state.records import HostState
    from explain.state.way.path import Path as Way


@click.command("path", context_settings=HELP)
@click.argument("start", metavar="FROM")
@click.argument("to", metavar="TO")
@click.option("--state", "states", multiple=True, required=True, metavar="[NAME=]FILE")  # fmt: skip
@click.option("--link", "links", multiple=True, metavar="A:IF=B:IF")
@click.option("--tcp", type=click.IntRange(1, 65535))
@click.option("--udp", type=click.IntRange(1, 65535))
@click.option("-I", "bound", metavar="IFACE|ADDRESS")
@click.option("-s", "--size", type=click.IntRange(0, 65000), default=56, show_default=True)
@click.option("-t", "--ttl", type=click.IntRange(1, 255))
@click.option("-M", "--dont-fragment", is_flag=True)
@click.option("-b", "--broadcast", is_flag=True)
@click.option("-4", "family", flag_value=4, type=int)
@click.option("-6", "family", flag_value=6, type=int)
@json_option()
@click.option("-v", "--verbose", is_flag=True)
@click.option("-q", "--quiet", is_flag=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
@language_option()
def path(  # one option, one argument
    *,
    start: str,
    to: str,
    states: tuple[str, ...],
    links: tuple[str, ...],
    tcp: int | None,
    udp: int | None,
    bound: str | None,
    size: int,
    ttl: int | None,
    dont_fragment: bool,
    broadcast: bool,
    family: int | None,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    output: Path | None,
    lang: str,
) -> int:
    """Follow a packet from FROM to TO and its reply back, through the states of hosts."""
    from explain.state.walk import walk

    if output is not None:
        keep_inputs(str(output), states)
    known = _read(states)
    sender = _host(known, start)
    destination = _address(known, sender, to, family)
    if tcp and udp:
        raise UsageError("usage.tcp_and_udp")
    packet = _packet(destination, tcp=tcp, udp=udp, size=size)
    packet = replace(packet, ttl=ttl, may_split=not dont_fragment)
    packet = _bind(replace(packet, is_broadcast_allowed=broadcast), bound)
    cables = [_link(text, known) for text in links] or None
    found = walk(known, packet, sender.name, links=cables, target=to if to in {s.name for s in known} else None)
    text = _json(found) if as_json else _text(found, lang, depth=0 if quiet else 2 if verbose else 1)
    put(f"{text}\n", output)
    return 0


def _read(files: Sequence[str]) -> list[HostState]:
    """The states that can be read; the others are named on standard error, and it is an error if none can."""
    failures: list[InputError] = []
    known = read_states(files, failures)
    if not known:
        raise failures[0] if failures else UsageError("usage.nothing_usable")
    for failure in failures:
        complained(failure)
    return known


def _host(known: list[HostState], text: str) -> HostState:
    from explain.state.addresses import parse

    for each in known:
        if each.name == text or (parse(text) and each.owner_of(text)):
            return each
    names = [each.name for each in known]
    raise UnknownNameError("state", text, tuple(get_close_matches(text, names)))


def _address(known: list[HostState], sender: HostState, text: str, family: int | None) -> str:
    """The destination as an address; a host's name stands for its first address of a family that both speak."""
    from explain.state.addresses import is_link_local, parse, to_text

    parsed = parse(text.partition("%")[0])
    if parsed is not None:
        if family not in {None, parsed[0]}:
            raise UsageError("usage.not_of_family", text=text, family=family)
        return to_text(*parsed)
    host = _host(known, text)
    for wanted in (family,) if family else (4, 6):
        spoken = [a for i, a in sender.addresses(wanted) if not i.is_loopback and not is_link_local(a.local)]
        own = [a for i, a in host.addresses(wanted) if not i.is_loopback and not is_link_local(a.local)]
        if own and (spoken or family):
            return own[0].local
    raise UsageError("usage.no_address", text=text, sender=sender.name)


def _packet(destination: str, *, tcp: int | None, udp: int | None, size: int) -> Packet:
    from explain.state.packet import datagram, echo, syn

    if tcp:
        return syn(destination, tcp)
    return datagram(destination, udp, size=size) if udp else echo(destination, size=size)


def _bind(packet: Packet, bound: str | None) -> Packet:
    from explain.state.addresses import parse

    if bound is None:
        return packet
    return replace(packet, bound_source=bound) if parse(bound) else replace(packet, bound_interface=bound)


def _link(text: str, known: list[HostState]) -> tuple[str, str, str, str]:
    one, _, other = text.partition("=")
    (host, _, device), (peer, _, peer_device) = one.partition(":"), other.partition(":")
    if not all((host, device, peer, peer_device)):
        raise UsageError("usage.no_link", text=text)
    for name in (host, peer):
        if name not in {each.name for each in known}:
            raise UnknownNameError("state", name, tuple(get_close_matches(name, [s.name for s in known])))
    return host, device, peer, peer_device


def _json(found: Way) -> str:
    from explain.plain_data import json_text
    from explain.state.report import path_report

    return json_text(path_report(found))


def _text(found: Way, lang: str, *, depth: int) -> str:
    """The lines as sentences; hosts are indented below their leg, and what they decide below them."""
    from explain.cli.page import block
    from explain.render.layout import WIDTH
    from explain.state.tell import tell
    from explain.words import say

    indents = {"verdict": "", "leg": "", "host": "  ", "cause": "", "later": "", "also": "", "because": "  "}
    marks = {"path.verdict.answered": "✓ ", "path.verdict.unknown": "? "}
    shown = []
    for line in tell(found):
        if line.depth > depth:
            continue
        kind = line.message.split(".")[1]
        mark = marks.get(line.message, "✗ ") if kind == "verdict" else ""
        indent = indents.get(kind, "     ")
        sentence = say(line.message, line.values, lang)
        if kind in {"leg", "cause", "later", "also"}:
            shown.append("")
        shown += [indent + sentence] if kind == "bits" else block(mark + sentence, indent, f"{indent}  ", WIDTH)
    return "\n".join(shown)
