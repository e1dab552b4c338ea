"""The same failure in the words of other systems: what they leave open, and what they do not mean."""

from __future__ import annotations

import pytest

from explain.causes.diagnose import diagnose
from explain.causes.diagnosis import Witnesses
from explain.symptoms.outcome import replies_of
from explain.symptoms.text import read_text
from explain.symptoms.witness import NothingUsableError

WINDOWS = "Pinging 203.0.113.9 with 32 bytes of data:\n"
JAPANESE = "203.0.113.9 に ping を送信しています 32 バイトのデータ:\n"
BSD = "PING 203.0.113.9 (203.0.113.9): 56 data bytes\n"


def causes(text: str) -> list[str]:
    return [each.cause for each in diagnose(Witnesses(text=read_text(text))).causes]


@pytest.mark.parametrize(
    "text",
    [
        WINDOWS + "Reply from 203.0.113.1: Destination host unreachable.\n\nPing statistics for 203.0.113.9:\n"
        "    Packets: Sent = 1, Received = 1, Lost = 0 (0% loss),\n",
        JAPANESE + "203.0.113.1 からの応答: 宛先ホストに到達できません。\n\n203.0.113.9 の ping 統計:\n"
        "    パケット数: 送信 = 1、受信 = 1、損失 = 0 (0% の損失)、\n",
    ],
)
def test_the_errors_that_windows_counts_as_received_are_no_replies(text: str) -> None:
    named = causes(text)
    assert {"destination-host-absent-on-link", "destination-host-absent-behind-router", "target-interface-down"} <= set(
        named
    )
    assert not {"healthy", "partial-loss", "icmp-rate-limited"} & set(named)


@pytest.mark.parametrize(
    ("speaker", "first"),
    [
        ("203.0.113.1", "destination-host-absent-on-link"),
        ("192.0.2.1", "destination-host-absent-behind-router"),
        ("gateway.example", "destination-host-absent-behind-router"),
    ],
)
def test_who_complains_from_the_network_of_the_target_is_the_sender_itself(speaker: str, first: str) -> None:
    assert causes(WINDOWS + f"Reply from {speaker}: Destination host unreachable.\n")[0] == first


@pytest.mark.parametrize(
    "text",
    [WINDOWS + "PING: transmit failed. General failure.\n", JAPANESE + "PING: 転送に失敗しました。一般エラーです。\n"],
)
def test_a_general_failure_is_of_the_sender_and_no_more_is_said(text: str) -> None:
    named = causes(text)
    assert {"no-route-on-sender", "sender-interface-down", "link-no-carrier", "filter-on-sender-output"} <= set(named)
    assert not {"healthy", "filter-on-target-input", "no-route-on-router", "forwarding-disabled"} & set(named)


def test_a_host_that_is_down_to_bsd_is_one_that_nobody_answered_for() -> None:
    named = causes(BSD + "ping: sendto: Host is down\n")
    assert named[0] == "destination-host-absent-on-link"
    assert "no-route-on-sender" not in named


def test_no_route_to_host_leaves_on_bsd_both_a_missing_route_and_a_missing_neighbour() -> None:
    assert {"no-route-on-sender", "destination-host-absent-on-link"} <= set(
        causes(BSD + "ping: sendto: No route to host\n")
    )


def test_a_packet_that_windows_itself_may_not_cut_is_too_large_for_its_own_link_or_a_known_one() -> None:
    named = causes(JAPANESE.replace("32", "4000") + "パケットの断片化が必要ですが、DF が設定されています。\n")
    assert named == ["local-mtu-too-small", "path-mtu-exceeded"]


def test_busybox_without_privileges_is_told_so() -> None:
    assert causes(BSD + "ping: permission denied (are you root?)\n") == ["no-raw-socket-privilege"]


