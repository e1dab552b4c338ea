"""What notes tell, as facts: one thing to say, with the lines of the text that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explain.causes.diagnosis import Diagnosis
    from explain.causes.notes.picture import Picture
    from explain.model import Evidence
    from explain.symptoms.notes import NoteBlock, Notes

Span = tuple[int, int]
MOST_PARTS = 12
"""How many of what is alike are named."""

TRIED = ("ping", "traceroute", "tracepath", "connect")
"""Kinds of blocks in which a network is tried out."""

UNSEEN = "?"
"""A target that the text does not show."""

FAILURES = ("trouble.proved", "trouble.likely", "trouble.possible")
"""Items that say why a program failed, by how certain that is; ``is_mended`` if it worked later on."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to say.

    Attributes:
        name: the sentence in ``words/notes.toml``; ``trouble.``, ``belief.`` and ``result.`` head those that judge.
        values: what it mentions; another Item stands for a part of the sentence.
        spans: first and last line of what shows it, in the text.
        block: index of the block that it belongs to, None for the whole text.
        depth: 1 the story, 2 more on request.
        evidence: frames of a capture that show it too.
    """

    name: str
    values: Mapping[str, Any]
    spans: tuple[Span, ...] = ()
    block: int | None = None
    depth: int = 1
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """One text, read, replayed and judged.

    Attributes:
        capture: index of the file among the inputs.
        picture: the network as the notes leave it.
        begun: the network as it was when something was tried in it for the first time.
        items: in the order of the text.
        diagnoses: by block, of the programs that failed or worked in it.
        frames: by block, the numbers of the first and the last packet of its listing.
    """

    capture: int
    notes: Notes
    picture: Picture
    begun: Picture
    items: tuple[Item, ...]
    diagnoses: tuple[tuple[NoteBlock, Diagnosis], ...]
    frames: Mapping[int, Span]

    @property
    def verdicts(self) -> tuple[Item, ...]:
        """What went wrong, was contradicted or was believed wrongly, in the order of the text."""
        return tuple(item for item in self.items if item.name.startswith(("trouble.", "belief.wrong")))


def host_item(name: str | None) -> Item:
    """A host as a part of a sentence."""
    return Item("host.named", {"name": name}) if name else Item("host.here", {})


def end_item(host: str | None, interface: str) -> Item:
    """An interface of a host as a part of a sentence."""
    return Item("end.named" if host else "end.here", {"name": host, "interface": interface})


def few(parts: Sequence[Any], most: int = MOST_PARTS) -> list[Any]:
    """The first of some parts, and dots for the others."""
    return [*parts[:most], *(["..."] if len(parts) > most else [])]
