"""``explain packet CAPTURE FRAME``: one frame, field by field."""

from __future__ import annotations

import sys

import click

from explain.cli.options import HELP, json_option, language_option
from explain.errors import UsageError, naming


@click.command("packet", context_settings=HELP)
@click.argument("capture", metavar="CAPTURE")
@click.argument("frame", type=click.IntRange(1), metavar="FRAME")
@json_option()
@language_option()
@click.option("-v", "--verbose", is_flag=True)
def packet(capture: str, frame: int, as_json: bool, lang: str, verbose: bool) -> int:
    """Show one frame of a capture: every header, every field with its bytes, what it is for and what it says here."""
    from explain.capture.vantage import parse
    from explain.cli import page
    from explain.cli.reading import is_gone_once_read
    from explain.exchanges import closeup
    from explain.intake import read
    from explain.pipeline import understand
    from explain.render import packet as render
    from explain.render import packet_exchanges
    from explain.story.in_brief import of_frame, of_stray

    source = parse(capture)
    if is_gone_once_read(source.path):
        raise UsageError("usage.packet_stream")
    recorded = closeup.recorded(source.path, frame)
    layers = closeup.layers(recorded)
    report = understand(*read([source.path]))
    found, hosts, findings, captures = report.exchanges, report.hosts, report.findings, report.captures
    copies = closeup.elsewhere(found.table, frame)
    members = closeup.memberships(found, frame, is_timed=captures[0].untimed < captures[0].packets)
    if as_json:
        told = render.as_json(recorded, layers, copies, members, findings, source.path, lang)
    else:
        story = [of_frame(found, hosts, one.exchange, frame) for one in members]
        stray = [] if members else of_stray(found, hosts, captures, frame)
        belongs = packet_exchanges.rows(members, story, stray, findings, found.table, lang, page.width())
        told = render.text(recorded, layers, copies, belongs, source.path, lang, verbose=verbose, width=page.width())
    with naming("-"):
        sys.stdout.buffer.write(told.encode("utf-8", "backslashreplace"))
    return 0
