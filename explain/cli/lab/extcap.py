"""``explain lab extcap``: the labs as interfaces of Wireshark, tshark and dumpcap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from explain.cli.options import HELP, language_option
from explain.errors import ExplainError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command("extcap", context_settings=HELP)
@click.option("--extcap-interfaces", "is_listing", is_flag=True)
@click.option("--extcap-interface", "interface", metavar="NAME")
@click.option("--extcap-dlts", is_flag=True, hidden=True)
@click.option("--extcap-config", is_flag=True, hidden=True)
@click.option("--extcap-version", hidden=True)
@click.option("--extcap-capture-filter", hidden=True)
@click.option("--capture", "is_capturing", is_flag=True)
@click.option("--fifo", metavar="FILE")
@click.option("--healthy", is_flag=True)
@language_option()
def lab_extcap(
    is_listing: bool, interface: str | None, is_capturing: bool, fifo: str | None, healthy: bool, lang: str,
    **_: object,
) -> int:  # fmt: skip
    """Print the script that offers the labs to Wireshark as interfaces."""
    from explain.lab.extcap import interfaces, script

    if is_listing:
        from explain.lab.up.known import all_live

        for line in interfaces(_labs(lang), all_live()):
            print(line)
    elif is_capturing:
        if not interface or not fifo:
            raise UsageError("usage.extcap")
        _capture(interface, Path(fifo), healthy=healthy)
    else:
        print(script(), end="")
    return 0


def _labs(language: str) -> Iterator[tuple[str, str]]:
    """Name and title of every lab that can be read."""
    from explain.lab.catalogue import everything
    from explain.lab.read import read

    for path in everything():
        try:
            found = read(path)
        except ExplainError:
            continue  # `explain lab list` says what is wrong with it
        yield found.name, found.title[language]


def _capture(interface: str, fifo: Path, *, healthy: bool) -> None:
    from explain.lab.extcap import IS_UP, RUNS

    if interface.startswith(IS_UP):
        from explain.lab.up.known import one
        from explain.lab.up.listen import stream_live

        with fifo.open("wb", buffering=0) as file:
            stream_live(one(interface.removeprefix(IS_UP)), file)
        return
    if not interface.startswith(RUNS):
        raise UsageError("usage.extcap_interface", interface=interface)
    from explain.lab.catalogue import find
    from explain.lab.read import read
    from explain.lab.recording import pcapng
    from explain.lab.run import run

    found = read(find(interface.removeprefix(RUNS)))
    with fifo.open("wb") as file:
        recording = run(found, not healthy, with_states=False, is_imported_first=False)
        file.write(pcapng(recording, has_truth=False))  # dumpcap breaks on the long comments that hold the truth
