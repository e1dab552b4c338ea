"""``dataclass``, as the standard library has it, made in a quarter of the time.

The library compiles up to seven functions for every class; over ten packets that was a fifth of the whole run.
Here only ``__init__`` is compiled, and what else a frozen or comparable class needs is shared by all of them.
For the rooms that a run over a capture loads.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  exported
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, eq: bool = True) -> Callable[[type], type]:
        """A decorator like ``dataclasses.dataclass``, which knows these three options."""
        return lambda cls: _made(cls, is_frozen=frozen, has_slots=slots, is_comparable=eq)


def _made(cls: type, *, is_frozen: bool, has_slots: bool, is_comparable: bool) -> type:
    cls.__doc__ = cls.__doc__ or cls.__name__  # else the library writes a signature, which takes as long again
    own = set(cls.__dict__)
    made: type = dataclasses.dataclass(init=False, repr=False, eq=False, slots=has_slots)(cls)
    fields = dataclasses.fields(made)
    if hasattr(made, "__post_init__") or not all(field.init for field in fields):
        raise TypeError(f"{cls.__qualname__} needs dataclasses.dataclass")
    members: dict[str, Any] = {"__init__": _init(made, fields, is_frozen=is_frozen), "__repr__": _repr}
    if is_comparable:
        values = _values([field.name for field in fields if field.compare])
        members |= {"__eq__": _eq(values), "__hash__": _hash(values) if is_frozen else None}
    if is_frozen:
        members |= {"__setattr__": _refuse, "__delattr__": _refuse, "__getstate__": _state, "__setstate__": _restore}
    for name, member in members.items():
        if name not in own:
            setattr(made, name, member)
    return made


def _init(cls: type, fields: tuple[dataclasses.Field[Any], ...], *, is_frozen: bool) -> Any:
    known: dict[str, Any] = {"_set": object.__setattr__, "_absent": dataclasses.MISSING}
    arguments, body = ["self"], []
    for field in fields:
        name = value = field.name
        if field.default_factory is not dataclasses.MISSING:
            known[f"_new_{name}"] = field.default_factory
            arguments.append(f"{name}=_absent")
            value = f"_new_{name}() if {name} is _absent else {name}"
        elif field.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default
            arguments.append(f"{name}=_default_{name}")
        else:
            arguments.append(name)
        body.append(f"_set(self, {name!r}, {value})" if is_frozen else f"self.{name} = {value}")
    exec(f"def __init__({', '.join(arguments)}): {'; '.join(body) or 'pass'}", known)  # noqa: S102  names of fields
    made = known["__init__"]
    made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    made.__annotations__ = {field.name: field.type for field in fields}
    return made


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*names) if len(names) > 1 else lambda record: tuple(getattr(record, name) for name in names)


def _eq(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], bool]:
    def __eq__(self: Any, other: object) -> bool:  # noqa: N807
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    return lambda record: hash(values(record))


def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse(self: object, name: str, *_: object) -> NoReturn:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot assign to or delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
