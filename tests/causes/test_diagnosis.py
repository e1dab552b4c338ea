"""The diagnosis by hand: what a text alone may mean, what it cannot mean, and where the fault would lie."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from packets import A, B, R, is_at, pcap, ping, pong, segment, who_has

from explain.causes.context import context_of
from explain.causes.diagnose import diagnose
from explain.causes.diagnosis import Diagnosis, Witnesses
from explain.causes.ids import IDS, QUALIFIERS
from explain.causes.predictions import all_strikes
from explain.causes.wires.sightings import look
from explain.cli.ping.witnesses import Given, gather
from explain.symptoms.commands.command import parse_command
from explain.symptoms.text import read_text
from explain.table import ACK, SYN

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
SILENT = """PING 198.51.100.1 (198.51.100.1) 56(84) bytes of data.

--- 198.51.100.1 ping statistics ---
3 packets transmitted, 0 received, 100% packet loss, time 2044ms
"""
FROM_ROUTER = """PING 198.51.100.1 (198.51.100.1) 56(84) bytes of data.
From 192.0.2.254 icmp_seq=1 Destination {} Unreachable

--- 198.51.100.1 ping statistics ---
1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms
"""
REPLY = """PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.
64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=0.1 ms

--- 192.0.2.2 ping statistics ---
{} packets transmitted, 1 received, {}% packet loss, time 0ms
rtt min/avg/max/mdev = 0.1/0.1/0.1/0.000 ms
"""


def explained(text: str, command: str = "ping -c 3 -W 4 198.51.100.1", status: int | None = None) -> Diagnosis:
    return diagnose(Witnesses(text=read_text(text, command, status), command=parse_command(command)))


def causes(text: str, command: str = "ping -c 3 -W 4 198.51.100.1", status: int | None = None) -> list[str]:
    return [each.cause for each in explained(text, command, status).causes]


def test_every_cause_but_a_qualifier_predicts_something() -> None:
    assert {cause for cause, strikes in all_strikes().items() if not strikes} == set(QUALIFIERS)


def test_every_cause_is_either_left_or_ruled_out() -> None:
    found = explained(SILENT)
    both = {each.cause for each in found.causes} | {each.cause for each in found.ruled_out}
    assert both == set(IDS) - QUALIFIERS
    assert not {each.cause for each in found.causes} & {each.cause for each in found.ruled_out}


def test_connect_network_unreachable_is_said_by_the_sender_and_never_blames_a_router() -> None:
    left = causes("ping: connect: Network is unreachable\n")
    assert left[0] == "no-route-on-sender"
    assert "forwarding-disabled" not in left
    assert "no-route-on-router" not in left


@pytest.mark.parametrize("target", ["198.51.100.1", "2001:db8:2::1"])
def test_a_route_that_rejects_says_something_else_than_that_there_is_none(target) -> None:
    command = f"ping -c 3 {target}"
    assert "reject-route-on-sender" not in causes("ping: connect: Network is unreachable\n", command)
    assert "reject-route-on-sender" in causes("ping: connect: No route to host\n", command)


def test_silence_does_not_mean_that_the_router_has_no_route() -> None:
    left = causes(SILENT)
    assert "forwarding-disabled" in left
    assert "no-return-route-on-target" in left
    assert "no-route-on-sender" not in left


def test_net_unreachable_from_a_router_is_not_a_router_that_does_not_forward() -> None:
    left = causes(FROM_ROUTER.format("Net"))
    assert left[0] == "no-route-on-router"
    assert "forwarding-disabled" not in left
    assert {"router-interface-down", "filter-on-router-forward", "reject-route-on-router"} <= set(left)  # by a rule


def test_an_error_whose_speaker_is_left_out_may_be_a_routers_or_the_senders_own() -> None:
    left = causes("Destination unreachable: No route\n" * 3, "ping -j -c 3 2001:db8::9", 1)
    assert {"no-route-on-router", "filter-on-sender-output"} <= set(left)
    left = causes("Destination Host Unreachable\n" * 3, "ping -j -c 3 198.51.100.1", 1)
    assert {"destination-host-absent-behind-router", "destination-host-absent-on-link"} <= set(left)


def test_an_old_ping_with_a_source_says_per_packet_what_a_new_one_keeps_to_itself() -> None:
    said = SILENT.replace("bytes of data.\n", "bytes of data.\nping: sendmsg: Network is unreachable\n", 1)
    command = "ping -I 192.0.2.1 -c 3 -W 4 198.51.100.1"
    assert "no-route-on-sender" in causes(said.replace(") 56", ") from 192.0.2.1 : 56"), command)
    assert "no-route-on-sender" in causes(SILENT.replace(") 56", ") from 192.0.2.1 : 56"), command)


def test_bound_to_an_interface_a_missing_neighbour_shows_as_pipe_only() -> None:
    text = SILENT.replace(") 56", ") from 192.0.2.1 eth0: 56") + "pipe 3\n"
    left = causes(text, "ping -I eth0 -c 3 -W 4 198.51.100.1")
    assert {"wrong-interface-selected", "no-route-on-sender", "gateway-interface-down"} <= set(left)
    assert "filter-on-target-input" not in left


def test_a_ping_that_gave_up_too_early_may_have_missed_the_error() -> None:
    assert "wrong-gateway-address" in causes(SILENT, "ping -c 3 -i 0.2 -W 1 198.51.100.1")
    assert "destination-host-absent-behind-router" in causes(SILENT, "ping -c 3 -i 0.2 -W 1 198.51.100.1")


def test_a_program_that_gives_up_at_once_does_not_learn_that_nobody_answers_for_the_address() -> None:
    text = "nc: connect to 192.0.2.9 port 80 (tcp) timed out: Operation now in progress\n"
    for cause in ("destination-host-absent-on-link", "destination-host-absent-behind-router", "bridge-down"):
        assert cause in causes(text, "nc -v -w 2 192.0.2.9 80")
    assert "destination-host-absent-on-link" not in causes(text, "nc -v -w 9 192.0.2.9 80")


def test_rules_of_ipv4_do_not_strike_ipv6() -> None:
    text = SILENT.replace("198.51.100.1 (198.51.100.1) 56(84) bytes of data.", "2001:db8::1(2001:db8::1) 56 data bytes")
    left = causes(text, "ping -c 3 -W 4 2001:db8::1")
    assert "rp-filter-strict" not in left
    assert "arp-ignored-by-target" not in left


@pytest.mark.parametrize(
    ("sent", "loss", "first"), [(1, 0, "healthy"), (3, 66.6667, "partial-loss")], ids=["all", "some"]
)
def test_what_was_answered_comes_first(sent: int, loss: float, first: str) -> None:
    found = explained(REPLY.format(sent, loss), "ping -c 3 192.0.2.2", 0)
    assert found.causes[0].cause == first


def test_the_locus_names_the_speaker_of_an_error() -> None:
    (locus,) = explained(FROM_ROUTER.format("Net")).causes[0].locus
    assert locus.role.startswith("router")
    assert locus.address == "192.0.2.254"


def test_small_packets_never_meet_a_small_mtu() -> None:
    assert "pmtu-blackhole" not in causes(SILENT)
    assert "pmtu-blackhole" in causes(
        SILENT.replace("56(84)", "1450(1478)"), "ping -s 1450 -M do -c 3 -W 4 198.51.100.1"
    )


def test_a_name_that_is_not_known_is_not_the_servers_silence() -> None:
    for said in (
        "Name or service not known",
        "No address associated with hostname",
    ):  # no such name; no A or AAAA of it
        assert causes(f"ping: files.example.test: {said}\n", "ping files.example.test") == ["name-does-not-exist"]
    left = causes("ping: files.example.test: Temporary failure in name resolution\n", "ping files.example.test")
    assert {"dns-server-unreachable", "dns-server-not-configured", "no-route-on-sender"} <= set(left)
    assert "name-does-not-exist" not in left


@pytest.mark.parametrize(
    "said", ["ping: bad address 'files.example.test'", "curl: (6) Could not resolve host: files.example.test"]
)
def test_a_program_that_says_no_reason_leaves_open_whether_the_name_or_the_server_is_missing(said: str) -> None:
    left = causes(f"{said}\n", "ping files.example.test")
    assert left[0] == "name-does-not-exist"
    assert {"dns-server-unreachable", "dns-server-not-configured"} < set(left)


def test_a_host_that_says_the_packet_was_too_large_is_believed_whatever_size_the_first_line_names() -> None:
    assert causes(
        FROM_ROUTER.format("x").replace("Destination x Unreachable", "Frag needed and DF set (mtu = 1280)")
    ) == ["path-mtu-exceeded"]


def test_a_ping_on_the_wire_without_an_answer_excludes_what_never_leaves_the_sender() -> None:
    from pathlib import Path

    from explain.intake import read

    folder = Path(__file__).resolve().parents[2] / "pcaps" / "forwarding-disabled"
    table, captures = read([f"wire:h1.eth0={folder / 'capture.pcapng'}"])
    text = read_text((folder / "ping.txt").read_text(), (folder / "command.txt").read_text())
    alone = {each.cause for each in diagnose(Witnesses(text=text)).causes}
    left = {each.cause for each in diagnose(Witnesses(text=text, table=table, captures=captures)).causes}
    assert left < alone
    assert "forwarding-disabled" in left
    assert not left & {"filter-on-sender-output", "link-no-carrier", "loopback-down"}


def test_a_hop_that_answered_excludes_what_would_have_kept_the_trace_from_it() -> None:
    command = "traceroute -n -q 1 -m 4 198.51.100.1"
    title = "traceroute to 198.51.100.1 (198.51.100.1), 4 hops max, 60 byte packets\n"
    before = {"link-no-carrier", "gateway-interface-down", "filter-on-sender-output", "wrong-gateway-address"}
    silent = set(causes(title + " 1  *\n 2  *\n 3  *\n 4  *\n", command))
    left = set(causes(title + " 1  192.0.2.254  0.1 ms\n 2  *\n 3  *\n 4  *\n", command))
    assert before <= silent
    assert not before & left
    assert {"forwarding-disabled", "filter-on-sender-input"} <= left


def test_an_address_that_cannot_be_assigned_in_ipv6_is_a_matter_of_the_senders_own_addresses() -> None:
    left = causes("ping: connect: Cannot assign requested address\n", "ping -c 3 2001:db8::1")
    assert {"ipv6-disabled", "address-tentative", "sender-no-address"} <= set(left)
    assert "filter-on-target-input" not in left


def test_a_table_that_is_full_but_for_a_few_entries_is_suspected_first_of_a_silent_network(tmp_path: Path) -> None:
    def first(count: str) -> str:
        folder = shutil.copytree(PCAPS / "conntrack-table-full", tmp_path / count)
        path = folder / "state" / "r1.json"
        state = json.loads(path.read_text())
        most = int(state["sysctl"]["net.netfilter.nf_conntrack_max"])
        state["sysctl"]["net.netfilter.nf_conntrack_count"] = str(most - int(count))
        path.write_text(json.dumps(state))
        return diagnose(gather(Given(case=folder))).causes[0].cause

    assert first("1") == "conntrack-table-full"
    assert first("100000") != "conntrack-table-full"


def test_a_dhcp_client_that_was_heard_is_not_said_to_have_sent_nothing() -> None:
    def told(name: str) -> list[str]:
        because = diagnose(gather(Given(case=PCAPS / name))).causes[0].because
        return [each.message for each in because if each.witness == "capture"]

    assert told("dhcp-no-server") == ["diagnosis.wire.unleased"]
    assert told("dhcp-request-wrong-subnet") == ["diagnosis.wire.leased"]


def test_a_loopback_address_is_reached_without_a_wire_and_a_link_local_one_without_a_router() -> None:
    own = causes(SILENT.replace("198.51.100.1", "127.0.0.1"), "ping -c 3 -W 4 127.0.0.1")
    assert {"loopback-down", "filter-on-sender-output", "filter-on-target-input"} <= set(own)
    assert not {"forwarding-disabled", "arp-spoofed", "filter-on-switch", "masquerade-missing"} & set(own)
    near = causes(SILENT.replace("198.51.100.1", "fe80::2"), "ping -c 3 -W 4 fe80::2%eth0")
    assert {"filter-on-switch", "filter-on-target-input"} <= set(near)
    assert not {"forwarding-disabled", "no-return-route-on-router", "masquerade-missing"} & set(near)


@pytest.mark.parametrize("own", ["127.0.0.2", "::1"])
def test_a_loopback_address_that_answers_met_no_other_host_and_no_wire(own: str) -> None:
    others = {"suboptimal-gateway", "icmp-redirect", "proxy-arp-in-play", "duplicate-address", "corrupted-packets"}
    assert not others & set(causes(REPLY.replace("192.0.2.2", own).format(1, 0), f"ping -c 1 {own}", 0))


def test_a_host_that_reaches_itself_needs_no_cable_to_be_known(tmp_path: Path) -> None:
    folder = PCAPS / "conntrack-table-full"

    def left(target: str) -> list[str]:
        (tmp_path / "ping.txt").write_text(REPLY.replace("192.0.2.2", target).format(1, 0))
        states = (f"h1={folder / 'state' / 'h1.json'}",)
        given = Given(text=str(tmp_path / "ping.txt"), states=states, sender="h1", command=f"ping -c 1 {target}")
        return [each.cause for each in diagnose(gather(given)).causes]

    assert left("192.0.2.1") == ["healthy"]
    assert len(left("192.0.2.254")) > 1


def test_errors_that_a_quiet_ping_only_counts_are_no_silence() -> None:
    quiet = SILENT.replace("0 received,", "0 received, +2 errors,")
    left = causes(quiet, "ping -q -c 3 198.51.100.1")
    assert {"reject-route-on-router", "no-route-on-router", "destination-host-absent-on-link"} <= set(left)
    assert not {"echo-ignored-by-target", "forwarding-disabled", "no-return-route-on-target"} & set(left)


def test_a_client_that_could_not_connect_at_once_was_told_by_somebody() -> None:
    failed = "curl: (7) Failed to connect to 192.0.2.2 port 80 after {} ms: Couldn't connect to server\n"
    at_once = causes(failed.format(6), "curl http://192.0.2.2/")
    assert at_once[0] == "tcp-no-listener"
    assert not {"healthy", "forwarding-disabled"} & set(at_once)
    assert "forwarding-disabled" in causes(failed.format(130_000), "curl http://192.0.2.2/")


@pytest.mark.parametrize(
    ("command", "is_echo"),
    [("mtr -n -r 192.0.2.2", True), ("traceroute -I 192.0.2.2", True), ("mtr -u 192.0.2.2", False),
     ("traceroute -T 192.0.2.2", False), ("traceroute 192.0.2.2", False)],
)  # fmt: skip
def test_only_a_trace_of_echoes_can_meet_a_target_that_ignores_echoes(command: str, *, is_echo: bool) -> None:
    trace = "traceroute to 192.0.2.2 (192.0.2.2), 30 hops max\n 1  198.51.100.1  0.3 ms\n 2  *\n 3  *\n"
    assert ("echo-ignored-by-target" in causes(trace, command)) is is_echo


def test_the_silence_of_an_interface_that_the_command_does_not_use_excludes_nothing(tmp_path: Path) -> None:
    text = tmp_path / "ping.txt"
    text.write_text(SILENT)
    seen = str(PCAPS / "no-route-on-sender" / "capture.pcapng")

    def left(bound: str) -> list[str]:
        command = f"ping -I {bound} -c 3 198.51.100.1"
        given = Given(text=str(text), captures=(seen,), sender="h1", command=command)
        return [each.cause for each in diagnose(gather(given)).causes]

    assert "wrong-interface-selected" in left("eth9")
    assert "wrong-interface-selected" not in left("eth0")


def test_an_answer_may_come_in_by_an_interface_of_the_sender_that_nobody_recorded() -> None:
    folder = PCAPS / "forwarding-disabled"
    wire = f"only:h1.eth0={folder / 'capture.pcapng'}"

    def left(*states: str) -> set[str]:
        given = Given(text=str(folder / "ping.txt"), captures=(wire,), sender="h1", states=states)
        return {each.cause for each in diagnose(gather(given)).causes}

    assert "filter-on-sender-input" in left()
    assert "filter-on-sender-input" not in left(f"h1={folder / 'state' / 'h1.json'}")  # it has this one alone


def test_a_drop_at_the_device_is_told_as_a_full_buffer() -> None:
    text = SILENT.replace("data.\n", "data.\nping: sendmsg: No buffer space available\n", 1)
    left = causes(text)
    assert left[0] == "filter-on-sender-output"
    assert "forwarding-disabled" not in left


def test_time_exceeded_without_an_option_may_be_the_hosts_own_default() -> None:
    text = FROM_ROUTER.replace("Destination {} Unreachable", "Time to live exceeded")
    assert causes(text, "ping 198.51.100.1") == ["routing-loop", "ttl-too-low"]
    assert causes(text, "ping -t 2 198.51.100.1") == ["ttl-too-low", "routing-loop"]
    assert "ttl-too-low" not in causes(SILENT, "ping 198.51.100.1")


def test_silence_of_everybody_is_the_habit_of_hosts_before_it_is_a_filter():
    lost = "\n--- 192.0.2.255 ping statistics ---\n3 packets transmitted, 0 received, 100% packet loss, time 2031ms\n"
    told = "WARNING: pinging broadcast address\nPING 192.0.2.255 (192.0.2.255) 56(84) bytes of data.\n" + lost
    assert causes(told, "ping -b -c 3 192.0.2.255")[0] == "broadcast-echo-ignored"


def test_the_interfaces_of_a_file_that_nobody_selected_are_no_places_of_the_host_that_one_was_selected_for() -> None:
    wire = f"h1:h1.eth0={PCAPS / 'forwarding-disabled' / 'capture.pcapng'}"
    witnesses = gather(Given(captures=(wire,), sender="h1", command="ping 198.51.100.1"))
    assert [(spot.node, spot.interface) for spot in look(witnesses, context_of(witnesses))] == [("h1", "eth0")]


@pytest.mark.parametrize(
    ("answer", "wrong", "left"),
    [
        (None, {"tcp-application-hangs", "server-slow"}, {"filter-on-router-forward", "filter-on-target-input"}),
        (ACK, {"filter-on-target-input"}, {"tcp-application-hangs", "filter-on-router-forward"}),
    ],
    ids=["not acknowledged", "acknowledged"],
)  # fmt: skip
def test_what_a_program_does_not_read_is_acknowledged_and_what_a_filter_drops_is_not(
    tmp_path: Path, answer: int | None, wrong: set[str], left: set[str]
) -> None:
    client, server = ("192.0.2.1", 40000), ("198.51.100.1", 80)
    frames = [
        segment(client, server, SYN, seq=9),
        segment(server, client, SYN | ACK, (B, A), seq=99, ack=10),
        segment(client, server, ACK, seq=10, ack=100),
        *[segment(client, server, ACK, seq=10, ack=100, data=b"GET / HTTP/1.0\r\n\r\n")] * 2,
        *([segment(server, client, answer, (B, A), seq=100, ack=28)] if answer else []),
    ]
    (tmp_path / "wire.pcap").write_bytes(pcap(*frames).getvalue())
    (tmp_path / "text").write_text("curl: (28) Operation timed out after 3000 milliseconds with 0 bytes received\n")
    given = Given(text=str(tmp_path / "text"), captures=(f"h1:e0={tmp_path / 'wire.pcap'}",), sender="h1",
                  command="curl http://198.51.100.1/")  # fmt: skip
    found = {each.cause for each in diagnose(gather(given)).causes}
    assert found >= left
    assert not found & wrong


@pytest.mark.parametrize(
    ("cause", "role"),
    [
        ("destination-host-absent-on-link", "target"),
        ("bridge-down", "switch"),
        ("gateway-interface-down", "router:1"),
        ("filter-on-switch", "switch"),
        ("wrong-gateway-address", "sender"),
    ],
)
def test_who_waits_in_vain_for_a_neighbour_is_not_who_is_at_fault(cause: str, role: str) -> None:
    text = FROM_ROUTER.replace("From 192.0.2.254", "From 192.0.2.1").format("Host")
    text = (
        text.replace("1 packets", "3 packets").replace("time 0ms", "time 2044ms").replace("198.51.100.1", "192.0.2.9")
    )
    found = next(each for each in explained(text, "ping -c 3 -W 4 192.0.2.9").causes if each.cause == cause)
    assert found.locus[0].role == role


def test_a_private_address_that_a_router_let_out_speaks_for_a_translation_that_is_missing() -> None:
    wire = str(PCAPS / "masquerade-missing" / "capture.pcapng")
    silent = diagnose(gather(Given(captures=(wire,), command="ping -c 3 -W 2 203.0.113.2")))
    assert silent.causes[0].cause == "masquerade-missing"


CEASED = """PING 198.51.100.1 (198.51.100.1) 56(84) bytes of data.
64 bytes from 198.51.100.1: icmp_seq=1 ttl=63 time=0.1 ms
64 bytes from 198.51.100.1: icmp_seq={} ttl=63 time=0.1 ms
{}
--- 198.51.100.1 ping statistics ---
5 packets transmitted, 2 received, 60% packet loss, time 4087ms
"""


def test_what_ends_all_answers_at_once_need_not_be_chance() -> None:
    """A new ping does not say that its kernel refuses the rest, as it does when a route is deleted meanwhile."""
    ceased = causes(CEASED.format(2, ""), "ping -c 5 198.51.100.1")
    assert {"no-route-on-sender", "partial-loss", "filter-on-target-input"} <= set(ceased)
    assert explained(CEASED.format(2, ""), "ping -c 5 198.51.100.1").causes[0].certainty == "possible"
    assert "no-route-on-sender" not in causes(CEASED.format(4, ""), "ping -c 5 198.51.100.1")


@pytest.mark.parametrize("said", ["", "ping: sendmsg: Network is unreachable\n"])
def test_what_ping_counts_and_its_wire_never_saw_was_refused_by_its_own_kernel(tmp_path, said: str) -> None:
    own, to = "192.0.2.1", "198.51.100.1"
    frames = [each for seq in (1, 2) for each in (ping(own, to, seq, macs=(A, R)), pong(to, own, seq, macs=(R, A)))]
    (tmp_path / "pc.pcap").write_bytes(pcap(*frames).getvalue())
    (tmp_path / "ping.txt").write_text(CEASED.format(2, said))
    given = Given(
        text=str(tmp_path / "ping.txt"), captures=(f"pc={tmp_path}/pc.pcap",), sender="pc", command="ping 198.51.100.1"
    )
    assert diagnose(gather(given)).causes[0].cause == "no-route-on-sender"


def test_busybox_ends_without_its_totals_where_its_kernel_refuses() -> None:
    text = """PING 198.51.100.1 (198.51.100.1): 56 data bytes
