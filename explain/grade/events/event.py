"""What a rubric can name: an event with its fields, and the fields of whatever is in them."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explain.grade.events.scene import Scene

ROW = "row of the report's table"
"""The key under which a packet keeps where it was recorded, as scene and row; no name of a rubric can be this."""


class End(str):
    """One end of a conversation: reads ``address:port``, and has both by name."""

    __slots__ = ("ip", "port")
    ip: str
    port: int | None


def end(ip: str, port: int | None = None) -> End:
    """An end; without a port it reads as the address alone."""
    text = ip if port is None else f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
    made = End(text)
    made.ip, made.port = ip, port
    return made


@dataclass(frozen=True, slots=True)
class Later:
    """A value that is dear to make; it is made when a rubric asks for it."""

    make: Callable[[], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """Something that a rubric can name.

    Attributes:
        name: the alias or kind, see ``vocabulary``.
        rows: of the packet table, in time order.
        place: index into the table's places.
        start_ns: UTC nanoseconds of its first frame.
        exchange: id of the exchange that it is a part of, empty if of none.
        fields: nested by the dots of their names.
        scene: of which these are the rows; None for an event that nobody cites.
    """

    name: str
    rows: tuple[int, ...]
    place: int
    start_ns: int
    exchange: str
    fields: Mapping[str, Any]
    scene: Scene | None = None


class UnknownFieldError(LookupError):
    """A field that a value does not have; the text is its name."""


def part(value: Any, name: str) -> Any:
    """A field of a value by its name; of a list, the list of the fields.

    Raises:
        UnknownFieldError: there is no such field.
    """
    if isinstance(value, Later):
        value = value.make()
    if isinstance(value, (list, tuple)):
        return [part(one, name) for one in value]
    if isinstance(value, Event):
        value = value.fields
    if value is None:
        return None
    found: Any = _NOTHING
    if isinstance(value, dict):
        found = value.get(name, _NOTHING)
    elif isinstance(value, End) and name in ("ip", "address", "port"):
        found = value.port if name == "port" else value.ip
    elif is_dataclass(value):
        known = {one.name.rstrip("_"): one.name for one in fields(value)}
        found = getattr(value, known[name]) if name in known else _NOTHING
    if found is _NOTHING:
        raise UnknownFieldError(name)
    return found.make() if isinstance(found, Later) else found


_NOTHING = object()


def numbered(value: Event | Mapping[str, Any]) -> str:
    """The number of the first frame of an event or a packet, with its capture where there are several."""
    fields = value.fields if isinstance(value, Event) else value
    scene = value.scene if isinstance(value, Event) else value.get(ROW, (None,))[0]
    has_one = scene is None or not (scene.is_one_of_several or len(scene.names) > 1)
    return str(fields["frame"]) if has_one else f"{fields['frame']} ({fields['capture']})"
