"""The shapes that travel from room to room: facts without behaviour.

Times are UTC nanoseconds.  Frame numbers count from 1 in each file, as Wireshark shows
them.  Addresses and MACs are text in canonical form (RFC 5952; lower case with colons).
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.exchanges.hosts import Hosts
    from explain.exchanges.together import Exchanges
    from explain.table import PacketTable

LANGUAGES = ("en", "ja")
"""Those in which everything is told, the usual one first."""

Ranges = tuple[tuple[int, int], ...]
"""Frame numbers as sorted, disjoint, maximal, inclusive ranges."""


INTERRUPTED = "interrupted"
"""The kind of damage of a capture whose reading was stopped by Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a capture stops being readable.

    Attributes:
        kind: a stable name, such as ``cut-record``; ``interrupted`` where the capture is sound and Ctrl-C came.
        offset: octets from the start of the (uncompressed) stream.
        line: what is wrong there.
    """

    kind: str
    offset: int
    line: Line

    @classmethod
    def at(cls, offset: int, what: str, /, **values: object) -> Damage:
        """Damage by the name of its sentence: the kind, and behind a point what of it (``cut-record.header``)."""
        return cls(what.partition(".")[0], offset, Line(f"damage.{what}", values))


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface block of a capture file, or the only interface of a pcap.

    Attributes:
        name: ``if_name`` of a pcapng, else None.
        link_type: LINKTYPE number of the registry at tcpdump.org.
        snaplen: octets kept of each frame at most; 0 is no limit.
        vantage: the name the user or the file gave this place, else None.
        filter: with which the frames were chosen while they were captured, None where the file tells of none.
    """

    name: str | None
    link_type: int
    snaplen: int
    vantage: str | None = None
    comment: str | None = None
    dropped: int = 0
    filter: str | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote into a capture, about a frame, or about all of it (``frame`` is None)."""

    frame: int | None
    text: str


@dataclass(frozen=True, slots=True)
class CaptureInfo:
    """One input file as a whole; see the report's ``captures[]``.

    Attributes:
        is_anonymised: ``explain --anonymise`` wrote it: other names, and no payloads.
        comments: what people wrote into it; the ground truth that a lab keeps there is left out.
        untimed: packets for which the file has no time (simple packet blocks of a pcapng).
    """

    path: str
    vantage: str | None
    format: str
    compression: str | None
    interfaces: tuple[Interface, ...]
    packets: int
    bytes: int
    captured_bytes: int
    file_bytes: int
    first_ns: int | None
    last_ns: int | None
    checksums: str
    damage: Damage | None
    is_anonymised: bool = False
    comments: tuple[Comment, ...] = ()
    untimed: int = 0

    @classmethod
    def without_packets(
        cls, path: str, vantage: str | None, format_: str = "pcap", damage: Damage | None = None
    ) -> CaptureInfo:
        """An input of which no packet was read."""
        return cls(path, vantage, format_, None, (), 0, 0, 0, 0, None, None, "none", damage)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Frames at one vantage point that prove something."""

    capture: int
    interface: int | None
    frames: Ranges


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a conversation; ``port`` is None where there is none."""

    address: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """Somebody who sent or was spoken to, as far as the frames show."""

    id: str
    addresses: tuple[str, ...]
    macs: tuple[str, ...]
    names: tuple[str, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Frames that belong to one interaction, and how it ended.

    Attributes:
        fields: a frozen dataclass of the kind, with the names of the contract.
        evidence: the frames at every vantage point; ``frames`` are those of the first file.
        vlans: VLAN ids of its frames, each outer before inner; empty without tags.
    """

    id: str
    kind: str
    outcome: str
    capture: int
    interface: int | None
    frames: Ranges
    evidence: tuple[Evidence, ...]
    start_ns: int
    end_ns: int
    fields: Any
    vlans: tuple[tuple[int, ...], ...] = ()

    def _repr_html_(self) -> str:
        from explain.facts_html import of_one

        return of_one(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause seen here: what proves it, what it accounts for, what it cannot be told from.

    Attributes:
        cause: its id, or that of what was found.
        certainty: ``proved``, ``likely`` or ``possible``.
        exchanges: ids of those that it accounts for, such as ``e3``.
        rivals: ids of causes that this evidence cannot exclude.
        filter: of Wireshark; shows exactly the frames of ``evidence``, of the first file where they lie in several.
        values: what its sentences may mention.
    """

    cause: str
    certainty: str
    exchanges: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    rivals: tuple[str, ...]
    filter: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence to come: no language yet.

    Attributes:
        message: the key in the word tables, such as ``arp.resolution.answered``.
        values: what the sentence may mention.
        depth: 0 the verdict, 1 the story, 2 more on request.
        label: what stands in the margin: usually nothing, else a mark of the renderer.
        text_lines: first and last lines of a text that show it, where a text does; it stands in the margin.
    """

    message: str
    values: Mapping[str, Any]
    evidence: tuple[Evidence, ...] = ()
    depth: int = 1
    exchange: str | None = None
    label: str | None = None
    text_lines: Ranges = ()


class Voice(Protocol):
    """What turns a report into words and forms of output; the pipeline lends it."""

    def story(self, report: Report, language: str) -> str:
        """Plain text."""

    def json(self, report: Report, language: str) -> str:
        """The report of the contract."""

    def html(self, report: Report, language: str) -> str:
        """One self-contained page."""


@dataclass(frozen=True)
class Report:
    """Everything that is known about the given captures.

    Attributes:
        unexplained: ids of failed exchanges that no finding accounts for.
        lines: the story as lines, in the order in which they are told.
        clocks: skew of each capture against the first, when there are several.
        studies: what the texts among the inputs tell (``explain.causes.notes.item.Study``).
        against: this run held against a good one (``explain.runs.Comparison``), None if none was given.
        span_ns: from when to when was asked for, UTC nanoseconds; None for all.
    """

    captures: tuple[CaptureInfo, ...]
    hosts: Hosts
    exchanges: Exchanges
    findings: Sequence[Finding]
    unexplained: tuple[str, ...]
    lines: Sequence[Line]
    packets: PacketTable
    clocks: tuple[Mapping[str, Any], ...]
    voice: Voice = field(repr=False)
    studies: Sequence[Any] = ()
    against: Any = None
    span_ns: tuple[int, int] | None = None

    @property
    def untimed(self) -> frozenset[int]:
        """The inputs whose packets have no times (``tcpdump -t``, simple blocks), by their place among the inputs."""
        return frozenset(n for n, one in enumerate(self.captures) if one.packets and one.first_ns is None)

    def story(self, language: str = "en") -> str:
        """The whole story as plain text, in English (``en``) or Japanese (``ja``).

        Raises:
            explain.errors.UsageError: there are no words in that language.
        """
        return self.voice.story(self, _known(language))

    def to_json(self, language: str = "en") -> str:
        """The report of the contract, as one JSON object."""
        return self.voice.json(self, _known(language))

    def __repr__(self) -> str:
        packets = sum(one.packets for one in self.captures)
        counts = f"packets={packets} exchanges={len(self.exchanges)} findings={len(self.findings)}"
        return f"<Report captures={len(self.captures)} {counts}>"

    def _repr_html_(self) -> str:
        return self.voice.html(self, "en")


def _known(language: str) -> str:
    if language not in LANGUAGES:
        from explain.errors import UsageError

        raise UsageError("usage.language", language=language, known=LANGUAGES)
    return language
