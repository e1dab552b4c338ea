"""The report as the contract writes it: names and types of everything, asked of any JSON report."""

from __future__ import annotations

import ipaddress
import re

from explain.exchanges.selection import KINDS

TOP = {"schema", "captures", "hosts", "exchanges", "findings", "unexplained", "story"}
CAPTURE = {
    "path": str, "vantage": (str, None), "format": str, "compression": (str, None), "interfaces": list, "packets": int,
    "bytes": int, "captured_bytes": int, "file_bytes": int, "first_ns": (int, None), "last_ns": (int, None),
    "checksums": str, "damage": (dict, None),
}  # fmt: skip
INTERFACE = {"name": (str, None), "vantage": (str, None), "link_type": int, "link_type_name": str, "snaplen": int}
EXCHANGE = {
    "id": str, "kind": str, "outcome": str, "capture": int, "interface": (int, None), "frames": list, "evidence": list,
    "start_ns": int, "end_ns": int, "fields": dict,
}  # fmt: skip
FINDING = {
    "cause": str,
    "certainty": str,
    "exchanges": list,
    "evidence": list,
    "rivals": list,
    "filter": str,
    "values": dict,
}
LINE = {"message": str, "text": str, "depth": int, "evidence": list, "exchange": (str, None)}
N = (int, None)
ENDS = {"client": "end", "server": "end"}
FIELDS = {
    "arp.resolution": {"asker_ip": "ip", "asker_mac": "mac", "wanted_ip": "ip", "answered_macs": "macs",
                       "requests": int, "replies": int},
    "arp.announcement": {"address": "ip", "mac": "mac", "is_probe": bool},
    "icmp.echo": {"src": "ip", "dst": "ip", "id": int, "family": int, "sent": int, "received": int, "duplicates": int,
                  "errors": int, "rtt_min_ns": N, "rtt_avg_ns": N, "rtt_max_ns": N, "ttl_request": N, "ttl_reply": N},
    "icmp.error": {"from": "ip", "type": int, "code": int, "about": (dict, None), "mtu": N, "gateway": (str, None)},
    "tcp.connection": {**ENDS, "conn_state": str, "history": str, "bytes_to_server": int, "bytes_to_client": int,
                       "handshake_rtt_ns": N, "retransmissions": int, "out_of_order": int, "duplicate_acks": int,
                       "zero_windows": int, "keep_alives": int, "resets": int, "first_byte_wait_ns": N,
                       "server_time_ns": N, "network_time_ns": N, "tls": (dict, None), "community_id": str},
    "udp.flow": {**ENDS, "datagrams": int, "payload_bytes": int, "community_id": str},
    "dhcp.lease": {"client_mac": "mac", "xid": int, "offers": list, "address": (str, None), "server": (str, None),
                   "lease_s": N, "router": (str, list, None), "dns": list, "messages": list},
    "dns.lookup": {"client": (str, dict), "server": (str, dict), "name": str, "type": str, "answers": list,
                   "rtt_ns": N},
    "http.request": {"method": (str, None), "host": (str, None), "path": (str, None), "status": N},
    "ndp.resolution": {"asker_ip": "ip", "asker_mac": "mac", "wanted_ip": "ip", "answered_macs": "macs",
                       "requests": int, "replies": int},
    "ndp.router": {"router": (str, None), "prefixes": list},
    "ndp.duplicate-check": {"address": "ip"},
    "traceroute": {"src": "ip", "dst": "ip", "method": str, "hops": list},
}  # fmt: skip
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}|")


def violations(report: dict) -> list[str]:
    """What a report breaks; empty for one that keeps the contract."""
    said: list[str] = []
    _keys(said, "report", report, dict.fromkeys(TOP, object))
    if report["schema"] != "explain-report/1":
        said.append(f"schema {report['schema']}")
    for capture in report["captures"]:
        _capture(said, capture)
    for host in report["hosts"]:
        _keys(said, "host", host, dict.fromkeys(("addresses", "macs", "names", "roles"), list) | {"id": str})
    ids = [one["id"] for one in report["exchanges"]]
    if len(set(ids)) != len(ids):
        said.append("ids repeat")
    for one in report["exchanges"]:
        _exchange(said, report, one)
    for finding in report["findings"]:
        _finding(said, report, finding, set(ids))
    said += [f"unexplained {name} is no exchange" for name in report["unexplained"] if name not in ids]
    explained = {name for finding in report["findings"] for name in finding["exchanges"]}
    said += [f"{name} is explained, and unexplained" for name in report["unexplained"] if name in explained]
    for line in report["story"]:
        _keys(said, f"line {line['message']}", line, LINE)
        _evidence(said, report, f"line {line['message']}", line["evidence"])
        if not line["evidence"] and any(capture["packets"] for capture in report["captures"]) and not report["notes"]:
            said.append(f"line {line['message']} cites no frame")
        if line["exchange"] is not None and line["exchange"] not in ids:
            said.append(f"line {line['message']} speaks of {line['exchange']}")
    return said


