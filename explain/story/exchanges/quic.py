"""How a connection of QUIC is opened; the rest is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.exchanges.udp.quic import is_grease

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.udp.quic import QuicTalk
    from explain.model import Line
    from explain.story.exchanges.teller import Teller
    from explain.table import Rows


def told_of(teller: Teller, talk: QuicTalk, rows: Rows, name: str, ends: dict[str, str]) -> Iterator[Line]:
    """Who opened it, how the server took that, and whether both have heard each other."""
    frames = teller.table.frame[rows]

    def line(message: str, frame: int) -> Line:
        return teller.line(f"quic.{message}", talk, rows[frames == frame], name, **ends)

    yield line("probed" if is_grease(talk.first_version) else teller.first("quic.opened")[5:], talk.initial_frame)
    if talk.is_resumed:
        yield line("resumed", talk.initial_frame)
    if talk.offer_frame is not None:
        yield line("offered", talk.offer_frame)
    if talk.renewed_frame is not None:
        yield line("renewed", talk.renewed_frame)
    if talk.retry_frame is not None:
        yield line("retry", talk.retry_frame)
    if talk.answer_frame is None:
        return
    yield line(teller.first("quic.answered")[5:], talk.answer_frame)
    if talk.open_frame is not None:
        yield line("open", talk.open_frame)
    elif talk.confirmed_frame is not None:
        yield line("shut", talk.confirmed_frame)
    elif talk.handshake_frame is None and talk.is_seen_whole:
        yield line("refused", talk.answer_frame)