MTR = "HOST: h1                          Loss%   Snt   Last   Avg  Best  Wrst StDev\n"
HUB_1 = "  1.|-- 192.0.2.254                0.0%    10    0.1   0.2   0.1   0.3   0.1\n"
SILENT_2 = "  2.|-- ???                       100.0    10    0.0   0.0   0.0   0.0   0.0\n"
HUB_3 = "  3.|-- 203.0.113.9                0.0%    10    0.1   0.2   0.1   0.3   0.1\n"
NAMED = "  2.|-- web.example (203.0.113.9)  0.0%    10    0.1   0.2   0.1   0.3   0.1\n"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (MTR + HUB_1 + HUB_3.replace("3.|", "2.|"), "healthy"),
        (MTR + HUB_1 + SILENT_2 + HUB_3, "silent-hop"),
        (" 1  192.0.2.254  0.1 ms\n 2  203.0.113.9  0.2 ms  0.2 ms\n", "healthy"),
        ("$ mtr -rn web.example\n" + MTR + HUB_1 + HUB_3.replace("3.|", "2.|"), "healthy"),
    ],
)
def test_a_way_that_ends_with_an_answer_may_have_arrived_where_nobody_tells_the_target(text: str, first: str) -> None:
    diagnosis = diagnose(Witnesses(text=read_text(text)))
    named = [each.cause for each in diagnosis.causes]
    assert (named[0], diagnosis.is_success) == (first, None)
    assert {"healthy", "no-route-on-router", "filter-on-router-forward"} <= set(named)
    assert "filter-on-sender-output" not in named


def test_a_way_to_a_name_has_arrived_where_the_name_answers() -> None:
    diagnosis = diagnose(Witnesses(text=read_text("$ mtr -rw Web.example.\n" + MTR + HUB_1 + NAMED)))
    assert (diagnosis.causes[0].cause, diagnosis.is_success) == ("healthy", True)


def test_a_silent_hop_is_the_router_of_that_number_and_no_failure() -> None:
    diagnosis = diagnose(Witnesses(text=read_text("$ mtr -rn 203.0.113.9\n" + MTR + HUB_1 + SILENT_2 + HUB_3)))
    assert (diagnosis.causes[0].cause, diagnosis.is_success) == ("silent-hop", True)
    assert [each.role for each in diagnosis.causes[0].locus] == ["router:2"]


def test_a_way_that_ends_before_its_target_was_turned_back_there() -> None:
    named = causes("$ mtr -rn 203.0.113.77\n" + MTR + HUB_1 + SILENT_2 + HUB_3)
    assert named[0] == "no-route-on-router"
    assert not {"healthy", "filter-on-sender-output"} & set(named)


HALF = """$ ping -c 3 203.0.113.9
PING 203.0.113.9 (203.0.113.9) 56(84) bytes of data.
64 bytes from 203.0.113.9: icmp_seq=1 ttl=62 time=2.1 ms
{0}
{0}

--- 203.0.113.9 ping statistics ---
3 packets transmitted, 1 received, 66% packet loss, time 2003ms
"""


@pytest.mark.parametrize(
    ("line", "first", "named"),
    [
        ("From 192.0.2.1 icmp_seq=3 Destination Net Unreachable", "no-route-on-router", "router-interface-down"),
        ("From 192.0.2.1 icmp_seq=3 Time to live exceeded", "routing-loop", "partial-loss"),
        ("From 192.0.2.1 icmp_seq=3 Packet filtered", "filter-on-router-forward", "partial-loss"),
        ("ping: sendmsg: Network is unreachable", "no-route-on-sender", "sender-interface-down"),
        ("ping: sendmsg: Operation not permitted", "filter-on-sender-output", "icmp-rate-limited"),
    ],
)  # fmt: skip
def test_what_refuses_after_a_reply_may_have_begun_meanwhile(line: str, first: str, named: str) -> None:
    found = causes(HALF.format(line))
    assert found[0] == first
    assert named in found


def test_a_route_that_is_gone_is_no_loss() -> None:
    found = causes(HALF.format("ping: sendmsg: Network is unreachable"))
    assert not {"partial-loss", "icmp-rate-limited", "healthy"} & set(found)


def test_what_each_packet_is_refused_is_first_a_missing_route() -> None:
    assert causes("ping: sendmsg: Network is unreachable\n")[0] == "no-route-on-sender"


@pytest.mark.parametrize(("destination", "first"), [("203.0.113.9", "healthy"), ("203.0.113.77", "no-route-on-router")])
def test_who_tells_the_target_beside_the_text_tells_whether_a_way_arrived(destination: str, first: str) -> None:
    text = read_text("$ mtr -rn web.example\n" + MTR + HUB_1 + HUB_3.replace("3.|", "2.|"))
    assert diagnose(Witnesses(text=text, destination=destination)).causes[0].cause == first


