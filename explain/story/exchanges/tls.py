"""What can be read of TLS on a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.exchanges.tls.talk import ENCRYPTED_FROM
from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.tls.talk import Tls
    from explain.story.exchanges.teller import Teller
    from explain.table import Rows


def lines(teller: Teller, tls: Tls, rows: Rows, name: str, values: dict[str, Any]) -> Iterator[Line]:
    """The name asked for, the version agreed on, what is no TLS, an alert."""

    def line(message: str, frame: int, **more: Any) -> Line:
        at = [row for row in rows.tolist() if teller.table.frame[row] == frame]
        return teller.line(message, tls, at, name, **values, **more)

    if tls.hello_frame is not None:
        yield line("tls.hello" if tls.server_name else "tls.hello-nameless", tls.hello_frame)
    if tls.retry_frame is not None:
        yield line("tls.retry", tls.retry_frame)
    if tls.answer_frame is not None:
        yield line(_answered(tls), tls.answer_frame)
    if tls.plain_frame is not None:
        yield line("tls.plain", tls.plain_frame)
    if tls.foreign_frame is not None:
        yield line("tls.foreign", tls.foreign_frame)
    if tls.alert_frame is not None:
        speaker = Line(f"tls.{tls.alert_by}", {})
        yield line("tls.fatal" if tls.is_fatal else "tls.warning", tls.alert_frame, speaker_line=speaker)


def _answered(tls: Tls) -> str:
    """Which sentence says what of the server's answer can be read."""
    if (tls.version or "").startswith(ENCRYPTED_FROM):
        return "tls.answered"
    return "tls.answered-again" if tls.is_resumed else "tls.answered-clear"
