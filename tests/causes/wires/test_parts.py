"""Who is who where nobody told: by the addresses of the states, and by what the frames of each place show."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from packets import A, B, R, datagram, error, is_at, pcap, ping, pong, who_has
from surroundings import TOP

from explain.causes.diagnose import diagnose
from explain.causes.wires.how_far import asked_in_vain
from explain.causes.wires.spots import Spot
from explain.cli.ping.witnesses import Given, gather

LARGE = TOP / "pcaps" / "pmtu-blackhole.large"
FIRST = TOP / "pcaps" / "path-mtu-exceeded.first"


def found(*, text=True, captures=(), states=(), folder=LARGE, sender=None) -> list[str]:
    given = Given(
        text=str(folder / "ping.txt") if text else None,
        captures=captures,
        states=tuple(f"{name}={folder / 'state' / name}.json" for name in states),
        sender=sender,
    )
    return [each.cause for each in diagnose(gather(given)).causes]


def test_the_host_whose_address_the_requests_bear_ran_the_command(capsys) -> None:
    states = ("h2", "r1", "h1", "r2")
    assert found(captures=(str(LARGE / "capture.pcapng"),), states=states) == ["pmtu-blackhole"]
    assert "--sender" not in capsys.readouterr().err
    found(states=states)
    assert "--sender" in capsys.readouterr().err


def test_the_host_that_asked_in_vain_for_the_neighbour_its_routes_name_ran_the_command(capsys) -> None:
    folder = TOP / "pcaps" / "bridge-down.tcp"
    left = found(captures=(str(folder / "capture.pcapng"),), states=("h2", "sw", "h3", "h1"), folder=folder)
    assert left == ["bridge-down"]
    assert "--sender" not in capsys.readouterr().err


def test_of_two_hosts_with_the_senders_address_the_one_that_forwards_did_not_run_the_command(tmp_path, capsys) -> None:
    folder = shutil.copytree(FIRST, tmp_path / "case")
    path = folder / "state" / "r2.json"
    (own,) = json.loads((folder / "state" / "h1.json").read_text("utf-8"))["addr"][1]["addr_info"][:1]
    state = json.loads(path.read_text("utf-8"))
    state["addr"][0]["addr_info"].append({**own, "prefixlen": 32})
    path.write_text(json.dumps(state), "utf-8")
    captures = (str(folder / "capture.pcapng"),)
    assert found(captures=captures, states=("h1", "r1", "r2", "h2"), folder=folder)[0] == "path-mtu-exceeded"
    assert "--sender" not in capsys.readouterr().err


def test_what_never_came_to_the_link_of_the_target_was_not_dropped_by_the_target() -> None:
    everywhere = found(captures=(str(LARGE / "capture.pcapng"),))
    assert "pmtu-blackhole" in everywhere
    assert not {"echo-ignored-by-target", "filter-on-target-output", "no-return-route-on-target"} & set(everywhere)


def test_a_ping_without_options_finds_the_path_mtu_as_linux_does() -> None:
    states = ("h1", "r1", "r2", "h2")
    assert found(captures=(f"{LARGE / 'capture.pcapng'}",), states=states) == ["pmtu-blackhole"]
    assert found(captures=(f"{FIRST / 'capture.pcapng'}",), states=states, folder=FIRST) == ["path-mtu-exceeded"]


def test_a_first_ping_that_was_too_large_is_no_chance_loss() -> None:
    assert found(folder=FIRST) == ["path-mtu-exceeded"]


def test_the_size_of_the_requests_is_read_off_their_frames() -> None:
    states = ("h1", "r1", "r2", "h2")
    left = found(text=False, captures=(str(FIRST / "capture.pcapng"),), states=states, folder=FIRST)
    assert left[0] == "path-mtu-exceeded"


def test_where_small_pings_are_answered_the_size_is_suspected_first() -> None:
    assert found(captures=(str(LARGE / "capture.pcapng"),))[0] == "pmtu-blackhole"


def test_the_port_that_was_asked_is_read_off_the_frames() -> None:
    folder = TOP / "pcaps" / "dnat-to-wrong-port"
    states = tuple(path.stem for path in (folder / "state").glob("*.json"))
    left = found(text=False, captures=(str(folder / "capture.pcapng"),), states=states, folder=folder)
    assert left[0] == "dnat-to-wrong-port"


def test_a_neighbour_that_asks_whether_the_sender_is_still_there_makes_it_no_stranger(tmp_path) -> None:
    me, other = (A, "192.0.2.1"), (B, "192.0.2.2")
    frames = [
        who_has(me, "192.0.2.2"), is_at(other, me), *[who_has(me, "192.0.2.9")] * 3,
        who_has(other, "192.0.2.1", A), is_at(me, other),
    ]  # fmt: skip
    path = tmp_path / "wire.pcap"
    path.write_bytes(pcap(*frames).getvalue())
    (tmp_path / "ping.txt").write_text((TOP / "pcaps" / "destination-host-absent-on-link" / "ping.txt").read_text())
    left = found(captures=(f"h1={path}",), folder=tmp_path)
    assert {"destination-host-absent-on-link", "target-interface-down"} <= set(left)
    assert "filter-on-sender-output" not in left


def test_where_nobody_told_the_destination_it_may_be_whoever_is_asked_for_in_vain(tmp_path) -> None:
    path = tmp_path / "wire.pcap"
    path.write_bytes(pcap(*[who_has((A, "192.0.2.1"), "192.0.2.9")] * 3).getvalue())
    given = Given(captures=(f"h1={path}",), command="ping host.example", sender="h1")
    left = {each.cause for each in diagnose(gather(given)).causes}
    assert {"name-resolves-to-wrong-address", "destination-host-absent-on-link", "gateway-interface-down"} <= left


def places_of(tmp_path, silence: str, *places: list[bytes]) -> list[str]:
    """The causes that a silent ping and captures leave of which nobody told whose they are."""
    (tmp_path / "ping.txt").write_text(silence)
    for number, frames in enumerate(places):
        (tmp_path / f"{number}.pcap").write_bytes(pcap(*frames).getvalue())
    return found(captures=tuple(str(tmp_path / f"{number}.pcap") for number in range(len(places))), folder=tmp_path)


SILENCE = (TOP / "pcaps" / "forwarding-disabled" / "ping.txt").read_text().replace("198.51.100.1", "10.9.0.9")
OUT = [ping("10.8.0.1", "10.9.0.9", seq) for seq in (1, 2, 3)]


def test_an_answer_at_a_place_that_may_be_the_senders_other_interface_may_have_been_dropped_by_it(tmp_path) -> None:
    back = [pong("10.9.0.9", "10.8.0.1", seq, ttl=63) for seq in (1, 2, 3)]
    assert "filter-on-sender-input" in places_of(tmp_path, SILENCE, OUT, back)
    me, it = (A, "10.9.0.1"), (B, "10.9.0.9")
    out = [ping(me[1], it[1], seq) for seq in (1, 2, 3)]
    assert "filter-on-sender-input" not in places_of(tmp_path, SILENCE, [who_has(me, it[1]), is_at(it, me), *out], out)


def test_an_answer_by_another_interface_than_the_ping_is_bound_to_is_not_heard(tmp_path) -> None:
    back = [pong("10.9.0.9", "10.8.0.1", seq, ttl=63) for seq in (1, 2, 3)]
    (tmp_path / "ping.txt").write_text(SILENCE)
    for name, frames in (("eth0", OUT), ("eth1", back)):
        (tmp_path / f"{name}.pcap").write_bytes(pcap(*frames).getvalue())
    captures = tuple(f"h1:{name}={tmp_path / name}.pcap" for name in ("eth0", "eth1"))
    for bound, first in (("eth0", "wrong-interface-selected"), ("10.8.0.1", "filter-on-sender-input")):
        command = f"ping -c 3 -I {bound} 10.9.0.9"
        given = Given(text=str(tmp_path / "ping.txt"), captures=captures, command=command, sender="h1")
        assert diagnose(gather(given)).causes[0].cause == first


LATE = [ping("10.8.0.1", "10.9.0.9", seq, ttl=63, macs=(R, B)) for seq in (1, 2, 3)]
BEHIND = {"filter-on-target-input", "filter-on-target-output", "no-return-route-on-target", "forwarding-disabled"}
BEHIND |= {"filter-on-router-forward", "no-return-route-on-router", "routing-loop"}


def test_what_its_holder_asked_for_a_neighbour_in_vain_for_came_no_farther(tmp_path) -> None:
    router, target = (R, "10.9.0.1"), (B, "10.9.0.9")
    asked = [(1.0 * at, who_has(router, target[1])) for at in (0, 1, 2)]
    left = set(places_of(tmp_path, SILENCE, OUT, asked))
    assert "destination-host-absent-behind-router" in left
    assert not BEHIND & left
    assert set(places_of(tmp_path, SILENCE, OUT, asked[:2])) >= BEHIND
    back = [(1.0 * at, who_has(target, "10.9.0.254")) for at in (1, 2, 3)]
    left = set(places_of(tmp_path, SILENCE, OUT, [*LATE, *back]))
    assert {"wrong-gateway-on-target", "snat-to-unowned-address"} <= left
    assert not BEHIND & left
    assert set(places_of(tmp_path, SILENCE, OUT, [*back, (9.0, LATE[0])])) >= BEHIND


def test_a_request_on_the_link_of_who_answers_for_the_destination_was_sent_the_right_way(tmp_path) -> None:
    known = [who_has((R, "10.9.0.1"), "10.9.0.9"), is_at((B, "10.9.0.9"), (R, "10.9.0.1"))]
    astray = {"wrong-gateway-address", "no-route-on-router"}
    assert astray <= set(places_of(tmp_path, SILENCE, OUT, LATE))
    assert not astray & set(places_of(tmp_path, SILENCE, OUT, [*known, *LATE]))


def test_an_answer_that_was_seen_on_its_way_may_have_come_in_where_nobody_listened(tmp_path) -> None:
    sent, back = tmp_path / "sent.pcap", tmp_path / "back.pcap"
    sent.write_bytes(pcap(*OUT).getvalue())
    back.write_bytes(pcap(*[pong("10.9.0.9", "10.8.0.1", seq) for seq in (1, 2, 3)]).getvalue())
    left = found(text=False, captures=(f"h1:eth0={sent}", f"r2:eth0={back}"), sender="h1")
    assert {"healthy", "no-return-route-on-router"} <= set(left)
    assert "filter-on-target-input" not in left
    assert "healthy" not in found(text=False, captures=(f"h1:eth0={sent}",), sender="h1")


def test_what_a_tunnel_may_carry_is_not_called_unsent(tmp_path) -> None:
    (tmp_path / "ping.txt").write_text(SILENCE)
    for port, is_left in ((4789, True), (4790, False)):
        path = tmp_path / f"{port}.pcap"
        path.write_bytes(pcap(datagram(("192.0.2.1", 50000), ("198.51.100.1", port), b"x" * 60)).getvalue())
        left = found(captures=(f"h1:any={path}",), folder=tmp_path, sender="h1")
        assert ("filter-on-router-forward" in left) == is_left


def test_only_a_request_that_came_back_to_its_sender_was_sent_back_by_a_nat(tmp_path) -> None:
    returned = [ping("10.8.0.1", "10.8.0.1", seq, ttl=63, macs=(B, A)) for seq in (1, 2, 3)]
    assert "hairpin-nat-missing" in places_of(tmp_path, SILENCE, [*OUT, *returned])
    assert "hairpin-nat-missing" not in places_of(tmp_path, SILENCE, OUT)


def test_what_keeps_a_question_from_the_name_server_that_was_asked_is_said(tmp_path) -> None:
    folder = TOP / "pcaps" / "forwarding-disabled"
    text = "$ dig @198.51.100.1 example.org\n;; communications error to 198.51.100.1#53: timed out\n"
    (tmp_path / "dig.txt").write_text(text)
    states = tuple(f"{path.stem}={path}" for path in (folder / "state").glob("*.json"))
    (one,) = diagnose(gather(Given(text=str(tmp_path / "dig.txt"), states=states, sender="h1"))).causes
    assert (one.cause, one.locus[0].node) == ("dns-server-unreachable", "r1")
    assert ".forwarding = 0" in str(one.because[0].values["text"])


def test_without_its_options_a_short_run_may_have_ended_before_anybody_was_found_absent(tmp_path) -> None:
    for lasted, is_left in ((1035, True), (5110, False)):
        (tmp_path / "ping.txt").write_text(SILENCE.replace("2046ms", f"{lasted}ms"))
        assert ("destination-host-absent-on-link" in found(folder=tmp_path)) == is_left
    assert "2046ms" in SILENCE


def test_a_place_behind_a_router_is_not_taken_for_the_senders_own(tmp_path) -> None:
    late = [ping("10.8.0.1", "10.9.0.9", seq, ttl=63) for seq in (1, 2, 3)]
    back = [pong("10.9.0.9", "10.8.0.1", seq) for seq in (1, 2, 3)]
    assert {"no-return-route-on-router", "filter-on-router-forward"} <= set(
        places_of(tmp_path, SILENCE, [*late, *back])
    )


def test_a_question_that_is_answered_elsewhere_is_no_sign_that_nothing_left(tmp_path) -> None:
    asked = [who_has((A, "10.8.0.1"), "10.8.0.9"), is_at((B, "10.8.0.9"), (A, "10.8.0.1"))]
    left = places_of(tmp_path, SILENCE.replace("10.9.0.9", "10.8.0.9"), asked)
    assert "filter-on-switch" in left


def test_a_question_in_vain_at_a_place_that_nobody_told_may_be_that_of_the_last_router(tmp_path) -> None:
    told = (TOP / "pcaps" / "destination-host-absent-behind-router" / "ping.txt").read_text()
    told = told.replace("198.51.100.9", "192.0.2.9")
    left = set(places_of(tmp_path, told, [who_has((A, "192.0.2.254"), "192.0.2.9")] * 3))
    assert {"destination-host-absent-behind-router", "destination-host-absent-on-link"} <= left


def test_who_reports_that_its_question_was_in_vain_was_stopped_by_that_wherever_it_was_heard(tmp_path) -> None:
    path = tmp_path / "wire.pcap"
    path.write_bytes(pcap(*[who_has((A, "192.0.2.1"), "192.0.2.254")] * 3).getvalue())
    text = "PING 198.51.100.1 (198.51.100.1) 56(84) bytes of data.\nFrom {} icmp_seq=1 Destination Host Unreachable\n"

    def left(speaker: str) -> set[str]:
        (tmp_path / "ping.txt").write_text(text.format(speaker))
        return set(found(captures=(str(path),), folder=tmp_path))

    refused = {"reject-route-on-router", "filter-on-sender-output"}
    asker, other = left("192.0.2.1"), left("203.0.113.9")
    # A router that translates reports from the address that it asks from, so the place may be beyond it.
    assert {"wrong-gateway-address", "gateway-interface-down", "wrong-nexthop-on-router"} <= asker
    assert not refused & asker
    assert refused <= other


def test_a_host_is_not_the_sender_because_no_other_state_was_given(capsys) -> None:
    folder = TOP / "pcaps" / "filter-on-target-input.routed"
    for name in ("h2", "r1"):
        assert "filter-on-target-input" in found(states=(name,), folder=folder)
        assert "--sender" in capsys.readouterr().err
    near = TOP / "pcaps" / "duplicate-address"
    assert "duplicate-address" in found(captures=(str(near / "capture.pcapng"),), states=("h3",), folder=near)


def test_what_joins_hosts_is_unknown_where_the_switch_between_them_is_not_shown() -> None:
    for folder in (TOP / "pcaps" / "filter-on-switch", TOP / "pcaps" / "wrong-static-fdb-entry"):
        left = found(captures=(f"h1={folder / 'capture.pcapng'}",), states=("h1", "h2"), folder=folder)
        assert {"filter-on-switch", "wrong-static-fdb-entry"} <= set(left)
    states = tuple(f"{name}={TOP / 'pcaps' / 'bridge-down' / 'state' / name}.json" for name in ("h1", "h2"))
    (command,) = (TOP / "pcaps" / "bridge-down" / "command.txt").read_text().splitlines()
    left = {each.cause for each in diagnose(gather(Given(states=states, command=command, sender="h1"))).causes}
    assert {"healthy", "bridge-down", "filter-on-switch"} <= left
    assert not {"destination-host-absent-on-link", "no-route-on-sender"} & left


def test_a_curl_that_says_nothing_is_known_by_how_it_ended(tmp_path) -> None:
    def left(status: int) -> set[str]:
        (tmp_path / "ping.txt").write_text("")
        told = Given(text=str(tmp_path / "ping.txt"), command="curl -s -m 3 http://198.51.100.1/", exit_status=status)
        return {each.cause for each in diagnose(gather(told)).causes}

    assert {"tcp-application-hangs", "filter-on-router-forward", "pmtu-blackhole"} <= left(28)
    assert not {"healthy", "tcp-no-listener", "no-route-on-sender", "tls-alert"} & left(28)
    assert {"tcp-no-listener", "no-route-on-sender"} <= left(7)
    assert left(35) == {"tls-alert"}


def test_a_permanent_entry_for_a_host_whose_state_was_not_given_need_not_be_wrong() -> None:
    state = TOP / "pcaps" / "static-neighbours" / "state" / "h1.json"
    given = Given(states=(f"h1={state}",), command="ping -c 1 192.0.2.2", sender="h1")
    assert {"healthy", "wrong-static-neighbour"} <= {each.cause for each in diagnose(gather(given)).causes}


def test_a_program_of_whose_options_nobody_told_may_have_given_up_before_the_kernel(tmp_path) -> None:
    title = "tcpprobe: connect to 198.51.100.1 port 80: Connection timed out\n"
    for prompt, is_left in (("", True), ("$ tcpprobe --timeout 2 198.51.100.1 80\n", True),
                            ("$ tcpprobe 198.51.100.1 80\n", False)):  # fmt: skip
        (tmp_path / "ping.txt").write_text(prompt + title)
        assert ("target-has-other-address" in found(folder=tmp_path)) == is_left


def test_a_broadcast_that_ping_warned_of_was_allowed() -> None:
    folder = TOP / "pcaps" / "broadcast-echo-ignored"
    assert found(states=("h1", "h2", "h3", "sw"), folder=folder, sender="h1")[0] == "broadcast-echo-ignored"


def test_what_was_seen_on_its_way_left_the_sender_by_an_interface_that_was_not_recorded(tmp_path) -> None:
    idle, far = tmp_path / "idle.pcap", tmp_path / "far.pcap"
    idle.write_bytes(pcap(who_has((B, "203.0.113.7"), "203.0.113.8")).getvalue())
    on_its_way = [ping("192.0.2.1", "198.51.100.1", seq, ttl=63, macs=(R, B)) for seq in (1, 2, 3)]
    far.write_bytes(pcap(*on_its_way).getvalue())
    folder = TOP / "pcaps" / "filter-on-target-input.routed"
    left = found(captures=(f"h1:eth1={idle}", f"r1:eth1={far}"), folder=folder, sender="h1")
    assert "filter-on-target-input" in left
    assert not {"link-no-carrier", "filter-on-sender-output"} & set(left[:3])


def test_cables_that_are_told_are_not_guessed_although_some_states_are_missing() -> None:
    case = TOP / "pcaps" / "bridge-down"
    told = gather(Given(case=case))
    some = replace(told, text=None, states=tuple(each for each in told.states if each.name in {"h1", "h2"}))
    assert "bridge-down" in [each.cause for each in diagnose(some).causes]


def test_a_place_behind_a_silent_router_is_not_the_senders(tmp_path) -> None:
    title = "traceroute to 198.51.100.1 (198.51.100.1), 5 hops max, 60 byte packets\n"
    (tmp_path / "ping.txt").write_text(title + " 1  *\n 2  198.51.100.1  0.035 ms\n")
    capture = TOP / "pcaps" / "silent-hop" / "capture.pcapng"
    assert "silent-hop" in found(captures=(f"x:h2.eth0={capture}",), folder=tmp_path)


def test_what_this_kernel_called_too_long_was_not_to_be_split() -> None:
    folder = TOP / "pcaps" / "local-mtu-too-small"
    assert found(states=("h1", "h2"), folder=folder, sender="h1") == ["local-mtu-too-small"]


def test_a_router_of_which_one_side_was_recorded_may_have_asked_in_vain_on_the_other() -> None:
    case = TOP / "pcaps" / "destination-host-absent-behind-router"
    told = gather(Given(case=case))
    places = ("h1.eth0", "r1.eth0", "h2.eth0")
    seen = gather(Given(captures=tuple(f"{each[:2]}:{each}={case / 'capture.pcapng'}" for each in places)))
    some = replace(told, table=seen.table, captures=seen.captures, states=())
    assert "destination-host-absent-behind-router" in [each.cause for each in diagnose(some).causes]


def test_of_two_interfaces_of_the_target_on_one_link_the_silent_one_does_not_show_that_nothing_came(tmp_path) -> None:
    near, far = (A, "192.0.2.1"), (B, "192.0.2.2")
    requests = [(0.1 + seq, ping(near[1], far[1], seq)) for seq in (1, 2, 3)]
    asked, other = who_has(near, far[1]), (0.001, is_at((R, far[1]), near))
    (tmp_path / "one.pcap").write_bytes(pcap(asked, is_at(far, near), other, *requests).getvalue())
    (tmp_path / "two.pcap").write_bytes(pcap(asked, other).getvalue())
    (tmp_path / "text").write_text("3 packets transmitted, 0 received, 100% packet loss, time 2040ms\n")
    given = Given(text=str(tmp_path / "text"), captures=(str(tmp_path / "one.pcap"), str(tmp_path / "two.pcap")),
                  command=f"ping -c 3 {far[1]}")  # fmt: skip
    left = [each.cause for each in diagnose(gather(given)).causes]
    assert {"filter-on-target-input", "echo-ignored-by-target"} <= set(left)


ME, STAND_IN = (A, "10.8.0.1"), (R, "10.9.0.9")
ASKED = [(0.0, who_has(ME, STAND_IN[1]))]


def test_a_router_may_have_answered_for_the_mac_of_the_target_if_the_answer_came_late(tmp_path) -> None:
    """Linux waits for up to 0.8 s before it answers in another's name."""
    later = [(0.7 + 0.1 * at, frame) for at, frame in enumerate(OUT)]
    left = places_of(tmp_path, SILENCE, [*ASKED, (0.43, is_at(STAND_IN, ME)), *later])
    assert {"no-return-route-on-router", "reject-route-on-router", "rp-filter-strict", *BEHIND} <= set(left)


