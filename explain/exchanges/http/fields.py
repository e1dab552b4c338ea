"""The head of an HTTP/1 message line by line, for whoever looks at one frame (RFC 9112)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.decode.dissect.field import Means, Next
from explain.exchanges.http.head import HttpHead, parse, text

if TYPE_CHECKING:
    from explain.decode.dissect.field import Header

_MOST_LINES = 100
_KNOWN = {
    "accept", "accept-encoding", "accept-language", "authorization", "cache-control", "connection",
    "content-encoding", "content-type", "cookie", "date", "host", "last-modified", "location", "referer", "server",
    "set-cookie", "transfer-encoding", "upgrade", "user-agent", "www-authenticate", "x-forwarded-for",
}  # fmt: skip
_NAMES = {"content-length": "http.content_length_header"}
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS"}


def read(header: Header) -> Next | None:
    """A head, if one begins here; what follows it is the body, or the next head."""
    octets = header.octets[header.at : header.end]
    head = parse(octets)
    if head is None:
        return Next("data", header.at, header.said_end, header.context)
    line_end = octets.find(b"\n", 0, head.end) + 1 or head.end
    (_request if head.method else _response)(header, head, octets[:line_end])
    _lines(header, octets, line_end, head.end)
    header.raw(0, head.end)
    return _behind(header, head, octets)


def _request(header: Header, head: HttpHead, line: bytes) -> None:
    method, target = head.method or "", head.target or ""
    uri = line.split(maxsplit=2)[1]
    at = line.index(uri, len(method))
    means: Means | None = (f"http-{method.lower()}", {}) if method in _METHODS else None
    header.text("http.request.method", 0, len(method), method, means)
    header.text("http.request.uri", at, len(uri), target)
    if head.version:
        header.text("http.request.version", line.index(b"HTTP/", at + len(uri)), len(head.version), head.version)


def _response(header: Header, head: HttpHead, line: bytes) -> None:
    version, status = head.version or "", head.status or 0
    header.text("http.response.version", 0, len(version), version)
    at = len(version) + 1
    header.raw(at, 3)
    means: Means | None = (f"http-status-{status // 100}", {}) if 100 <= status < 600 else None
    header.note("http.response.code", at, 3, status, None, means)
    phrase = line[at + 3 :].strip()
    if phrase:
        header.text("http.response.phrase", line.find(phrase, at + 3), len(phrase), text(phrase))


def _lines(header: Header, octets: bytes, at: int, end: int) -> None:
    for _ in range(_MOST_LINES):
        if at >= end:
            return
        stop = octets.find(b"\n", at, end) + 1 or end
        line = octets[at:stop].rstrip(b"\r\n")
        key, colon, value = line.partition(b":")
        if line:
            name = text(key).lower()
            known = _NAMES.get(name) or (f"http.{name.replace('-', '_')}" if name in _KNOWN else None)
            said = text(value.strip()) if colon and known else text(line)
            header.text(known if colon and known else "http.unknown_header", at, len(line), said, _means(known, said))
        at = stop


def _means(name: str | None, said: str) -> Means | None:
    value = said.lower()
    if name == "http.connection" and value in ("close", "keep-alive", "upgrade"):
        return f"http-connection-{value}", {}
    if name == "http.transfer_encoding" and "chunked" in value:
        return "http-chunked", {}
    return None


def _behind(header: Header, head: HttpHead, octets: bytes) -> Next | None:
    end = head.end
    if not head.is_whole or end >= len(octets):
        return None
    if "transfer-encoding" not in head.fields:
        size = head.length if head.length is not None else 0 if head.method else len(octets)
        if size and end + size < len(octets):
            header.text("http.file_data", end, size, "")
        end += size
        if end < len(octets):
            return Next("http", header.at + end, header.said_end, header.context)
    return Next("data", header.at + head.end, header.said_end, header.context)