FPING = "$ fping -c 3 203.0.113.9\n203.0.113.9 : [0], timed out (NaN avg, 100% loss)\n"
FPING += "\n203.0.113.9 : xmt/rcv/%loss = {}/0/100%\n"


def test_a_silent_fping_may_have_been_refused_by_its_own_kernel_or_have_left_before_an_error() -> None:
    """Told to count, it prints neither what its kernel refused nor what came after its last second."""
    either = {"no-route-on-sender", "destination-host-absent-on-link", "destination-host-absent-behind-router"}
    assert either | {"filter-on-target-input"} <= set(causes(FPING.format(3)))
    patient = causes(FPING.replace("-c 3", "-c 9").format(9))
    assert "destination-host-absent-on-link" not in patient
    assert "no-route-on-sender" in patient


def test_each_target_of_fping_is_a_run_of_its_own() -> None:
    told = "ICMP Host Unreachable from 203.0.113.2 for ICMP Echo sent to 203.0.113.9\n"
    text = f"$ fping 203.0.113.1 203.0.113.9\n203.0.113.1 is alive\n{told}203.0.113.9 is unreachable\n"
    run = read_text(text)
    assert (run.target_address, run.succeeded, run.dialect) == ("203.0.113.9", False, "fping")
    assert [(one.target_address, one.succeeded) for one in run.others] == [("203.0.113.1", True)]
    assert causes(text)[0] == "destination-host-absent-on-link"
    given = read_text(text.split("\n", 1)[1], "fping 203.0.113.1 203.0.113.9")
    assert given.target_address == "203.0.113.9"


def test_fping_says_what_its_kernel_refused_and_which_name_is_unknown() -> None:
    refused = "203.0.113.9: error while sending ping: Network is unreachable\n203.0.113.9 is unreachable\n"
    assert causes(f"$ fping 203.0.113.9\n{refused}")[0] == "no-route-on-sender"
    unknown = "$ fping nohost.invalid\nnohost.invalid: Temporary failure in name resolution\n"
    assert causes(unknown)[0] == "dns-server-unreachable"


def test_a_note_that_somebody_is_unreachable_is_no_line_of_fping() -> None:
    with pytest.raises(NothingUsableError):
        read_text("203.0.113.9 is unreachable\nthe switch is alive\n")


def test_a_tracepath_that_could_not_send_was_refused_by_its_own_kernel() -> None:
    found = causes("$ tracepath -n 203.0.113.9\n 1:  send failed\n     Resume: pmtu 65535 \n")
    assert found[0] == "no-route-on-sender"
    assert not {"healthy", "filter-on-target-input", "routing-loop"} & set(found)


@pytest.mark.parametrize(
    ("option", "loss", "first"), [("", 30, "partial-loss"), ("-u ", 30, "healthy"), ("", 0, "healthy")]
)
def test_what_the_target_itself_does_not_answer_to_mtr_is_lost(option: str, loss: int, first: str) -> None:
    last = f"  2.|-- 203.0.113.9   {loss}.0%    10    0.4   0.4   0.3   0.5   0.1\n"
    assert causes(f"$ mtr -rn {option}203.0.113.9\n{MTR}{HUB_1}{last}")[0] == first


@pytest.mark.parametrize(
    ("code", "first", "number"), [(5, "filter-on-router-forward", 1), (6, "reject-route-on-router", 1)]
)
def test_a_reason_of_ipv6_that_ping_has_no_words_for_is_known_by_its_number(code: int, first: str, number: int) -> None:
    line = f"From 2001:db8::ff icmp_seq=1 Destination unreachable: Unknown code {code}\n"
    text = f"PING 2001:db8:1::1(2001:db8:1::1) 56 data bytes\n{line}"
    assert read_text(text).all("icmp.")[0].values["type"] == number
    assert causes(text)[0] == first


