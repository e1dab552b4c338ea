"""What the head of an HTTP/1 message says (RFC 9112; 9110 for methods and status codes)."""

from __future__ import annotations

import re

from explain.record import dataclass

_REQUEST = re.compile(  # more white space than one octet is allowed for (RFC 9112, 3)
    rb"([A-Z][A-Z_-]{1,20})[ \t]+([^\s]{1,8000})(?:[ \t]+(HTTP/[0-9]\.[0-9]))?[ \t]*(\r?\n|\Z)"
)
_RESPONSE = re.compile(rb"(HTTP/[0-9]\.[0-9]) ([0-9]{3})(?:[ \t]+([^\r\n]*))?\r?(?:\n|\Z)")
_FIELD = re.compile(rb"([!#-'*+.0-9A-Z^-z|~-]{1,64}):[ \t]*([^\r\n]*)")
_END = re.compile(rb"\r?\n\r?\n")
_MOST_FIELDS = 100
_MOST_HEADS = 64  # in one segment
_LONGEST_NUMBER = 15


@dataclass(frozen=True, slots=True)
class HttpHead:
    """One head; names of fields in lower case, of each the first value.

    Attributes:
        method: of a request, None in a response.
        status: of a response, None in a request.
        start, end: octets from the start of what was copied to the head and to what follows it.
        is_whole: the empty line that ends the head was copied.
    """

    method: str | None
    target: str | None
    status: int | None
    reason: str | None
    version: str | None
    fields: dict[str, str]
    start: int
    end: int
    is_whole: bool

    @property
    def length(self) -> int | None:
        """Octets of the body, where the head says so (RFC 9112, 6.2 and 6.3)."""
        if self.status is not None and (self.status < 200 or self.status in (204, 304)):
            return 0
        said = self.fields.get("content-length", "")
        return int(said) if said.isascii() and said.isdigit() and len(said) <= _LONGEST_NUMBER else None

    @property
    def host(self) -> str | None:
        """The server's name, from the Host field or from an absolute target (RFC 9112, 3.2)."""
        if self.target and "://" in self.target and "host" not in self.fields:
            return self.target.partition("://")[2].partition("/")[0]
        return self.fields.get("host")


def heads(octets: bytes) -> list[HttpHead]:
    """The heads in a segment: several requests may follow each other (RFC 9112, 9.3.2)."""
    found: list[HttpHead] = []
    at = 0
    while at < len(octets) and len(found) < _MOST_HEADS:
        head = parse(octets, at)
        if head is None:
            break
        found.append(head)
        at = head.end + (head.length or 0)
        if not head.is_whole or "transfer-encoding" in head.fields or (head.length is None and head.status is not None):
            break
    return found


def parse(octets: bytes, at: int = 0) -> HttpHead | None:
    """One head that begins at ``at``; None if none does."""
    response = _RESPONSE.match(octets, at) if octets.startswith(b"HTTP/", at) else None
    request = None if response else _REQUEST.match(octets, at)
    if response is None and (request is None or not _is_request(request)):
        return None
    ended = _END.search(octets, at)
    end = ended.end() if ended else len(octets)
    line = response or request
    fields = _fields(octets[line.end() : end]) if line else {}
    if response:
        reason = None if response[3] is None else text(response[3])
        return HttpHead(None, None, int(response[2]), reason, response[1].decode(), fields, at, end, ended is not None)
    version = request[3].decode() if request and request[3] else None
    method, target = (request[1].decode(), text(request[2])) if request else (None, None)
    return HttpHead(method, target, None, None, version, fields, at, end, ended is not None)


def _is_request(line: re.Match[bytes]) -> bool:
    """A line without a version is a request only if it may still go on in the next segment."""
    return line[3] is not None or not line[4]


def _fields(octets: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in octets.split(b"\n", _MOST_FIELDS)[:_MOST_FIELDS]:
        said = _FIELD.match(line)
        if said:
            found.setdefault(said[1].decode().lower(), text(said[2].rstrip()))
    return found


def text(octets: bytes) -> str:
    r"""Text from outside; octets that are no UTF-8 as ``\\xNN``."""
    return octets.decode("utf-8", "backslashreplace")
