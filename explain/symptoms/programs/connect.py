"""One line of a TCP client, understood: curl, nc in three makes, ssh, wget, telnet, Python, bash, and plain probes.

Source: the messages of curl 7.29 to 8.10, OpenBSD and traditional netcat, Ncat 7, OpenSSH, GNU and busybox wget,
telnet of Linux and macOS, CPython 3, bash 5, and Test-NetConnection.
"""

# ruff: noqa: E501 - one message a row reads better than a pattern in pieces

from __future__ import annotations

import re
from typing import Any

from explain.symptoms.programs.failures import failure_at_end
from explain.symptoms.programs.tables import Reading, Table, with_family

_HOST = r"(?P<target>\[?[\w.:%-]{0,254}\w\]?)"
_PORT = r"(?P<port>\d{1,5})"
_TABLE = Table((
    ("connect.open", rf"Connected to {_HOST} port {_PORT}\Z"),
    ("connect.open", rf"\* *Connected to \S+ \({_HOST}\) port {_PORT}"),
    ("connect.open", r"\* *Established connection to "),
    ("connect.open", rf"Connection to {_HOST}(?: \([\w.:%-]+\))? {_PORT} port \[\w+/[^\]]*\] succeeded!"),
    ("connect.open", rf"(?:\S+|\(UNKNOWN\)) \[{_HOST}\] {_PORT}(?: \([^)]*\))? (?::\s*)?open"),
    ("connect.open", rf"(?:Ncat: )?Connected to {_HOST}:{_PORT}\.\Z"),
    ("connect.open", rf"Connected to {_HOST}\.\Z"),
    ("connect.open", rf"Connecting to (?:\S+ \({_HOST}\)|\S+)\|?[\w.:\]|]*\.\.\. (?:connected|接続しました)"),
    ("connect.open", r"TcpTestSucceeded +: True"),
    ("connect.failed", r"TcpTestSucceeded +: False"),
    ("connect.denied", r"(?:\S+@\S+: )?Permission denied(?:, please try again| \([\w,-]+\))"),
    ("connect.sent", rf"sent (?P<bytes>\d{{1,12}}) bytes(?: to {_HOST} port {_PORT})?\Z"),
    ("connect.closed", r"received (?P<bytes>\d{1,12}) bytes, closed by peer\Z"),
    ("connect.reset", r"received (?P<bytes>\d{1,12}) bytes, (?:connection )?reset(?: by peer)?\Z"),
    ("connect.received", r"received (?P<bytes>\d{1,12}) bytes"),
    ("connect.no-answer", r"(?:tcp|udp)probe: timed out waiting for an answer"),
    ("connect.no-answer", r"curl: \(28\) Operation timed out after (?P<after_ms>\d{1,9}) milliseconds"),
    ("connect.no-answer", r"\S*wget: (?:download )?timed out\Z"),
    ("connect.no-answer", r"(?:ssh: )?Connection timed out during banner exchange|.*banner exchange: .*[Tt]imed out"),
    ("connect.closed", r"curl: \((?:52|18)\) "),
    ("connect.closed", r"\* *Empty reply from server|\* *Connection #?\d* .*(?:closed|left intact)"),
    ("connect.closed", rf"(?:kex_exchange_identification: )?(?:[Cc]onnection closed)(?: by (?:remote host|foreign host|{_HOST}(?: port {_PORT})?))?"),
    ("connect.reset", rf"(?:kex_exchange_identification: read: )?Connection reset by (?:peer|{_HOST} port {_PORT})"),
    ("connect.trying", rf"\* *Trying {_HOST}:{_PORT}\.\.\.|\* *Trying (?P<also>[\w.:%-]+)\.\.\.|Trying (?P<telnet>[\w.:%-]+)\.\.\.\Z"),
    ("connect.http", r"(?:< )?HTTP/[\d.]+ (?P<status>\d{3})"),
    ("connect.http", r"HTTP(?: request sent, awaiting response| による接続要求を送信しました、応答を待っています)\.\.\. (?P<status>\d{3})"),
    ("connect.tls-alert", r"curl: \((?:35|60|51)\) (?P<message>.{0,300})"),
    ("connect.source-failed", r"curl: \(45\) (?P<message>.{0,300})"),
    ("connect.timed-out", rf"curl: \(28\) (?:Failed to connect to {_HOST} port {_PORT}.*|Connection timed? ?out.*|connect\(\) timed out.*|SSL connection timeout.*)"),
    ("connect.timed-out", r"Ncat: (?:TIMEOUT|Connection timed out)"),
    ("connect.timed-out", rf"nc: connect to {_HOST}(?: \([\w.:%-]+\))? port {_PORT} \(\w+\) timed out"),
    ("connect.timed-out", r"(?:TimeoutError|socket\.timeout|asyncio\.exceptions\.TimeoutError|.*ConnectTimeout\w*)(?:: .*)?\Z"),
    ("name.temporary-failure", r"curl: \(28\) Resolving timed out"),
    ("name.unresolved", r"(?:curl: \(6\)|\*) *Could not resolve host: (?P<name>\S+)"),
    ("name.unresolved", r"(?P<name>\S+): forward host lookup failed"),
    ("name.unresolved", r"(?:telnet|nc|wget|ftpget): bad address ['`](?P<name>[^'`]+)['`]"),
    ("name.note", r"wget: unable to resolve host address"),
    ("connect.start", r"--\d{4}-\d\d-\d\d \d\d:\d\d:\d\d--  \S"),
    ("connect.note", r"(?:Escape character is|Giving up\.|Length: |Saving to: |Retrying\.|Ncat: Version|Ncat: \d+ bytes|再試行しています|長さ: |.*に保存中: |とりあえず諦め|諦めています)"),
    ("connect.note", r"\s*(?:% Total|Dload +Upload|\d{1,3} +[\d.]+[kMG]? +\d{1,3} +[\d.]+[kMG]? |\d+K [. ]+)"),
    ("connect.note", r"[*<>{}]\s|[*<>]\Z|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \("),
    ("connect.note", r"(?:ComputerName|RemoteAddress|RemotePort|InterfaceAlias|SourceAddress|PingSucceeded|PingReplyDetails)\b.* : "),
    ("connect.trace", r"Traceback \(most recent call last\):|  File \".*\", line \d+|    [\w.\^~(\[]|During handling of the above|The above exception was"),
))  # fmt: skip
_PROGRAMS = re.compile(
    r"(?:\S*/)?(?P<program>tcpprobe|udpprobe|curl|nc(?:at|\.openbsd|\.traditional)?|Ncat|ssh|scp|sftp|wget|telnet|bash|-?(?:ba|z|da|k)?sh|socat|[a-z]+ \d+)"
    r"(?:: line \d+)?: "
)
_EXCEPTION = re.compile(r"(?:[\w.]*(?:Error|Exception|gaierror|herror|timeout)): ")
_TO = (
    re.compile(rf"connect(?:ion)? to (?:host |address )?(?!remote\b){_HOST}(?: \([\w.:%-]+\))?(?:,? port {_PORT})?"),
    re.compile(rf"/dev/(?:tcp|udp)/(?P<target>[^/\s]{{1,255}})/{_PORT}"),
    re.compile(rf"(?:remote host|connect to remote host) \({_HOST}\)"),
    re.compile(rf"Failed to connect to {_HOST} port {_PORT}"),
    re.compile(rf"\[{_HOST}\] {_PORT} "),
    re.compile(rf"Connecting to (?:[^\s|]+\|)?{_HOST}\|?:{_PORT}"),
)  # fmt: skip
_QUOTED_NAME = re.compile(
    r"(?:hostname|host|resolve|resolving) (?!host)[\"'‘]?(?P<name>[\w.-]{1,255})[\"'’]?|(?P<bare>[\w.-]{1,255})(?:/\w+)?\Z",
    re.IGNORECASE,
)


