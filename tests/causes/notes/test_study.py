# ruff: noqa: E501 - text as it is pasted
"""Notes are replayed, told and judged by their own evidence."""

import io

import pytest

import explain
from explain.causes.notes.study import study
from explain.symptoms.notes import read_notes

BUILT = """\
$ sudo ip netns add h1
$ sudo ip netns add r1
$ sudo ip link add veth0 type veth peer name veth1
$ sudo ip link set veth0 netns h1
$ sudo ip link set veth1 netns r1
$ sudo ip netns exec h1 ip addr add 192.0.2.1/24 dev veth0
$ sudo ip netns exec h1 ip link set veth0 up
$ sudo ip netns exec r1 ip addr add 192.0.2.254/24 dev veth1
$ sudo ip netns exec r1 ip link set veth1 up
$ sudo ip netns exec r1 sysctl -w net.ipv4.ip_forward=0
net.ipv4.ip_forward = 0
"""
OLD_PING = """\
$ sudo ip netns exec h1 ping -c 2 -I 192.0.2.1 198.51.100.1
PING 198.51.100.1 (198.51.100.1) from 192.0.2.1 : 56(84) bytes of data.
ping: sendmsg: Network is unreachable
ping: sendmsg: Network is unreachable

--- 198.51.100.1 ping statistics ---
2 packets transmitted, 0 received, 100% packet loss, time 1010ms

"""


def names(text):
    return [item.name for item in study(read_notes(text)).items]


@pytest.mark.parametrize(
    "remark",
    [
        "The network is unreachable because ip_forward is 0 on the router.",
        "# ルーターの ip_forward が 0 だから Network is unreachable になる",
        "since forwarding is off, r1 says unreachable",
    ],
)
def test_a_belief_that_the_terminal_disproves_is_corrected_with_the_proof(remark):
    items = study(read_notes(BUILT + OLD_PING + remark + "\n")).items
    (wrong,) = [item for item in items if item.name.startswith("belief.")]
    assert wrong.name.startswith("belief.wrong")
    assert wrong.values["cause"] == "no-route-on-sender"
    assert wrong.values["shown"] == "ping: sendmsg: Network is unreachable"
    assert wrong.values["remark"] in remark


@pytest.mark.parametrize(
    "remark",
    [
        "Is it because of ip_forward?",
        "address と link は別なのか",
        "ip_forward のせいかもしれない",
        "It is not because of ip_forward; h1 has no route.",
        "Next: look at ip_forward.",
        "The network is unreachable because h1 has no default route.",
    ],
)
def test_questions_doubts_and_true_remarks_are_left_alone(remark):
    assert not [name for name in names(BUILT + OLD_PING + remark + "\n") if name.startswith("belief.wrong")]


def test_a_belief_that_the_evidence_leaves_possible_is_left_alone():
    silence = OLD_PING.replace("ping: sendmsg: Network is unreachable\n", "")
    text = silence + "100% loss because ip_forward is 0 on the router\n"
    assert not [name for name in names(text) if name.startswith("belief.wrong")]


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("$ iptables -A IN -j ACCEPT\niptables v1.8.9 (nf_tables): Chain 'IN' does not exist\n$ ip route\n", "trouble.refused-no-chain"),
        ("$ nft add rule ip nat out masquerade\nError: Could not process rule: No such file or directory\nadd rule ip nat out masquerade\n            ^^^\n", "trouble.refused-no-such-thing"),
        ("$ nft add rule ip nat out masq\nError: syntax error, unexpected newline\nadd rule ip nat out masq\n                        ^\n", "trouble.refused-wrong-argument"),
        ("$ nft add rule ip nat out dnat to 192.0.2.1\nError: Could not process rule: Operation not supported\n", "trouble.refused-kernel"),
        (BUILT + '$ ip netns exec h9 ip route\nCannot open network namespace "h9": No such file or directory\n', "trouble.refused-no-namespace"),
        (BUILT + "$ ip netns exec h9 ip route\n", "trouble.namespace-not-made"),
        (BUILT + "$ ip netns exec h1 ip route add default via 203.0.113.9\n", "trouble.order-gateway-off-link"),
        (BUILT + "$ ip netns exec h1 ip addr add 192.0.2.7/24 dev veth1\n", "trouble.order-interface-elsewhere"),
        (BUILT + "$ ip netns exec h1 ip addr add 192.0.2.7/24 dev eth9\n", "trouble.order-interface-unknown"),
        (BUILT + "$ ip netns add h1\n", "trouble.order-namespace-twice"),
        (BUILT + "$ ip netns del h1\n$ ip netns exec h1 ip a\n", "trouble.namespace-gone"),
        (BUILT + "$ ip netns list\nr1\n", "trouble.namespace-not-shown"),
        (BUILT + "$ ip netns exec r1 sysctl net.ipv4.ip_forward\nnet.ipv4.ip_forward = 1\n", "trouble.setting-differs"),
        (BUILT + "$ ip netns exec h1 ip route add default via 192.0.2.254\n$ ip netns exec h1 ip route\n192.0.2.0/24 dev veth0 proto kernel scope link src 192.0.2.1\n", "trouble.route-not-shown"),
        (BUILT + "$ ip netns exec h1 ip -br a\nlo DOWN\nveth0@if3 UP fe80::1/64\n", "trouble.address-not-shown"),
        ("$ ip netns exec h1 ip a\n2: veth0@if3: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state LOWERLAYERDOWN group default qlen 1000\n    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n", "trouble.no-carrier"),
    ],
    ids=lambda value: value if value.startswith("trouble.") else "",
)  # fmt: skip
def test_what_contradicts_the_notes_is_said(text, trouble):
    assert trouble in names(text)
    assert trouble not in names(BUILT)


def test_what_would_tell_more_says_on_which_host():
    seen = "From 192.0.2.254 icmp_seq=1 Destination Net Unreachable"
    ping = OLD_PING.replace("ping: sendmsg: Network is unreachable", seen)
    (look,) = [item for item in study(read_notes(ping)).items if item.name == "why.next"]
    assert (look.values["where"].name, look.values["command"]) == ("where.sender", "nft list ruleset; iptables-save")


def test_a_ping_that_worked_makes_no_trouble():
    text = BUILT + (
        "$ sudo ip netns exec h1 ping -c 1 192.0.2.254\n"
        "PING 192.0.2.254 (192.0.2.254) 56(84) bytes of data.\n"
        "64 bytes from 192.0.2.254: icmp_seq=1 ttl=64 time=0.051 ms\n\n"
        "--- 192.0.2.254 ping statistics ---\n"
        "1 packets transmitted, 1 received, 0% packet loss, time 0ms\n"
    )
    assert not [name for name in names(text) if name.startswith(("trouble.", "belief."))]


def test_a_text_is_an_input_beside_captures_and_its_report_has_every_key():
    report = explain.explain(io.BytesIO((BUILT + OLD_PING).encode()))
    assert [one.format for one in report.captures] == ["text"]
    assert "no-route-on-sender" in report.story("en")
    assert "no-route-on-sender" in report.story("ja")
    assert '"kind": "ping"' in report.to_json()


@pytest.mark.parametrize(("language", "named"), [("en", "ping the target"), ("ja", "相手")])
def test_a_target_that_the_text_does_not_show_is_named_as_that(language, named):
    told = explain.explain(io.BytesIO(b"ping: connect: Network is unreachable\n")).story(language)
    assert named in " ".join(told.split())
    assert "?" not in told
