"""Which files of a submission are graded, and which are left aside, by names that tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_DEEPEST = 6
MOST_ASIDE = 100
"""Files left aside that are told by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Taken(Mapping[str, "Path"]):
    """The captures by the names that the rubric gives them.

    Attributes:
        captures: what is graded.
        answers: the file with the answers, None without one.
        interfaces: by the name of a capture the interface of its file that is meant; of others the whole file is.
        aside: what might have been a capture or the answers and is not graded, such as an earlier attempt.
    """

    captures: Mapping[str, Path]
    answers: Path | None = None
    aside: tuple[Path, ...] = ()
    interfaces: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Path:
        return self.captures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.captures)

    def __len__(self) -> int:
        return len(self.captures)

    def told(self) -> Mapping[Path, str]:
        """What each file is called: its name, with as many folders as tell it from the others."""
        answers = () if self.answers is None else (self.answers,)
        return _told_apart(list(dict.fromkeys((*self.captures.values(), *answers, *self.aside))))


def _told_apart(files: Sequence[Path]) -> Mapping[Path, str]:
    told: dict[Path, str] = {}
    for depth in range(1, _DEEPEST + 1):
        tails = {one: "/".join(one.parts[-depth:]) for one in files if one not in told}
        number = Counter(tails.values())
        told |= {one: tail for one, tail in tails.items() if number[tail] == 1 or depth == _DEEPEST}
    return told
