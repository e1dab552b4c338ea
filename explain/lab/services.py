"""The servers and devices that a lab may start, and the commands that its steps may run: two closed lists."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explain.lab import check
from explain.lab.check import LabFileError
from explain.lab.records import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAMS = Path(__file__).parent / "programs"
HOOK = "/run/explain/dhcphook"  # a copy inside the lab, since an installed file may have lost its right to be started

# Commands of the system that a step may name. Whatever they do, they do it inside a node.
TOOLS = (
    *("ping", "traceroute", "tracepath", "curl", "nc", "udhcpc", "dhclient", "ip", "tc", "bridge", "nft", "iptables"),
    *("ip6tables", "sysctl", "ss", "conntrack", "ethtool", "dig", "arp", "arping"),
)
# What these would do outside a node: start any program, or read and write files.
FORBIDDEN = {
    "ip": ("exec", "netns", "-b", "-batch", "-force", "-n", "-netns"),
    "tc": ("-b", "-batch", "-n", "-netns"),
    "bridge": ("-b", "-batch", "-n", "-netns"),
    "curl": ("-o", "-O", "-K", "-T", "-J", "-F", "-d", "-b", "-c", "-D", "--output", "--config", "--upload-file"),
    "nft": ("-f", "--file", "-i", "--interactive"),
    "udhcpc": ("-s", "-p", "--script", "--pidfile"),
    "dhclient": ("-sf", "-lf", "-pf", "-cf", "-df"),
    "dig": ("-f", "-k"),
    "sysctl": ("-p", "--load", "--system"),
    "conntrack": ("-R", "--load-file"),
}
# Commands of our own.
BUILT_IN = ("tcpprobe", "udpprobe", "conntrackfill")

# What Debian calls the package of a tool; elsewhere the name is at least a hint.
PACKAGES = {
    "ping": "iputils-ping",
    "traceroute": "traceroute",
    "tracepath": "iputils-tracepath",
    "curl": "curl",
    "nc": "netcat-openbsd",
    "udhcpc": "udhcpc",
    "dhclient": "isc-dhcp-client",
    "ip": "iproute2",
    "tc": "iproute2",
    "bridge": "iproute2",
    "ss": "iproute2",
    "nft": "nftables",
    "iptables": "iptables",
    "ip6tables": "iptables",
    "sysctl": "procps",
    "conntrack": "conntrack",
    "ethtool": "ethtool",
    "dig": "bind9-dnsutils",
    "arp": "net-tools",
    "arping": "iputils-arping",
    "dnsmasq": "dnsmasq-base",
}

_DNSMASQ_OPTIONS = (
    *("--dhcp-range", "--dhcp-host", "--dhcp-option", "--dhcp-authoritative", "--dhcp-ignore", "--no-ping"),
    *("--domain", "--interface", "--port", "--address", "--dhcp-rapid-commit", "--dhcp-sequential-ip", "--dhcp-relay"),
    *("--local", "--cname", "--host-record", "--ptr-record", "--txt-record"),
)
_DNS = 53
_ABOUT_NAMES = ("--port", "--address", "--local", "--cname", "--host-record", "--ptr-record", "--txt-record")
"""Options of dnsmasq without which it answers DHCP alone."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of service.

    Attributes:
        program: file under ``programs``.
        protocol: tcp, udp or raw; what to look for when waiting until it listens.
        options: name -> int, float, text, list, name, address, prefix, mac or a closed list of words.
        port: where it listens if the file does not say, None where a port makes no sense.
        packet_sockets: how many it opens before it is ready; of raw kinds.
    """

    program: str
    protocol: str
    options: Mapping[str, str | tuple[str, ...]]
    port: int | None = None
    required: tuple[str, ...] = ()
    packet_sockets: int = 1


SERVICES: Mapping[str, Kind] = {
    "tcp": Kind(
        "tcpserver.py",
        "tcp",
        {
            "bind": "bind",
            "behaviour": (
                *("echo", "framed", "answer", "greet", "hang", "close", "reset", "sink", "slow-reader", "never-accept"),
            ),
            "answer": "text",
            "answer_hex": "text",
            "repeat": "int",
            "delay": "float",
            "backlog": "int",
            "receive_buffer": "int",
        },
        7,
    ),
    "udp": Kind("udpserver.py", "udp", {"bind": "bind", "behaviour": ("echo", "sink")}, 7),
    "http": Kind("httpserver.py", "tcp", {"bind": "bind", "page": "list", "delay": "float", "repeat": "int"}, 80),
    "dns": Kind(
        "dnsserver.py",
        "udp",
        {"bind": "bind", "record": "list", "code": "int", "behaviour": ("answer", "silent")},
        53,
    ),
    "dnsmasq": Kind("", "udp", {"options": "list"}, 67),
    "middlebox": Kind(
        "middlebox.py",
        "raw",
        {
            **dict.fromkeys(("left", "right"), "name"),
            **dict.fromkeys(("lose", "double", "damage", "hold", "reset"), "text"),
            "ttl": "int",
        },
        None,
        ("left", "right"),
        2,
    ),
    "advertiser": Kind(
        "advertiser.py",
        "raw",
        {"interface": "name", "prefix": "prefix", "lifetime": "int", "every": "float"},
        None,
        ("interface", "prefix"),
    ),
    "spoofer": Kind(
        "spoofer.py",
        "raw",
        {"interface": "name", "claims": "address", "tells": "address", "tells_mac": "mac", "every": "float"},
        None,
        ("interface", "claims", "tells", "tells_mac"),
    ),
}


def option(kind: str | tuple[str, ...], value: object, where: str) -> object:
    """One option of a service, checked by its kind."""
    if isinstance(kind, tuple):
        return check.one_of(value, kind, where)
    match kind:
        case "int":
            return check.number(value, 0, 10_000_000, where)
        case "float":
            return check.seconds(value, where)
        case "list":
            return check.strings(value, where, check.argument)
        case "name":
            return check.name(value, where)
        case "mac":
            return check.mac(value, where)
        case "address":
            return check.address(value, where)
        case "bind":
            return value if value in {"127.0.0.1", "::1", "::"} else check.address(value, where)
        case "prefix":
            return check.prefix(check.text(value, where), where, 6)
    return check.argument(value, where)


def service(row: object, where: str) -> Service:
    """One ``[[services]]`` table.

    Raises:
        LabFileError: an unknown kind or option, or a value that cannot be.
    """
    got = check.table(row, where)
    check.keys(got, tuple(got), ("on", "kind"), where)
    name = check.one_of(got["kind"], tuple(SERVICES), f"{where}: kind")
    kind = SERVICES[name]
    check.keys(got, ("on", "kind", *(("port",) if kind.port else ()), *kind.options), ("on", *kind.required), where)
    options = {key: option(kind.options[key], got[key], f"{where}: {key}") for key in kind.options if key in got}
    if name == "dnsmasq":
        for i, text in enumerate(options.get("options", ())):  # type: ignore[arg-type, var-annotated]
            if str(text).split("=", 1)[0] not in _DNSMASQ_OPTIONS:
                raise LabFileError(f"{where}: options[{i}]", text, "lab_file.choices", choices=[*_DNSMASQ_OPTIONS])
    usual = _DNS if name == "dnsmasq" and not _gives_leases(options) else kind.port
    port = check.number(got.get("port", usual), 1, 65535, f"{where}: port") if kind.port else None
    return Service(check.name(got["on"], f"{where}: on"), name, port, options)


def _gives_leases(options: Mapping[str, object]) -> bool:
    return any(str(text).startswith("--dhcp") for text in options.get("options", ()))  # type: ignore[attr-defined]


def python() -> list[str]:
    """The interpreter for programs of the standard library: it looks for nothing else, so it starts fast."""
    return [sys.executable, "-S", "-E", "-B"]


def service_argv(service: Service) -> list[str]:
    """The command that is this service."""
    if service.kind == "dnsmasq":
        fixed = ["dnsmasq", "-d", "--conf-file=/dev/null", "--pid-file=", "--no-hosts", "--no-resolv"]
        fixed += ["--dhcp-leasefile=/run/explain/leases", "--bind-interfaces", "--except-interface=lo", "--user=root"]
        options = [str(text) for text in service.options.get("options", ())]  # type: ignore[attr-defined]
        return fixed + ([] if any(o.startswith(_ABOUT_NAMES) for o in options) else ["--port=0"]) + options
    argv = [*python(), str(PROGRAMS / SERVICES[service.kind].program)]
    if service.port is not None:
        argv.append(f"--port={service.port}")
    for key, value in service.options.items():
        argv += [f"--{key.replace('_', '-')}={one}" for one in (value if isinstance(value, tuple) else (value,))]
    return argv


def step_argv(run: tuple[str, ...], has_raw_sockets: bool = True) -> list[str]:
    """What is really started for a step: programs of ours by their file, DHCP clients with a hook of ours."""
    if not has_raw_sockets:
        return [*python(), str(PROGRAMS / "ordinary.py"), *step_argv(run)]
    name, *rest = run
    if name in BUILT_IN:
        return [*python(), str(PROGRAMS / f"{name}.py"), *rest]
    if name == "udhcpc":
        return [name, "-s", HOOK, *rest]
    if name == "dhclient":
        # Nothing of the host's configuration, leases or scripts; the rest of the line is the person's.
        files = ["-lf", "/run/explain/dhclient.leases", "-pf", "/run/explain/dhclient.pid"]
        return [name, "-sf", HOOK, *files, "-cf", "/dev/null", *rest]
    return list(run)