@pytest.mark.parametrize(("own", "may_stand_in"), [("10.8.0.1", True), ("10.9.1.1", True), ("10.9.0.1", False)])
def test_a_router_may_answer_at_once_for_whom_only_a_wide_prefix_makes_a_neighbour(tmp_path, own, may_stand_in) -> None:
    """RFC 1027's own use: hosts that know nothing of subnets."""
    sent = [ping(own, STAND_IN[1], seq, macs=(A, R)) for seq in (1, 2, 3)]
    left = places_of(tmp_path, SILENCE, [who_has((A, own), STAND_IN[1]), is_at(STAND_IN, (A, own)), *sent])
    assert ({"no-return-route-on-router", "reject-route-on-router", "rp-filter-strict"} <= set(left)) is may_stand_in
    assert "filter-on-target-input" in left


def test_a_router_that_complains_or_sends_on_stands_before_the_target_though_it_answers_for_its_mac(tmp_path) -> None:
    told = [frame for sent in OUT for frame in (sent, error("10.8.9.2", 3, 0, sent))]
    text = SILENCE.replace("\n\n", "\nFrom 10.8.9.2 icmp_seq=1 Destination Net Unreachable\n\n", 1)
    left = places_of(tmp_path, text, [*ASKED, is_at(STAND_IN, ME), *told])
    assert {"no-route-on-router", "router-interface-down"} <= set(left)
    by_target = [frame for sent in OUT for frame in (sent, error("10.9.0.9", 3, 0, sent))]
    left = places_of(tmp_path, text.replace("10.8.9.2", "10.9.0.9"), [*ASKED, is_at(STAND_IN, ME), *by_target])
    assert "no-route-on-router" not in left
    sent_on = [ping("10.8.0.1", "10.9.0.9", seq, ttl=63) for seq in (1, 2, 3)]
    assert "routing-loop" in places_of(tmp_path, SILENCE, [*ASKED, is_at(STAND_IN, ME), *OUT], sent_on)


