"""Frames made by hand, explained."""

from __future__ import annotations

from packets import pcap

import explain


def report(*frames):
    """What a capture of these frames shows."""
    return explain.explain(pcap(*frames))


def the_finding(*frames):
    """The only finding of these frames, which leaves nothing unexplained."""
    found = report(*frames)
    (finding,) = found.findings
    assert found.unexplained == ()
    return finding


def exchanges(*frames):
    """All exchanges of these frames."""
    return list(report(*frames).exchanges)


def only(*frames):
    """The only exchange of these frames."""
    (one,) = exchanges(*frames)
    return one
