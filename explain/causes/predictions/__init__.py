"""What each cause predicts: the ways in which it strikes, one TOML file a cause.

A *strike* is a mechanism at a place.  ``how`` it strikes:

- ``works``: the command succeeds (``shows``: ``plain`` or ``redirected``);
- ``refuse``: the sender's own kernel or program refuses at once (``shows``: with which words; ``unprinted`` if only
  the echo itself is refused, of which ping is silent);
- ``no-neighbour``: nobody answers the ARP or ND question of the host ``at`` (``of`` whom it asks; ``why`` nobody
  answers: ``absent``, ``deaf`` who hears and is silent, ``cut`` where the question does not arrive, ``unasked``,
  ``unheard``);
- ``no-carrier``: as ``no-neighbour``, but perhaps not even the question leaves;
- ``unspecified``: requests leave without a source address;
- ``drop``, ``reject``, ``expire``, ``too-big``: the packet ends at ``at``, silently or with an error (``shows`` which,
  by default any that a filter can be told to send); ``elsewhere``: the answer comes from another address;
- ``lose``, ``duplicate``, ``damage``: some packets fare so;
- ``rst``, ``tcp-...``: what TCP meets; ``dhcp``: what a client meets; ``name``: what a look-up meets;
- ``claim``: one more host answers ARP for the address;
- ``trace-gap``: one hop of a trace is silent and later ones are not.

``why`` of a ``drop``: ``first`` if only the sender's own next hop can do it, ``own-mac`` if the frame is for its
sender, ``wrong-mac`` if it is for nobody, ``returned`` if a router sends it back to its sender,
``beside`` if the answer comes by an interface that the socket is not bound to; of an ``expire``
``default`` if the packet begins with less than any host's usual hops.

``at`` is sender, segment, bystander, router, target or dhcp-server; ``leg`` request or reply; ``hop`` says that the
sender's next hop must be the target itself (``onlink``) or must not be (``remote``).  ``when`` names conditions of
``context.Context`` without which it cannot strike; one that is unknown may hold.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from explain.causes.ids import IDS
from explain.record import dataclass


@dataclass(frozen=True, slots=True)
class Strike:
    """One way in which a cause makes itself felt; the words are explained above."""

    how: str
    at: str | None = None
    leg: str | None = None
    shows: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    why: str | None = None
    hop: str | None = None
    when: tuple[str, ...] = ()


@cache
def _strikes_of(cause: str) -> tuple[Strike, ...]:
    """The strikes of a cause; empty for a qualifier.

    Raises:
        FileNotFoundError: the cause has no predictions.
    """
    table = tomllib.loads((files(__package__) / f"{cause}.toml").read_text(encoding="utf-8"))
    return tuple(_strike(each) for each in table["strikes"])


def _strike(row: dict[str, Any]) -> Strike:
    several = {key: tuple(row.get(key, ())) for key in ("shows", "of", "when")}
    return Strike(row["how"], row.get("at"), row.get("leg"), why=row.get("why"), hop=row.get("hop"), **several)


@cache
def all_strikes() -> dict[str, tuple[Strike, ...]]:
    """The strikes of every cause, in the order of the chapters."""
    return {cause: _strikes_of(cause) for cause in IDS}
