"""``explain annotate CAPTURE -o NEW.pcapng``: the capture again with the story in its comments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from explain.cli.options import HELP, language_option
from explain.cli.talk import noted
from explain.errors import UsageError, reason_of

if TYPE_CHECKING:
    from explain.model import CaptureInfo, Report

_TELL_ALL = 64 << 20
"""Octets of a capture up to which every exchange is told; of a larger one, what its summary tells."""


@click.command("annotate", context_settings=HELP)
@click.argument("capture", metavar="CAPTURE")
@click.option("-o", "--output", metavar="NEW.pcapng", required=True)
@language_option()
@click.option("--inside", is_flag=True)
@click.option("--profile", metavar="FOLDER")
def annotate(capture: str, output: str, lang: str, inside: bool, profile: str | None) -> int:
    """Write a capture again with the story in it, for Wireshark."""
    from explain.capture import open_capture
    from explain.capture.vantage import sources
    from explain.cli.output import keep_inputs, whole_file
    from explain.cli.reading import is_gone_once_read
    from explain.pipeline import explain
    from explain.render.annotate import Comments, annotated

    path = sources([capture])[0].path
    if is_gone_once_read(path):
        raise UsageError("usage.annotate_stream")
    with open_capture(path) as reader:  # what is no capture is said before anything else
        is_small = reader.file_bytes <= _TELL_ALL and reader.compression is None
    keep_inputs(output, [capture])
    report = explain([capture], everything=is_small, inside=inside)
    _warn(report.captures[0])
    comments = Comments(report, lang)
    with open_capture(path) as reader, whole_file(output) as file:
        for octets in annotated(reader, report, comments):
            file.write(octets)
    if profile:
        _write_profile(report, profile, lang)
    return 0


def _write_profile(report: Report, folder: str, language: str) -> None:
    from explain.cli.output import whole_file
    from explain.render.wireshark_profile import files

    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("at.reason", path=folder, reason=reason_of(error, "unread.not_made")) from None
    for name, text in files(report, language).items():
        with whole_file(str(Path(folder) / name)) as file:
            file.write(text.encode())


def _warn(info: CaptureInfo) -> None:
    if info.damage:
        noted("damage.written", path=info.path, offset=info.damage.offset, what=info.damage.line)