def test_a_router_may_ask_in_vain_for_whom_it_answers_on_its_other_side() -> None:
    spots = [Spot("r", name, is_whole=True, capture=at, number=0) for at, name in enumerate(("in", "out"))]
    for spot, asker in zip(spots, ("10.8.0.1", "10.9.0.1"), strict=True):
        spot.asked["10.9.0.9"], spot.askers["10.9.0.9"] = [1, 2, 3], {asker}
    spots[0].answered["10.9.0.9"] = {R}
    assert asked_in_vain({"r": "router"}, {"r": spots}, {"10.8.0.1"}) == {"10.9.0.9": "r"}


def test_a_packet_that_comes_to_the_targets_wire_again_and_again_goes_round_although_it_was_there(tmp_path) -> None:
    """A host that has lost its address and forwards sends it back by its own default route."""
    told = [frame for sent in OUT for frame in (sent, error("10.8.9.2", 11, 0, sent))]
    once = [ping("10.8.0.1", "10.9.0.9", seq, ttl=62) for seq in (1, 2, 3)]
    again = [ping("10.8.0.1", "10.9.0.9", 1, ttl=ttl) for ttl in range(62, 40, -2)]

    def left(at_target: list[bytes]) -> set[str]:
        for name, frames in (("pc", told), ("t", at_target)):
            (tmp_path / f"{name}.pcap").write_bytes(pcap(*frames).getvalue())
        captures = tuple(f"{name}={tmp_path / name}.pcap" for name in ("pc", "t"))
        witnesses = gather(Given(captures=captures, command="ping 10.9.0.9", sender="pc"))
        told_roles = replace(witnesses.topology, roles={"pc": "S", "t": "T"})
        return {each.cause for each in diagnose(replace(witnesses, topology=told_roles)).causes}

    assert "routing-loop" in left(again)
    assert "routing-loop" not in left(once)


