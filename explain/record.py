"""``dataclass`` and ``NamedTuple``, as the standard library has them, made in a fraction of the time.

The library looks at every field of a class and compiles up to seven functions for it when it is defined; over ten
packets, most of whose records are never made, that was a fifth of the whole run.  Here ``__init__`` is compiled when
the first record of a class is made, what the library knows of the fields is made when somebody asks for it, and what
else a frozen or comparable class needs is shared by all of them.  Of named tuples it compiles the type of each field.
For the rooms that a run over a capture loads.
"""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  exported
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414  exported
else:

    class _Named(type):
        def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, members)
            fields = members["__annotations__"]
            defaults = [members[field] for field in fields if field in members]
            made = namedtuple(name, fields, defaults=defaults, module=members["__module__"])  # noqa: PYI024  it is slow
            for member in members.keys() - fields.keys():
                setattr(made, member, members[member])
            return made

    class NamedTuple(metaclass=_Named):
        """A base like ``typing.NamedTuple``."""

    def dataclass(*, frozen: bool = False, slots: bool = False, eq: bool = True) -> Callable[[type], type]:
        """A decorator like ``dataclasses.dataclass``, which knows these three options."""
        return lambda cls: _made(cls, is_frozen=frozen, has_slots=slots, is_comparable=eq)


_Given = dict[str, Any]
"""For each field its default, a ``Field``, or that there is none."""
_FEW = 32  # records of a class whose values are put in one by one before an ``__init__`` is worth compiling
_OF_NO_SLOTS = ("__dict__", "__weakref__")


def _made(cls: type, *, is_frozen: bool, has_slots: bool, is_comparable: bool) -> type:
    own = cls.__dict__
    given = {name: own.get(name, dataclasses.MISSING) for name in own.get("__annotations__", ())}
    described = {name: one for name, one in given.items() if isinstance(one, dataclasses.Field)}
    if hasattr(cls, "__post_init__") or cls.__bases__ != (object,) or not all(one.init for one in described.values()):
        raise TypeError(f"{cls.__qualname__} needs dataclasses.dataclass")
    members: dict[str, Any] = {"__repr__": _repr, "__match_args__": tuple(given)}
    members |= {name: _Described(name, given) for name in ("__dataclass_fields__", "__dataclass_params__")}
    if is_comparable:
        members |= {"__eq__": _eq, "__hash__": _hash if is_frozen else None}
    if is_frozen:
        members |= {"__setattr__": _refuse, "__delattr__": _refuse, "__getstate__": _state, "__setstate__": _restore}
    kept = {name: one for name, one in own.items() if name not in (given if has_slots else described)}
    if has_slots:
        members["__slots__"] = tuple(given)
    else:
        kept |= {name: one.default for name, one in described.items() if one.default is not dataclasses.MISSING}
    made = _again(cls, members | kept)
    if "__init__" not in own:
        setattr(made, "__init__", _first_init(made, given, is_frozen=is_frozen))  # noqa: B010  mypy thinks it unsound
    return made


def _again(cls: type, members: Mapping[str, Any]) -> type:
    """The class with other members: slots can be given to a class only when it is made."""
    made = type(cls.__name__, (), {name: one for name, one in members.items() if name not in _OF_NO_SLOTS})
    made.__qualname__ = cls.__qualname__
    return made


class _Described:
    """What the library keeps of a class under a name, made by the library itself when somebody looks."""

    def __init__(self, name: str, given: _Given) -> None:
        self._name = name
        self._given = given

    def __get__(self, record: object, cls: type) -> Any:
        defaults = {name: one for name, one in self._given.items() if one is not dataclasses.MISSING}
        members = {"__annotations__": cls.__annotations__, "__module__": cls.__module__, "__doc__": cls.__name__}
        plain: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(type(cls.__name__, (), members | defaults))
        for name in ("__dataclass_fields__", "__dataclass_params__"):
            setattr(cls, name, getattr(plain, name))
        return getattr(plain, self._name)


def _first_init(cls: Any, given: _Given, *, is_frozen: bool) -> Callable[..., None]:
    """The ``__init__`` of the first records of a class; where more come, it compiles that of all later ones."""
    few, optional = iter(range(_FEW)), {name for name, one in given.items() if _has_default(one)}

    def __init__(self: Any, *values: Any, **named: Any) -> None:  # noqa: N807
        put = dict(zip(given, values, strict=False)) | named
        is_fit = len(put) == len(values) + len(named) and put.keys() | optional == given.keys()
        if is_fit and next(few, None) is not None:
            for name, one in given.items():
                object.__setattr__(self, name, put[name] if name in put else _default(one))
            return
        cls.__init__ = _init(cls, given, is_frozen=is_frozen)
        cls.__init__(self, *values, **named)

    return __init__


def _has_default(one: Any) -> bool:
    if isinstance(one, dataclasses.Field):
        return one.default is not dataclasses.MISSING or one.default_factory is not dataclasses.MISSING
    return one is not dataclasses.MISSING


def _default(one: Any) -> Any:
    if not isinstance(one, dataclasses.Field):
        return one
    return one.default if one.default_factory is dataclasses.MISSING else one.default_factory()


def _init(cls: type, given: _Given, *, is_frozen: bool) -> Any:
    known: dict[str, Any] = {"_set": object.__setattr__, "_absent": dataclasses.MISSING}
    arguments, body = ["self"], []
    for name, one in given.items():
        value = name
        default = one.default if isinstance(one, dataclasses.Field) else one
        if isinstance(one, dataclasses.Field) and one.default_factory is not dataclasses.MISSING:
            known[f"_new_{name}"] = one.default_factory
            arguments.append(f"{name}=_absent")
            value = f"_new_{name}() if {name} is _absent else {name}"
        elif default is not dataclasses.MISSING:
            known[f"_default_{name}"] = default
            arguments.append(f"{name}=_default_{name}")
        else:
            arguments.append(name)
        body.append(f"_set(self, {name!r}, {value})" if is_frozen else f"self.{name} = {value}")
    exec(f"def __init__({', '.join(arguments)}): {'; '.join(body) or 'pass'}", known)  # noqa: S102  names of fields
    made = known["__init__"]
    made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    made.__annotations__ = dict(cls.__annotations__)
    return made


@cache
def _compared(cls: Any) -> Callable[[Any], tuple[Any, ...]]:
    names = [field.name for field in dataclasses.fields(cls) if field.compare]
    return attrgetter(*names) if len(names) > 1 else lambda record: tuple(getattr(record, name) for name in names)


def _values_of(record: Any) -> tuple[Any, ...]:
    cls: Any = type(record)
    return _compared(cls)(record)


def _eq(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _values_of(self) == _values_of(other)


def _hash(self: Any) -> int:
    return hash(_values_of(self))


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
