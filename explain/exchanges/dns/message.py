"""Headers, questions and names of DNS messages (RFC 1035; 6891 for OPT)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from explain.record import NamedTuple, dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.table import I8, U1, Bools

TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 28: "AAAA",
    29: "LOC", 33: "SRV", 35: "NAPTR", 39: "DNAME", 41: "OPT", 43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC",
    48: "DNSKEY", 50: "NSEC3", 52: "TLSA", 64: "SVCB", 65: "HTTPS", 99: "SPF", 250: "TSIG", 251: "IXFR", 252: "AXFR",
    255: "ANY", 256: "URI", 257: "CAA",
}  # fmt: skip
_RESPONSE, _TRUNCATED = 0x8000, 0x0200  # flags
_OPT = 41  # the type; a record of it has the root's empty name, so its number stands in the third octet
_SHORTEST_OPT = 11  # octets
_QUESTION = 12  # octets of the header
_SHORTEST = _QUESTION + 5  # a root name, type and class
_LONGEST_LABEL = 63
_LONGEST_NAME = 255
_POINTER = 0xC0
_SMALLEST_RECORD = 12  # octets, with a pointer for its name
_V4_LABELS, _V6_LABELS = 6, 34  # of an address turned round, with its two last
_MOST_POINTERS = 64  # each must point backwards, so a name of 255 octets cannot need more


class Head(NamedTuple):
    """Header and first question.

    Attributes:
        rcode: with the upper eight bits of an OPT record.
        raw_name: the question's name as it stands on the wire, lower case, uncompressed; the key for matching.
    """

    id: int
    is_response: bool
    is_truncated: bool
    rcode: int
    opcode: int
    answers: int
    raw_name: bytes
    type: int


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """Headers and first questions of n messages; what they mean stands at ``Head``.

    Attributes:
        is_read: bool[n], False where a message is too short or asks nothing that can be read; the rest is void then.
        id, flags, rcode, answers, type: int64[n].
        end: int64[n], octets before the empty label that ends the question's name.
        is_odd: bool[n], not all answers are whole records whose names stand earlier in the message.
        is_bare: bool[n], a response that failed and repeats no question, whether it is read or not.
    """

    messages: Sequence[bytes]
    is_read: Bools
    id: I8
    flags: I8
    rcode: I8
    answers: I8
    type: I8
    end: I8
    is_odd: Bools
    is_bare: Bools

    @property
    def is_response(self) -> Bools:
        """bool[n]."""
        return self.flags & _RESPONSE > 0

    @property
    def is_truncated(self) -> Bools:
        """bool[n]."""
        return self.flags & _TRUNCATED > 0

    @property
    def opcode(self) -> I8:
        """int64[n]."""
        return self.flags >> 11 & 15

    def names(self) -> list[bytes]:
        """Each question's name, lower case."""
        ends = zip(self.messages, self.end.tolist(), strict=True)
        return [message[_QUESTION:end].lower() for message, end in ends]

    def take(self, some: I8) -> Heads:
        """Some of them, by number."""
        messages = [self.messages[at] for at in some.tolist()]
        return Heads(
            messages, self.is_read[some], self.id[some], self.flags[some], self.rcode[some], self.answers[some],
            self.type[some], self.end[some], self.is_odd[some],
            self.is_bare[some],
        )  # fmt: skip

    def one(self, at: int) -> Head:
        """One of them as a record."""
        message, flags, end = self.messages[at], int(self.flags[at]), int(self.end[at])
        return Head(
            int(self.id[at]), flags & _RESPONSE > 0, flags & _TRUNCATED > 0, int(self.rcode[at]), flags >> 11 & 15,
            int(self.answers[at]), message[_QUESTION:end].lower(), int(self.type[at]),
        )  # fmt: skip


def heads(messages: Sequence[bytes]) -> Heads:
    """Header and question of each message."""
    import numpy as np

    sizes = np.fromiter(map(len, messages), np.int64, len(messages))
    starts = np.cumsum(sizes) - sizes
    octets = np.frombuffer(b"".join(messages) + bytes(_QUESTION + _SMALLEST_RECORD), np.uint8)
    numbers, flags, questions, counts = (
        octets[starts + at].astype(np.int64) << 8 | octets[starts + at + 1] for at in range(0, 8, 2)
    )
    end = np.where(questions > 0, _name_ends(octets, starts, sizes), _QUESTION)
    is_read = (sizes >= _SHORTEST) & (end >= 0)
    at = starts + np.minimum(np.maximum(end, 0), sizes)
    kinds = np.where(questions > 0, octets[at + 1].astype(np.int64) << 8 | octets[at + 2], 0)
    behind = end + np.where(questions > 0, 5, 0)
    is_odd = _are_odd(octets, starts, sizes, behind, counts)
    rcode = _rcodes(octets, flags, starts + behind, is_read & (counts == 0) & (behind + _SHORTEST_OPT <= sizes))
    is_bare = (questions == 0) & (counts == 0) & (flags & _RESPONSE > 0) & (flags & 15 > 0) & (sizes >= _QUESTION)
    return Heads(messages, is_read, numbers, flags, rcode, counts, kinds, end, is_odd, is_bare)