def named(tmp_path, roles: dict[str, str], command: str, **places: list[bytes]) -> set[str]:
    """What captures leave of whose places everybody knows whose they are."""
    for name, frames in places.items():
        (tmp_path / f"{name}.pcap").write_bytes(pcap(*frames).getvalue())
    captures = tuple(f"{name}={tmp_path / name}.pcap" for name in places)
    witnesses = gather(Given(captures=captures, command=command, sender="pc"))
    told = replace(witnesses.topology, roles=roles)
    return {each.cause for each in diagnose(replace(witnesses, topology=told)).causes}


def test_a_trace_came_to_its_end_where_the_target_said_so_whoever_lost_that(tmp_path) -> None:
    probes = [datagram(("10.8.0.1", 40000), ("10.9.0.9", 33434 + at), ttl=1 + at // 3) for at in range(9)]
    told = [error("10.9.0.9", 3, 3, probe, macs=(B, R)) for probe in probes[-3:]]
    roles = {"pc": "S", "t": "T"}
    answered = named(tmp_path, roles, "traceroute 10.9.0.9", pc=probes, t=[*probes[-3:], *told])
    assert "no-return-route-on-router" in answered
    assert "filter-on-target-input" not in answered
    silent = named(tmp_path, roles, "traceroute 10.9.0.9", pc=probes, t=probes[-3:])
    assert "filter-on-target-input" in silent
    assert "no-return-route-on-router" not in silent


def test_an_answer_to_an_address_that_nobody_owns_may_end_at_any_router(tmp_path) -> None:
    translated = [ping("192.0.2.77", "10.9.0.9", seq, ttl=62) for seq in (1, 2, 3)]
    back = [pong("10.9.0.9", "192.0.2.77", seq) for seq in (1, 2, 3)]
    told = [error("10.9.0.1", 3, 0, answer) for answer in back]
    roles = {"pc": "S", "r": "R1", "t": "T"}
    left = named(tmp_path, roles, "ping 10.9.0.9", pc=OUT, r=translated, t=[*translated, *back, *told])
    assert "snat-to-unowned-address" in left
    plain = [ping("10.8.0.1", "10.9.0.9", seq, ttl=62) for seq in (1, 2, 3)]
    answers = [pong("10.9.0.9", "10.8.0.1", seq) for seq in (1, 2, 3)]
    left = named(tmp_path, roles, "ping 10.9.0.9", pc=OUT, r=plain, t=[*plain, *answers])
    assert "no-return-route-on-router" in left
    assert "snat-to-unowned-address" not in left


def test_an_address_that_answers_out_of_earshot_of_the_target_is_another_hosts(tmp_path) -> None:
    """A command may ask for an address of a router on the way."""
    router, roles = (R, "10.9.0.1"), {"pc": "S", "r": "R1", "t": "T"}
    asked = [who_has(router, "10.9.0.9"), is_at((B, "10.9.0.9"), router)]
    sent_on = [ping("10.8.0.1", "10.9.0.9", seq, ttl=63, macs=(R, B)) for seq in (1, 2, 3)]
    arrived = [*asked, *sent_on]
    assert "echo-ignored-by-target" in named(tmp_path, roles, "ping 10.9.0.9", pc=OUT, r=arrived, t=[])
    assert "echo-ignored-by-target" not in named(tmp_path, roles, "ping 10.9.0.9", pc=OUT, r=sent_on, t=[])


def test_what_a_router_without_arp_sends_to_its_own_mac_is_lost_on_the_last_link(tmp_path) -> None:
    roles = {"pc": "S", "r": "R1", "t": "T"}
    own, right = ([ping("10.8.0.1", "10.9.0.9", seq, ttl=63, macs=(R, to)) for seq in (1, 2, 3)] for to in (R, B))
    assert "arp-disabled" in named(tmp_path, roles, "ping 10.9.0.9", pc=OUT, r=own, t=own)
    assert "arp-disabled" not in named(tmp_path, roles, "ping 10.9.0.9", pc=OUT, r=right, t=right)


def test_an_answer_for_which_a_router_asks_in_vain_may_have_been_sent_the_wrong_way(tmp_path) -> None:
    roles, own = {"pc": "S", "r": "R1", "t": "T"}, "10.9.0.1"
    asked = [(0.3 + 1.0 * at, who_has((R, own), "10.8.0.1")) for at in (0, 1, 2)]
    back = [pong("10.9.0.9", "10.8.0.1", seq) for seq in (1, 2, 3)]
    come = [(0.1 + 0.001 * at, frame) for at, frame in enumerate([*LATE, *back])]
    sent = [(0.001 * at, frame) for at, frame in enumerate(OUT)]
    left = named(tmp_path, roles, "ping 10.9.0.9", pc=sent, r=[*come, *asked], t=[*come, *asked])
    assert "wrong-nexthop-on-router" in left
