"""Records are what ``dataclasses.dataclass`` would make of the same class."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import typing

import pytest

from explain.record import NamedTuple, dataclass


@dataclass(frozen=True, slots=True)
class Ours:
    address: str
    port: int = 80
    seen: list[int] = dataclasses.field(default_factory=list, compare=False)
    secret: str = dataclasses.field(default="x", repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    address: str
    port: int = 80
    seen: list[int] = dataclasses.field(default_factory=list, compare=False)
    secret: str = dataclasses.field(default="x", repr=False)


@dataclass(slots=True)
class Changing:
    count: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Single:
    value: int


def test_a_record_shows_itself_and_takes_arguments_as_the_library_has_it():
    for arguments, named in ((("a",), {}), (("a", 1), {}), (("a",), {"seen": [1], "port": 2})):
        ours, theirs = Ours(*arguments, **named), Theirs(*arguments, **named)
        assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
        assert dataclasses.astuple(ours) == dataclasses.astuple(theirs)
        assert hash(ours) == hash(theirs)
    for wrong in ((), ("a", 1, [], "x", 2)):
        with pytest.raises(TypeError):
            Ours(*wrong)


def test_the_first_records_of_a_class_take_the_arguments_that_later_ones_do():
    @dataclass(frozen=True, slots=True)
    class Many:
        address: str
        port: int = 80
        seen: list[int] = dataclasses.field(default_factory=list, compare=False)

    made = [(Many("a"), Many(seen=[1], address="b")) for _ in range(100)]
    assert {(one.address, one.port, *one.seen) for one, _ in made} == {("a", 80)}
    assert {(one.address, one.port, *one.seen) for _, one in made} == {("b", 80, 1)}
    assert len({id(one.seen) for one, _ in made}) == len(made)


@pytest.mark.parametrize("named", [{}, {"address": "a", "unknown": 1}, {"port": 1}])
def test_the_first_record_of_a_class_refuses_what_later_ones_do(named):
    @dataclass(frozen=True, slots=True)
    class First:
        address: str
        port: int = 80

    for positional in ((), ("a", 1)):
        if named or not positional:
            with pytest.raises(TypeError):
                First(*positional, **named)
    assert First("a").port == 80


def test_a_frozen_record_can_neither_be_changed_nor_grow():
    one = Ours("a")
    for name in ("port", "unknown"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, name, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.port
    assert not hasattr(one, "__dict__")


def test_records_are_equal_by_their_compared_fields_and_only_within_a_class():
    assert Ours("a", seen=[1]) == Ours("a", seen=[2])
    assert Ours("a") != Ours("b")
    assert Ours("a") != Theirs("a")
    assert Single(1) != Single(1)
    assert len({Single(1), Single(1)}) == 2


def test_each_record_gets_a_default_of_its_own_from_a_factory():
    assert Ours("a").seen is not Ours("a").seen


def test_records_survive_replace_copy_and_pickle():
    one = dataclasses.replace(Ours("a", seen=[1]), port=7)
    for same in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):  # noqa: S301  our own
        assert dataclasses.astuple(same) == ("a", 7, [1], "x")
    match one:
        case Ours(address, port):
            assert (address, port) == ("a", 7)


def test_a_record_that_is_not_frozen_changes_and_has_no_hash():
    one = Changing()
    one.count += 1
    assert one == Changing(1)
    with pytest.raises(TypeError):
        hash(one)


def test_the_library_knows_the_same_of_the_fields_of_a_record_of_which_none_was_made_yet():
    @dataclass(slots=True)
    class Unmade:
        value: int
        rest: str = "x"

    assert [(one.name, one.type, one.default) for one in dataclasses.fields(Unmade)] == [
        ("value", "int", dataclasses.MISSING), ("rest", "str", "x"),
    ]  # fmt: skip
    assert dataclasses.asdict(Unmade(1)) == {"value": 1, "rest": "x"}


def test_a_class_below_a_record_calls_its_init_before_any_record_of_it_was_made():
    @dataclass(slots=True)
    class Above:
        value: int

    class Below(Above):
        def __init__(self) -> None:
            super().__init__(7)
            self.more = 8

    assert [(one.value, one.more) for one in (Below(), Below())] == [(7, 8), (7, 8)]
    assert Above(1).value == 1


def test_what_only_the_library_can_do_is_refused():
    class Later:
        value: int = dataclasses.field(init=False)

    with pytest.raises(TypeError, match="dataclasses"):
        dataclass(slots=True)(Later)


class OurTuple(NamedTuple):
    """What is said of it."""

    address: str
    port: int = 80

    @property
    def end(self) -> str:
        return f"{self.address}:{self.port}"


class TheirTuple(typing.NamedTuple):
    """What is said of it."""

    address: str
    port: int = 80

    @property
    def end(self) -> str:
        return f"{self.address}:{self.port}"


def test_a_named_tuple_is_what_the_library_makes_of_the_same_class():
    ours, theirs = OurTuple("a"), TheirTuple("a")
    assert ours == theirs == ("a", 80)
    assert repr(ours) == repr(theirs).replace("Their", "Our")
    assert (ours.end, ours._replace(port=1).end, OurTuple._make("ab").end) == ("a:80", "a:1", "a:b")
    for name in ("__doc__", "__module__", "_fields", "_field_defaults", "__match_args__"):
        assert getattr(OurTuple, name) == getattr(TheirTuple, name)
    assert OurTuple.__qualname__ == "OurTuple"
    assert pickle.loads(pickle.dumps(ours)) == copy.copy(ours) == ours  # noqa: S301  our own
    with pytest.raises(TypeError):
        OurTuple()