@pytest.mark.parametrize("what", ["Net Prohibited", "Host Prohibited"])
def test_a_router_that_prohibits_is_thought_of_before_the_senders_own_filter(what: str) -> None:
    text = f"PING 203.0.113.9 (203.0.113.9) 56(84) bytes of data.\nFrom 192.0.2.254 icmp_seq=1 Destination {what}\n"
    assert causes(text)[0] == "filter-on-router-forward"


ARPING, PROBING = (f"ARPING 192.0.2.9 from {source} eth0\n" for source in ("192.0.2.1", "0.0.0.0"))  # noqa: S104
ANSWER = "Unicast reply from 192.0.2.9 [02:00:00:00:00:{}]  0.812ms\n"
SUMS = "Sent 3 probes (1 broadcast(s))\nReceived {} response(s)\n"
HABETS = (
    "ARPING 192.0.2.9\n{}\n--- 192.0.2.9 statistics ---\n2 packets transmitted, {} packets received, 0% unanswered\n"
)
BUSYBOX = "$ arping -b 192.0.2.9\nARPING to 192.0.2.9 from 192.0.2.1 via eth0\n"
BUSYBOX += "Sent 2 probe(s) (2 broadcast(s))\nReceived 0 replies (0 request(s), 0 broadcast(s))\n"
OCTETS = "42 bytes from 02:00:00:00:00:{} (192.0.2.9): index=0 time=6.1 usec\n"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (ARPING + SUMS.format(0), "destination-host-absent-on-link"),
        (ARPING + ANSWER.format("01") * 2 + SUMS.format(2), "healthy"),
        (ARPING + ANSWER.format("01") + ANSWER.format("02") + SUMS.format(2), "duplicate-address"),
        (PROBING + ANSWER.format("01") + SUMS.format(1), "duplicate-address"),
        (PROBING + SUMS.format(0), "healthy"),
        (BUSYBOX, "destination-host-absent-on-link"),
        (HABETS.format("Timeout\nTimeout", 0), "destination-host-absent-on-link"),
        (HABETS.format(OCTETS.format("01") + OCTETS.format("02"), 2), "duplicate-address"),
    ],
)  # fmt: skip
def test_arping_tells_who_has_an_address_and_whether_two_have_it(text: str, first: str) -> None:
    found = causes(text)
    assert found[0] == first
    assert "filter-on-target-output" not in found  # which stops echoes, and no answers to ARP


HPING = "HPING 203.0.113.9 (eth0 203.0.113.9): {} set, 40 headers + 0 data bytes\n{}\n"
HPING += "--- 203.0.113.9 hping statistic ---\n1 packets transmitted, {} packets received, 0% packet loss\n"
FLAGS = "len=46 ip=203.0.113.9 ttl=63 DF id=0 sport=80 flags={} seq=0 win=0 rtt=3.0 ms\n"


@pytest.mark.parametrize(
    ("mode", "line", "received", "first"),
    [
        ("S", FLAGS.format("SA"), 1, "healthy"),
        ("S", FLAGS.format("RA"), 1, "tcp-no-listener"),
        ("S", "", 0, "filter-on-target-input"),
        ("S", "ICMP Packet filtered from ip=192.0.2.254 name=UNKNOWN\n", 0, "filter-on-router-forward"),
        ("S", "TTL 0 during transit from ip=192.0.2.254 name=UNKNOWN\n", 0, "ttl-too-low"),
        ("icmp mode", "len=28 ip=203.0.113.9 ttl=63 id=1 icmp_seq=0 rtt=3.0 ms\n", 1, "healthy"),
        ("icmp mode", "ICMP Network Unreachable from ip=192.0.2.254 name=UNKNOWN\n", 0, "no-route-on-router"),
        ("udp mode", "ICMP Port Unreachable from ip=203.0.113.9 name=UNKNOWN\n", 0, "tcp-no-listener"),
    ],
)
def test_the_flags_and_the_errors_that_hping_shows_are_the_answer(
    mode: str, line: str, received: int, first: str
) -> None:
    assert causes(HPING.format(mode, line, received))[0] == first


def test_hping_says_in_its_own_words_what_its_kernel_refused() -> None:
    assert (
        causes("$ hping3 -1 203.0.113.9\n[send_ip] sendto: Operation not permitted\n")[0] == "filter-on-sender-output"
    )