64 bytes from 198.51.100.1: seq=0 ttl=63 time=0.160 ms
ping: sendto: Network unreachable
"""
    assert causes(text, "ping 198.51.100.1")[0] == "no-route-on-sender"


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("Test-Connection : Testing connection to computer 'srv' failed: Error due to lack of resources", None),
        ("   1 PC01   *          *       32 TimedOut", None),
        ("   1 PC01   *          *       32 DestinationNetworkUnreachable", "no-route-on-router"),
        ("WARNING: Ping to 198.51.100.1 failed with status: TimedOut", None),
        ("WARNING: Ping to 198.51.100.1 failed -- Status: TtlExpired", "routing-loop"),
    ],
)  # fmt: skip
def test_powershell_says_how_a_ping_ended(said: str, first: str | None) -> None:
    left = explained(f"PS C:\\> Test-Connection 198.51.100.1\n{said}\n", "Test-Connection 198.51.100.1").causes
    assert said.rsplit(maxsplit=1)[-1] in str(left[0].because)
    assert (first or "filter-on-target-input") in {each.cause for each in left}
    assert ("forwarding-disabled" in {each.cause for each in left}) is (first is None)


def test_the_broadcast_of_a_far_subnet_may_be_ignored_there_and_no_other_far_address() -> None:
    silent = [SILENT.replace("198.51.100.1", f"198.51.100.{last}") for last in (255, 1)]
    named = [causes(text, f"ping -c 3 198.51.100.{last}") for text, last in zip(silent, (255, 1), strict=True)]
    assert ["broadcast-echo-ignored" in each for each in named] == [True, False]


def test_arping_asks_its_link_whatever_the_routes_say() -> None:
    text = "ARPING 10.3.3.30 from 10.3.3.1 eth0\nSent 3 probes (3 broadcast(s))\nReceived 0 response(s)\n"
    found = causes(text, "arping -I eth0 -c 3 10.3.3.30")
    assert found[0] == "destination-host-absent-on-link"
    routes = {"no-route-on-sender", "default-route-without-gateway", "wrong-gateway-address", "wrong-netmask-on-sender"}
    assert not {*routes, "reject-route-on-sender", "policy-rule-on-sender"} & set(found)


def test_what_strikes_large_packets_alone_comes_first_where_a_small_ping_passes_beside_it() -> None:
    small = REPLY.format(1, 0).replace("192.0.2.2", "198.51.100.1")
    large = SILENT.replace("56(84)", "2000(2028)")
    text = f"$ ping -c 1 198.51.100.1\n{small}$ ping -c 3 -s 2000 198.51.100.1\n{large}"
    found = diagnose(Witnesses(text=read_text(text)))
    assert [each.cause for each in found.causes[:3]] == ["fragments-filtered", "pmtu-blackhole", "mtu-mismatch-on-link"]
    assert "diagnosis.text.smaller" in {each.message for each in found.causes[0].because}


def test_a_host_that_answers_for_an_address_on_another_interface_may_have_that_one_down(tmp_path: Path) -> None:
    asked = [who_has((A, "192.0.2.1"), "192.0.2.2"), is_at((B, "192.0.2.2"), (A, "192.0.2.1"))]
    frames = [*asked, *(ping("192.0.2.1", "192.0.2.2", seq) for seq in (1, 2, 3))]
    (tmp_path / "a.pcap").write_bytes(pcap(*frames).read())
    (tmp_path / "a.txt").write_text(SILENT.replace("198.51.100.1", "192.0.2.2"))
    found = diagnose(gather(Given(text=str(tmp_path / "a.txt"), captures=(f"h1={tmp_path / 'a.pcap'}",), sender="h1")))
    assert {"target-interface-down", "bridge-port-not-member"} <= {each.cause for each in found.causes}


SHOWN_HERE = "bob@pc:~$ ip -br addr\nlo UNKNOWN 127.0.0.1/8\neth0 UP 192.0.2.1/24\nbob@pc:~$ ping -c 1 198.51.100.1\n"


@pytest.mark.parametrize(("speaker", "is_own"), [("192.0.2.1", True), ("192.0.2.254", False), ("203.0.113.1", None)])
def test_the_sender_s_addresses_tell_whether_an_error_is_its_own(
    tmp_path: Path, speaker: str, is_own: bool | None
) -> None:
    said = (
        "PING 198.51.100.1 (198.51.100.1) 56(84) bytes of data.\n"
        f"From {speaker} icmp_seq=1 Destination Host Unreachable\n\n--- 198.51.100.1 ping statistics ---\n"
        "1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n"
    )
    (tmp_path / "text").write_text(SHOWN_HERE + said)
    named = {each.cause for each in diagnose(gather(Given(text=str(tmp_path / "text")))).causes}
    assert ("default-route-without-gateway" in named) is (is_own is not False)
    assert ("destination-host-absent-behind-router" in named) is (is_own is not True)
