"""HTML and SVG from nested calls: every text and every attribute is escaped, in one place.

A template engine with automatic escaping would do the same; this is thirty lines, and there is
no way past it, because markup is a type of its own and a plain string is always text.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

_EMPTY = frozenset(("meta", "input", "line", "polygon", "rect", "path", "br", "col"))
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_ROW = 40  # characters
_HYPHENATED = re.compile(r"(?<![\w.&#/-])[A-Za-z0-9][\w.]*(?:-[\w.]*\w)+(?![\w/-])", re.ASCII)
# What XML and HTML do not allow in text: controls, lone surrogates, non-characters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that is markup already; only this module makes it."""

    __slots__ = ()


def text(value: str) -> Markup:
    """A string as text of the page."""
    return Markup(escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value), quote=True))


def breakable(value: str) -> Markup:
    """Text that may be broken after its dots, colons, commas and ellipses, so that it need not be elsewhere."""
    return Markup(re.sub("([.:,\N{HORIZONTAL ELLIPSIS}]+)(?=.)", r"\1<wbr/>", text(value)))


def unbroken(value: str) -> Markup:
    """Text in which no name that fits into a row is broken behind a hyphen, as if that were hyphenation."""
    return Markup(
        _HYPHENATED.sub(
            lambda one: f'<span class="whole">{one[0]}</span>' if len(one[0]) <= _ROW else one[0], text(value)
        )
    )


def tag(element: str, attributes: dict[str, Any] | None = None, *children: Markup | str | None) -> Markup:
    """One element; strings among the children become text, attributes that are None are left out.

    Raises:
        ValueError: a name that is none.
    """
    head = element
    for name, value in (attributes or {}).items():
        if value is None or value is False:
            continue
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        head += f" {name}" if value is True else f' {name}="{text(str(value))}"'
    if not _NAME.fullmatch(element):
        raise ValueError(element)
    if element in _EMPTY:
        return Markup(f"<{head}/>")
    inner = "".join(one if isinstance(one, Markup) else text(one) for one in children if one is not None)
    return Markup(f"<{head}>{inner}</{element}>")


def joined(*parts: Markup) -> Markup:
    """Markup after markup."""
    return Markup("".join(parts))


def own(markup: str) -> Markup:
    """A file of this package as it is: style or script, never anything from a capture."""
    return Markup(markup)


def data(value: Any) -> str:
    """JSON that may stand in a script element: nothing in it can end the element or begin a comment."""
    written = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