ABSENT = "destination-host-absent-behind-router"
GERMAN = "Ping wird ausgeführt für 203.0.113.9 mit 32 Bytes Daten:\n{}\nPing-Statistik für 203.0.113.9:\n"
GERMAN += "    Pakete: Gesendet = 2, Empfangen = {}, Verloren = {}\n    (50% Verlust),\n"
FRENCH = "PING 203.0.113.9 (203.0.113.9) 56(84) octets de données.\n{}\n--- statistiques ping 203.0.113.9 ---\n"
FRENCH += "2 paquets transmis, {} reçus{}, {}% paquets perdus, temps 1030 ms\n"
OCTETS_FR = "64 octets de 203.0.113.9 : icmp_seq=1 ttl=64 temps=0,05 ms\n"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (GERMAN.format("Antwort von 203.0.113.9: Bytes=32 Zeit<1ms TTL=128\n" * 2, 2, 0), "healthy"),
        (GERMAN.format("Antwort von 203.0.113.9: Bytes=32 Zeit<1ms TTL=128\n", 1, 1), "partial-loss"),
        (GERMAN.format("Zeitüberschreitung der Anforderung.\n", 0, 2), "filter-on-target-input"),
        (GERMAN.format("Antwort von 192.0.2.1: Zielnetz nicht erreichbar.\n", 1, 1), ABSENT),
        (FRENCH.format(OCTETS_FR * 2, 2, "", 0), "healthy"),
        (FRENCH.format("", 0, "", 100), "filter-on-target-input"),
        (FRENCH.format("De 192.0.2.1 icmp_seq=1 Inaccessible\n", 0, ", +2 erreurs", 100), ABSENT),
    ],
)  # fmt: skip
def test_a_ping_in_another_language_is_told_by_its_numbers_and_its_errors_are_any(text: str, first: str) -> None:
    found = causes(text)
    assert found[0] == first
    assert first != ABSENT or "no-route-on-router" in found


def on_ios(marks: str, came_back: int, command: str = "ping 203.0.113.9") -> str:
    return (
        f"R1#{command}\nType escape sequence to abort.\n"
        "Sending 5, 100-byte ICMP Echos to 203.0.113.9, timeout is 2 seconds:\n"
        f"{marks}\nSuccess rate is {20 * came_back} percent ({came_back}/5)\n"
    )


def test_a_first_ping_of_ios_that_waits_for_arp_is_no_failure() -> None:
    assert causes(on_ios(".!!!!", 4))[0] == "healthy"
    assert causes(on_ios("!!.!!", 4))[0] == "partial-loss"


def test_a_silent_ping_of_ios_may_never_have_left_but_one_marked_u_has() -> None:
    own = {"no-route-on-sender", "destination-host-absent-on-link", "wrong-gateway-address", "sender-interface-down"}
    assert own <= set(causes(on_ios(".....", 0)))
    by_others = set(causes(on_ios("U.U.U", 0)))
    assert {"no-route-on-router", "destination-host-absent-behind-router", "filter-on-router-forward"} <= by_others
    assert not own & by_others
    assert not {"ttl-too-low", "path-mtu-exceeded", "forwarding-disabled"} & by_others


def test_the_words_of_a_command_of_ios_are_no_target() -> None:
    text = read_text(on_ios("!!!!!", 5, "ping 203.0.113.9 source Loopback0 repeat 5"))
    assert (text.target_address, text.succeeded, text.inconsistencies) == ("203.0.113.9", True, ())


def test_a_ping_of_windows_that_met_errors_alone_has_failed_and_one_of_two_is_told_so() -> None:
    error, reply = (
        "Reply from 203.0.113.1: Destination host unreachable.\n",
        "Reply from 203.0.113.9: bytes=32 time=1ms TTL=60\n",
    )
    totals = "\nPing statistics for 203.0.113.9:\n    Packets: Sent = 2, Received = 2, Lost = 0 (0% loss),\n"
    failed, half = (read_text(WINDOWS + one + error + totals) for one in (error, reply))
    assert (failed.succeeded, replies_of(failed)) == (False, 0)
    assert (half.succeeded, replies_of(half)) == (True, 1)
    assert failed.counts.received == 2  # as printed
