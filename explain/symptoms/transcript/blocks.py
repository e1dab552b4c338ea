"""A pasted text cut into blocks: who typed what on which host, and what came back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from explain.symptoms.transcript.cleaning import TextLine, clean_lines, decode, looks_binary
from explain.symptoms.transcript.prompts import Prompt, read_prompt
from explain.symptoms.witness import NothingUsableError

if TYPE_CHECKING:
    from explain.symptoms.commands.command import Command

_DEEPEST_QUOTE = 8

_QUOTE = re.compile(rf"(?: {{0,3}}[>|](?: |$)){{1,{_DEEPEST_QUOTE}}}")
_SENT_BY_CURL = re.compile(
    r"> (?:[A-Z]{3,8} \S+ HTTP/|(?:Host|User-Agent|Accept|Content-|Authorization|Connection|Cookie)[\w-]*: )"
)
_FENCE = re.compile(r" {0,3}(?:[-*] )?(?:```|~~~)")
_EXIT = re.compile(r"(?:exit(?: status| code)?|\$\?|echo \$\?)\s*[:=]?\s*(\d{1,3})\s*\Z")
_CARET = re.compile(r"\^[CZD\\](?=\S|\s|\Z)")


@dataclass(frozen=True, slots=True)
class Block:
    """One command with its output, or lines that no command stands above.

    Attributes:
        node: the host: named by ``ip netns exec`` and its like, else by the prompt, else None.
        command: what was typed, parsed; None where no command is shown.
        typed: the number of its line; None likewise.
        lines: the output, in order; empty lines are kept.
        is_prose: the block stands outside the fences of a text that has fences.
        status: an exit status that ``echo $?`` showed after it.
    """

    node: str | None
    command: Command | None
    typed: int | None
    lines: tuple[TextLine, ...]
    is_prose: bool = False
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole text in blocks.

    Attributes:
        is_cut: something was left out because it was too long.
    """

    blocks: tuple[Block, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class _Open:
    """The block that is being collected, and where in the text we stand."""

    node: str | None = None
    command: Command | None = None
    typed: int | None = None
    is_prose: bool = False


def read_transcript(text: str | bytes, path: str = "text", otherwise: str = "unread.not_text") -> Transcript:
    """Cuts a text at its prompts and fences; colours, quotation marks and control characters are taken off.

    Nothing in it is run or followed.  A text of any length takes time and memory of at most 16 million characters.

    Args:
        text: as it was given.
        path: how the text is named in an error.
        otherwise: the sentence for octets that are no text.

    Raises:
        NothingUsableError: the text is empty or binary.
    """
    text = decode(text) if isinstance(text, bytes) else text
    if not text.strip():
        raise NothingUsableError(path, "unread.empty_text")
    if looks_binary(text):
        raise NothingUsableError(path, otherwise)
    return _transcript(text)


@lru_cache(maxsize=1)  # runs, tables and typed commands are each looked for in the same text
def _transcript(text: str) -> Transcript:
    lines, is_cut = clean_lines(text)
    return Transcript(_with_status(_cut(lines)), is_cut)


def _cut(lines: tuple[TextLine, ...]) -> list[Block]:
    has_fences = any(_FENCE.match(line.text) for line in lines)
    blocks: list[Block] = []
    kept: list[TextLine] = []
    head, is_inside = _Open(is_prose=has_fences), False
    for line in _joined(lines):
        is_curl = head.command is not None and head.command.program == "curl"  # its -v marks what it sends with ">"
        plain = line if is_curl else _unquoted(line)
        if has_fences and _FENCE.match(plain.text):
            is_inside = not is_inside
            _close(blocks, head, kept)
            head, kept = _Open(node=head.node if is_inside else None, is_prose=not is_inside), []
            continue
        prompt = read_prompt(plain.text)
        if prompt is None:
            kept.append(plain)
            continue
        _close(blocks, head, kept)
        head, kept = _opened(prompt, plain.number), []
    _close(blocks, head, kept)
    return blocks


def _close(blocks: list[Block], head: _Open, kept: list[TextLine]) -> None:
    if head.command is not None or any(line.text.strip() for line in kept):
        blocks.append(Block(head.node, head.command, head.typed, tuple(kept), head.is_prose))


def _opened(prompt: Prompt, number: int) -> _Open:
    node = prompt.command.node if prompt.command and prompt.command.node else prompt.host
    return _Open(node, prompt.command, number)


def _unquoted(line: TextLine) -> TextLine:
    """Without the marks of a quoted mail, a table's edge, and the echo of Ctrl-C."""
    text = line.text
    if (quote := _QUOTE.match(text)) and not _SENT_BY_CURL.match(text):
        text = text[quote.end() :]
    if caret := _CARET.match(text.lstrip()):
        text = text.lstrip()[caret.end() :]
    return line if text is line.text else replace(line, text=text)


def _joined(lines: tuple[TextLine, ...]) -> list[TextLine]:
    """Commands that go on after a backslash become one line."""
    found: list[TextLine] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        parts = 0
        while line.text.endswith("\\") and not line.text.endswith(":\\") and at < len(lines) and parts < 20:
            line = replace(line, text=f"{line.text[:-1]}{lines[at].text.strip()}"[:4096])
            at, parts = at + 1, parts + 1
        found.append(line)
    return found


def _with_status(blocks: list[Block]) -> tuple[Block, ...]:
    """``echo $?`` after a command tells its exit status; the block of the echo itself goes away."""
    found: list[Block] = []
    for block in blocks:
        shown = [line.text.strip() for line in block.lines if line.text.strip()]
        is_echo = block.command is not None and block.command.words[:2] == ("echo", "$?")
        if is_echo and found and len(shown) >= 1 and shown[0].isdigit() and len(shown[0]) < 4:
            found[-1] = replace(found[-1], status=int(shown[0]))
            continue
        stated = _EXIT.fullmatch(shown[-1]) if shown and block.command else None
        found.append(replace(block, status=int(stated.group(1))) if stated else block)
    return tuple(found)
