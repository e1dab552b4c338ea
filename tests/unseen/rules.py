"""Filters in the words of nft or of iptables, for what a command sends or what comes back."""

from __future__ import annotations

from unseen.networks import Net

REJECTS_4 = (
    *("icmp-port-unreachable", "icmp-host-unreachable", "icmp-net-unreachable", "icmp-admin-prohibited"),
    *("icmp-host-prohibited", "icmp-net-prohibited", "icmp-proto-unreachable"),
)
REJECTS_6 = ("icmp6-port-unreachable", "icmp6-addr-unreachable", "icmp6-no-route", "icmp6-adm-prohibited")
CHAINS = {"input": "INPUT", "output": "OUTPUT", "forward": "FORWARD"}


def reject_of(net: Net) -> str:
    """A way to reject, in iptables' words."""
    return net.rng.choice(REJECTS_6 if net.v6 else REJECTS_4)


def filtered(net: Net, role: str, hook: str, tool: str, leg: str, reject: str | None = None) -> None:
    """One rule at a hook of a node that stops one leg of the command's packets.

    Args:
        reject: iptables' word of the error to send; None drops.
    """
    if hook in CHAINS and net.rng.random() < 0.5:
        _iptables(net, role, hook, tool, leg, reject)
    else:
        _nft(net, role, hook, tool, leg, reject)


def _iptables(net: Net, role: str, hook: str, tool: str, leg: str, reject: str | None) -> None:
    name = "ip6tables" if net.v6 else "iptables"
    kind = "reply" if leg == "reply" else "request"
    icmp = ["-p", "icmpv6", "--icmpv6-type"] if net.v6 else ["-p", "icmp", "--icmp-type"]
    match = {
        "ping": [*icmp, f"echo-{kind}"],
        "icmp": [*icmp[:2]],
        "error": [*icmp, "destination-unreachable"],
        "tcp": ["-p", "tcp", "--dport" if leg == "request" else "--sport", str(net.port)],
        "trace": ["-p", "udp"] if leg == "request" else [*icmp, "port-unreachable"],
    }[tool]
    verdict = ["REJECT", "--reject-with", reject] if reject else ["DROP"]
    net.do(role, name, "-A", CHAINS[hook], *match, "-j", *verdict)


def _nft(net: Net, role: str, hook: str, tool: str, leg: str, reject: str | None) -> None:
    icmp = "icmpv6" if net.v6 else "icmp"
    kind = "reply" if leg == "reply" else "request"
    match = {
        "ping": f"{icmp} type echo-{kind}",
        "icmp": f"meta l4proto {'ipv6-icmp' if net.v6 else 'icmp'}",
        "error": f"{icmp} type destination-unreachable",
        "tcp": f"tcp {'dport' if leg == 'request' else 'sport'} {net.port}",
        "trace": "udp dport 33434-33600" if leg == "request" else f"{icmp} type destination-unreachable",
    }[tool]
    word = _nft_reject(net, reject) if reject else "drop"
    table, at = (
        ("netdev", "ingress") if hook == "ingress" else (net.rng.choice(("inet", "ip6" if net.v6 else "ip")), hook)
    )
    device = f" device {net.nics[role][0]}" if hook == "ingress" else ""
    chain = net.rng.choice(("fw", "c1", hook))
    priority = "-300" if hook == "prerouting" else "0"
    net.do(
        role, "nft",
        f"table {table} fw {{ chain {chain} {{ type filter hook {at}{device} priority {priority}; "
        f"{match} {word}; }}; }}",
    )  # fmt: skip


def _nft_reject(net: Net, reject: str) -> str:
    word = reject.split("-", 1)[1]
    renamed = {"proto-unreachable": "prot-unreachable", "adm-prohibited": "admin-prohibited"}
    return f"reject with {'icmpv6' if net.v6 else 'icmp'} type {renamed.get(word, word)}"
