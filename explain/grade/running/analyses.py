"""Captures in, reports out: from what is known already, else by the analysis that also tells the story."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from explain.grade.running.kept import Kept, content_of, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.capture.vantage import Source
    from explain.model import Report


@dataclass(slots=True)
class Analyses:
    """Where reports come from.

    Attributes:
        kept: what was analysed before.
        most_octets: of captures that are looked up at all, each.
        made: how many analyses were made anew.
    """

    kept: Kept = field(default_factory=Kept)
    most_octets: int = 0
    made: int = 0

    def report(self, sources: Sequence[Source]) -> Report:
        """What some captures show together.

        Raises:
            UnreadableError: one of them cannot be read.
        """
        from explain.pipeline import explain

        key = self._key(sources)
        known = None if key is None else self.kept.report(key)
        if known is not None:
            captures = zip(known.captures, sources, strict=True)
            return replace(known, captures=tuple(replace(one, path=source.path) for one, source in captures))
        self.made += 1
        report = explain(sources)
        if key is not None:
            self.kept.keep_report(key, report)
        return report

    def _key(self, sources: Sequence[Source]) -> str | None:
        if self.kept.folder is None:
            return None
        files = [(one.vantage or "", Path(one.path)) for one in sources]
        content = content_of(files, self.most_octets * len(files))
        return None if content is None else key_of("report", content)


EVERY_TIME = Analyses()
"""Nothing is kept."""
