"""Which language to speak when nobody says."""

from __future__ import annotations

import os


def default_language() -> str:
    """``ja`` where the locale of messages is Japanese, else ``en`` (POSIX: LC_ALL, LC_MESSAGES, LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "ja" if value.startswith("ja") else "en"
    return "en"