def _capture(said: list[str], capture: dict) -> None:
    _keys(said, "capture", capture, CAPTURE)
    for interface in capture["interfaces"]:
        _keys(said, "interface", interface, INTERFACE)
    if capture["damage"] is not None:
        _keys(said, "damage", capture["damage"], {"kind": str, "offset": int, "message": str})
        if len(capture["damage"]) > 3:
            said.append(f"damage has {list(capture['damage'])}")


def _keys(said: list[str], name: str, record: dict, wanted: dict) -> None:
    for key, kinds in wanted.items():
        if key not in record:
            said.append(f"{name}: {key} is missing")
        elif not _is_of(record[key], kinds):
            said.append(f"{name}: {key} is {record[key]!r}")


def _is_of(value: object, kinds: object) -> bool:
    if kinds == "ip":
        return isinstance(value, str) and str(ipaddress.ip_address(value)) == value
    if kinds == "mac":
        return isinstance(value, str) and _MAC.fullmatch(value) is not None
    if kinds == "macs":
        return isinstance(value, list) and all(_MAC.fullmatch(one) for one in value)
    if kinds == "end":
        return (
            isinstance(value, dict)
            and {"address", "port"} <= set(value)
            and _is_of(value["address"], "ip")
            and _is_of(value["port"], N)
        )
    several = kinds if isinstance(kinds, tuple) else (kinds,)
    if isinstance(value, bool) and bool not in several:
        return object in several
    return any(value is None if kind is None else isinstance(value, kind) for kind in several)


def _exchange(said: list[str], report: dict, one: dict) -> None:
    name = f"{one['id']} {one['kind']}"
    _keys(said, name, one, EXCHANGE)
    _keys(said, name, one["fields"], FIELDS.get(one["kind"], {}))
    if one["kind"] not in KINDS:
        said.append(f"{name}: unknown kind")
    if one["start_ns"] > one["end_ns"]:
        said.append(f"{name}: ends before it starts")
    _evidence(said, report, name, one["evidence"])
    own = [part["frames"] for part in one["evidence"] if part["capture"] == one["capture"]]
    if not own:
        said.append(f"{name}: no evidence in its own capture")
    if one["kind"] == "traceroute":
        for hop in one["fields"]["hops"]:
            _keys(said, f"{name} hop", hop, {"ttl": int, "from": (str, None), "rtt_ns": list})
    about = one["fields"].get("about")
    if about is not None:
        _keys(said, f"{name} about", about, {"protocol": str, "src": "ip", "dst": "ip"})


def _finding(said: list[str], report: dict, finding: dict, ids: set[str]) -> None:
    name = f"finding {finding['cause']}"
    _keys(said, name, finding, FINDING)
    _evidence(said, report, name, finding["evidence"])
    if finding["certainty"] not in ("proved", "likely", "possible"):
        said.append(f"{name}: {finding['certainty']}")
    if not finding["evidence"] or not finding["filter"]:
        said.append(f"{name}: no evidence")
    said += [f"{name}: {other} is no exchange" for other in finding["exchanges"] if other not in ids]
    if finding["cause"] in finding["rivals"]:
        said.append(f"{name}: its own rival")


def _evidence(said: list[str], report: dict, name: str, evidence: list) -> None:
    places = [(one["capture"], one["interface"]) for one in evidence]
    if len(set(places)) != len(places):
        said.append(f"{name}: a place twice")
    for one in evidence:
        last_end = -1
        for first, last in one["frames"]:
            if (not last_end + 1 < first <= last and last_end >= 0) or first < 1 or last < first:
                said.append(f"{name}: ranges {one['frames']}")
            last_end = last
        if last_end > report["captures"][one["capture"]]["packets"]:
            said.append(f"{name}: frame {last_end} of {report['captures'][one['capture']]['packets']}")
