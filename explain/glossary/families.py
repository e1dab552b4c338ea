"""The families of words, in the order of a book, and which of them a block of text asks first."""

from __future__ import annotations

FAMILIES: dict[str, dict[str, str]] = {
    "ip-address": {"en": "Addresses (ip address)", "ja": "アドレス (ip address)"},
    "ip-link": {"en": "Interfaces (ip link)", "ja": "インタフェース (ip link)"},
}
"""The names of each family, by language; each has its table beside this file."""

FIRST_FAMILIES: dict[str, tuple[str, ...]] = {
    "ip-address": ("ip-address", "ip-link"),
    "ip-link": ("ip-link", "ip-address"),
}
"""Kinds of blocks (``NoteBlock.kind``): where a term of several families is looked for first."""