def _rcodes(octets: U1, flags: I8, behind: I8, may_extend: Bools) -> I8:
    """How each ended; a server that has nothing else to say may say it in eight more bits, behind the question.

    Source: RFC 6891 section 6.1.3.
    """
    import numpy as np

    rcode, some = flags & 15, np.flatnonzero(may_extend & (flags & _RESPONSE > 0))
    at = behind[some]
    is_opt = (octets[at] == 0) & (octets[at + 1] == 0) & (octets[at + 2] == _OPT)
    rcode[some[is_opt]] |= octets[at[is_opt] + 5].astype(np.int64) << 4
    return rcode


def _are_odd(octets: U1, starts: I8, sizes: I8, at: I8, counts: I8) -> Bools:
    """Whether not all records from ``at`` on are whole, with a pointer back for a name, as nearly all are written."""
    import numpy as np

    at, left, is_odd = at.copy(), counts.copy(), np.zeros(len(at), np.bool_)
    todo = np.flatnonzero(counts > 0)
    while len(todo):
        here = starts[todo] + np.minimum(np.maximum(at[todo], 0), sizes[todo])
        high, low, *size = (octets[here + offset].astype(np.int64) for offset in (0, 1, 10, 11))
        is_pointer_back = (high >= _POINTER) & (((high & 0x3F) << 8 | low) < at[todo])
        at[todo] += _SMALLEST_RECORD + (size[0] << 8 | size[1])
        is_whole = is_pointer_back & (at[todo] <= sizes[todo])
        is_odd[todo[~is_whole]] = True
        todo = todo[is_whole]
        left[todo] -= 1
        todo = todo[left[todo] > 0]
    return is_odd


def _name_ends(octets: U1, starts: I8, sizes: I8) -> I8:
    """Where in each message the first name's last, empty label stands; -1 where that cannot be."""
    import numpy as np

    end = np.full(len(starts), _QUESTION)
    todo = np.flatnonzero(sizes > _QUESTION)
    while len(todo):
        length = octets[starts[todo] + end[todo]].astype(np.int64)
        end[todo[length > _LONGEST_LABEL]] = _LONGEST_NAME * 2  # a pointer in the first name has nothing to point to
        todo, length = (one[(length > 0) & (length <= _LONGEST_LABEL)] for one in (todo, length))
        end[todo] += length + 1
        todo = todo[(end[todo] < sizes[todo]) & (end[todo] - _QUESTION <= _LONGEST_NAME)]
    end[(end + 5 > sizes) | (end - _QUESTION > _LONGEST_NAME)] = -1
    return end


def type_name(number: int) -> str:
    """The mnemonic of a record type, ``TYPE65280`` where there is none (RFC 3597)."""
    return TYPES.get(number, f"TYPE{number}")


def wire_text(raw: bytes) -> str:
    r"""An uncompressed wire name as text; octets that are not printable as ``\\DDD`` (RFC 1035, 5.1)."""
    labels: list[str] = []
    at = 0
    while at < len(raw) and raw[at]:
        labels.append(label_text(raw[at + 1 : at + 1 + raw[at]]))
        at += raw[at] + 1
    return ".".join(labels) or "."


def label_text(octets: bytes) -> str:
    r"""One label; dots, backslashes and octets that are not printable are spelled out (RFC 1035, 5.1)."""
    if octets.replace(b"-", b"").isalnum():
        return octets.decode("ascii")
    return "".join(
        f"\\{chr(octet)}" if octet in b".\\" else chr(octet) if 0x20 < octet < 0x7F else f"\\{octet:03d}"
        for octet in octets
    )


def readable(name: str) -> str:
    """A name of multicast DNS for people: its labels are UTF-8, and may hold any mark (RFC 6763, 4.1.1)."""
    if "\\" not in name:
        return name
    octets = re.sub(rb"\\(\d{3}|.)", _spelled, name.encode())
    return octets.decode("utf-8", "backslashreplace")


def _spelled(found: re.Match[bytes]) -> bytes:
    text = found[1]
    return bytes((int(text) & 0xFF,)) if text.isdigit() else text


def name_at(message: bytes, at: int) -> tuple[str, int] | None:
    """A possibly compressed name and the offset behind it; None if it is broken or points in circles."""
    labels: list[str] = []
    end = None
    length = 0
    for _ in range(_MOST_POINTERS + _LONGEST_NAME):
        if at >= len(message):
            return None
        size = message[at]
        if size == 0:
            return ".".join(labels) or ".", end if end is not None else at + 1
        if size >= 0xC0:
            if at + 1 >= len(message):
                return None
            target = (size & 0x3F) << 8 | message[at + 1]
            end = at + 2 if end is None else end
            if target >= at:
                return None
            at = target
            continue
        length += size + 1
        if size > 63 or length > _LONGEST_NAME or at + 1 + size > len(message):
            return None
        labels.append(label_text(message[at + 1 : at + 1 + size]))
        at += 1 + size
    return None


def address_in(name: str) -> str | None:
    """The address whose name is asked for: 192.0.2.1 of ``1.2.0.192.in-addr.arpa`` (RFC 1035, 3.5; RFC 3596, 2.5)."""
    from ipaddress import ip_address

    labels = name.lower().split(".")
    if len(labels) == _V4_LABELS and labels[-2:] == ["in-addr", "arpa"]:
        text = ".".join(labels[3::-1])
    elif len(labels) == _V6_LABELS and labels[-2:] == ["ip6", "arpa"]:
        nibbles = "".join(labels[31::-1])
        text = ":".join(nibbles[at : at + 4] for at in range(0, 32, 4))
    else:
        return None
    try:
        return str(ip_address(text))
    except ValueError:
        return None
