"""One line of dig, host, nslookup, resolvectl or getent, understood.

Source: the messages of BIND 9's tools, busybox nslookup, resolvectl(1); RFC 1035 section 4.1.1 for the codes.
"""

# ruff: noqa: E501 - one message a row reads better than a pattern in pieces

from __future__ import annotations

from explain.symptoms.addresses import canonical
from explain.symptoms.programs.tables import Reading, Table, with_family

_NAME = r"(?P<name>[\w.*-]{1,255})"
_TABLE = Table((
    ("lookup.answer", rf"{_NAME} has (?:IPv6 )?address (?P<address>[0-9a-fA-F.:]+)\Z"),
    ("lookup.answer", rf"{_NAME}\s+(?P<seconds>\d{{1,9}})\s+IN\s+(?P<type>A|AAAA)\s+(?P<address>[0-9a-fA-F.:]+)\Z"),
    ("lookup.alias", rf"{_NAME} is an alias for (?P<to>\S+?)\.?\Z"),
    ("lookup.alias", rf"{_NAME}\s+(?P<seconds>\d{{1,9}})\s+IN\s+CNAME\s+(?P<to>\S+)\Z"),
    ("lookup.record", rf"{_NAME}\s+(?P<seconds>\d{{1,9}})\s+(?:IN|CH)\s+(?P<type>[A-Z0-9]{{1,10}})\s+\S"),
    ("lookup.record", rf"{_NAME} (?:mail is handled by|name server|domain name pointer|descriptive text|has \w+ record) "),
    ("lookup.start", r"; <<>> DiG \S+(?:-\S+)? <<>> (?P<arguments>.{0,300})"),
    ("lookup.header", r";; ->>HEADER<<- opcode: \w+, status: (?P<code>\w+), id: (?P<id>\d{1,5})"),
    ("lookup.server", r";; SERVER: (?P<server>[0-9a-fA-F.:%\w]+)#(?P<port>\d{1,5})"),
    ("lookup.server", r"Server:\s+(?P<server>\S+)\Z"),
    ("lookup.server", r"Address:\s+(?P<server>[0-9a-fA-F.:]+)[#:](?P<port>\d{1,5})\Z"),
    ("lookup.timed-out", r";; connection timed out; no servers could be reached|;; no servers could be reached"),
    ("lookup.timed-out", r";; communications error to (?P<server>[0-9a-fA-F.:%\w]+)#(?P<port>\d{1,5}): (?:timed out|end of file)"),
    ("lookup.server-refused", r";; communications error to (?P<server>[0-9a-fA-F.:%\w]+)#(?P<port>\d{1,5}): connection refused"),
    ("lookup.server-refused", r"nslookup: (?:write to|read from|can't connect to) .{0,100}[Cc]onnection refused"),
    ("lookup.server-unreachable", r";; (?:UDP setup with|communications error to) (?P<server>[0-9a-fA-F.:%\w]+)#(?P<port>\d{1,5}).*(?:network|host) unreachable"),
    ("lookup.no-such-name", rf"Host {_NAME} not found: 3\(NXDOMAIN\)|\*\* server can't find (?P<also>[\w.*-]{{1,255}}): NXDOMAIN"),
    ("lookup.failed", rf"Host {_NAME} not found: 2\(SERVFAIL\)|\*\* server can't find (?P<also>[\w.*-]{{1,255}}): SERVFAIL"),
    ("lookup.refused", rf"Host {_NAME} not found: 5\(REFUSED\)|\*\* server can't find (?P<also>[\w.*-]{{1,255}}): REFUSED"),
    ("lookup.no-data", rf"\*\*\* Can't find {_NAME}: No answer|(?P<also>[\w.*-]{{1,255}}) has no (?:A|AAAA|\w+) record"),
    ("lookup.no-such-name", rf"{_NAME}: resolve call failed: .*not found"),
    ("lookup.timed-out", rf"{_NAME}: resolve call failed: .*(?:timed out|No appropriate name servers)"),
    ("lookup.failed", rf"{_NAME}: resolve call failed: "),
    ("lookup.answer", rf"{_NAME}: (?P<address>[0-9a-fA-F.:]+) +-- link: \S+\Z"),
    ("lookup.answer", rf"(?P<address>[0-9a-fA-F.:]+)\s+(?:STREAM|DGRAM|RAW)(?:\s+{_NAME})?\Z"),
    ("lookup.question", rf"Name:\s+{_NAME}\Z|;(?P<also>[\w.*-]{{1,255}})\s+IN\s+\w+\Z"),
    ("lookup.answer", r"Address(?: \d+)?: +(?P<address>[0-9a-fA-F.:]+)(?: \S+)?\Z|Addresses: +(?P<also_at>[0-9a-fA-F.:]+)"),
    ("lookup.note", r";; |; \(|; EDNS|; COOKIE|;; global options|Non-authoritative answer:|Authoritative answers|-- (?:Information|Data)"),
    ("lookup.note", r"Using domain server:|Aliases:|権限のない回答"),
))  # fmt: skip
_CODES = {"NXDOMAIN": "no-such-name", "SERVFAIL": "failed", "REFUSED": "refused", "NOERROR": "header"}


def read_lookup_line(text: str) -> Reading | None:
    """What one line of a look-up tool says, or None."""
    found = _TABLE.read(text.strip())
    if found is None:
        return None
    name, values = found
    values["name"] = values.pop("also", None) or values.get("name")
    if "also_at" in values:
        values["address"] = values.get("address") or canonical(values.pop("also_at") or "")
    if isinstance(values["name"], str):
        values["name"] = values["name"].rstrip(".")
    if name == "lookup.header":
        name = f"lookup.{_CODES.get(values['code'], 'failed')}"
    return name, with_family({key: value for key, value in values.items() if value is not None}, "address")


def read_short_answer(text: str) -> Reading | None:
    """A bare address, as ``dig +short`` prints it; asked only below such a command."""
    address = canonical(text.strip())
    return ("lookup.answer", with_family({"address": address}, "address")) if address else None