def read_connect_line(text: str) -> Reading | None:
    """What one line of a TCP client says, or None."""
    text = text.rstrip().removesuffix(" QUITTING.")
    if (meter := _METER.match(text)) and meter.end() < len(text):
        text = text[meter.end() :]
    found = _TABLE.read(text)
    if found is not None and not (found[0] == "connect.note" and text.startswith(_STARTS)):
        return found[0], with_family(_named(found[1]), "target")
    is_known = _PROGRAMS.match(text) or _EXCEPTION.match(text) or text.startswith(_STARTS) or _TRADITIONAL.match(text)
    return _failure(text) if is_known else None


_STARTS = (
    "* connect to ",
    "* Failed to connect",
    "* Immediate connect fail",
    "Connecting to ",
    "Resolving ",
    "connect:",
    "* Could not",
    "* connect(",
    "connect to ",
)
# curl redraws its meter on the line on which it then complains
_METER = re.compile(r"\s*\d{1,3} +[\d.]+[kMG]? +\d{1,3} .{0,80}?(?:--:--:-- +){2}--:--:-- +[\d.]+[kMG]? *")
_TRADITIONAL = re.compile(r"(?:\S+|\(UNKNOWN\)) \[[0-9a-fA-F.:]+\] \d{1,5} ")


def _named(values: dict[str, Any]) -> dict[str, Any]:
    values["target"] = values.pop("telnet", None) or values.pop("also", None) or values.get("target")
    return {key: value for key, value in values.items() if key not in ("telnet", "also")}


def _failure(text: str) -> Reading | None:
    """A line that ends in the C library's words, or in curl's own."""
    target = next((match.groupdict() for each in _TO if (match := each.search(text))), {})
    values: dict[str, Any] = {"target": (target.get("target") or "").strip("[]") or None}
    values["port"] = int(target["port"]) if target.get("port") else None
    failure = failure_at_end(text)
    if failure is None:
        errno = re.search(r"\((?:os error )?(?:Errno )?(\d{1,3})\)\Z", text)
        is_plain = re.search(r"Could(?:n't| not) connect to server|failed to connect|Failed to connect", text)
        if is_plain or errno:
            after = re.search(r"after (\d{1,9}) ms", text)
            return "connect.failed", with_family(
                {**values, "after_ms": int(after.group(1)) if after else None}, "target"
            )
        return "connect.note", {}
    kind, name, symbol, before = failure
    if kind == "name":
        named = _QUOTED_NAME.search(_before_colon(before))
        looked_up = (named.group("name") or named.group("bare")) if named else None
        return f"name.{name}", {"name": looked_up, "errno": symbol}
    values["errno"] = symbol
    if after := re.search(r"after (\d{1,9}) ms", before):
        values["after_ms"] = int(after.group(1))
    return f"connect.{name}", with_family(values, "target")


def _before_colon(before: str) -> str:
    """``getaddrinfo for host "x" port 80: `` without port, colon and dots."""
    return before.split(" port ", maxsplit=1)[0].removesuffix("failed: ").rstrip(": .").strip()
