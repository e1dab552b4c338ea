"""Packets that were damaged, or became two, between two places."""

from __future__ import annotations

from two_places import INSIDE, SERVER, Walk, of_kind, ping

from explain.exchanges.over_places import altered


def asked(walk, seq, *copies):
    near, far = (ping(INSIDE, SERVER, seq, ttl=ttl, ip_id=seq) for ttl in (64, 63))
    walk.out(seq, near, copies[0](far))
    for copy in copies[1:]:
        walk.out(seq + 0.00001, None, copy(far))


def as_it_was(packet):
    return packet


def damaged(packet):
    return packet[:40] + bytes([packet[40] ^ 4]) + packet[41:]


def answered(walk, seq, times=1):
    for again in range(times):
        near, far = (ping(SERVER, INSIDE, seq, ttl=ttl, ip_id=900 + 10 * seq + again, kind=0) for ttl in (63, 64))
        walk.back(seq + 0.1 + again / 100, near, far)


def test_what_was_right_at_one_place_and_wrong_at_the_next_was_damaged_between_them():
    walk = Walk()
    for seq in range(1, 7):
        asked(walk, seq, damaged if seq in (2, 5) else as_it_was)
        if seq not in (2, 5):
            answered(walk, seq)
    report = walk.report()
    ((found,),) = (journey.fields.altered for journey in of_kind(report, "journey"))
    assert (found.what, found.is_back, found.packets, found.capture, found.next_capture) == ("damaged", False, 2, 0, 1)
    (told,) = [one for one in report.findings if one.cause == "corrupted-packets"]
    assert (told.certainty, told.values["case"], told.values["count"]) == ("proved", "between", 2)


def test_what_came_by_one_place_once_and_by_the_next_twice_was_doubled_between_them():
    walk = Walk()
    for seq in range(1, 7):
        is_double = seq in (2, 5)
        asked(walk, seq, *([as_it_was] * (1 + is_double)))
        answered(walk, seq, 1 + is_double)
    report = walk.report()
    ((found,),) = (journey.fields.altered for journey in of_kind(report, "journey"))
    assert (found.what, found.packets, found.capture, found.next_capture) == ("doubled", 2, 0, 1)
    (told,) = [one for one in report.findings if one.cause == "duplicated-packets"]
    assert (told.certainty, told.values["case"]) == ("proved", "between")


def test_a_place_that_records_each_packet_twice_doubles_none_on_the_way():
    walk = Walk()
    for seq in range(1, 7):
        asked(walk, seq, as_it_was, as_it_was)
        answered(walk, seq)
    assert all(not journey.fields.altered for journey in of_kind(walk.report(), "journey"))


def test_a_loop_is_not_compared_step_by_step_with_all_its_later_steps(monkeypatch):
    walk, asked_for = Walk(), []
    for turn in range(30):
        near, far = (ping(INSIDE, SERVER, 1, ttl=64 - 2 * turn - by, ip_id=7) for by in (0, 1))
        walk.out(1 + turn / 1000, near, far)
        walk.out(1 + turn / 1000, None, far if not turn else None)
    plain = altered._by_number
    monkeypatch.setattr(altered, "_by_number", lambda *given, many: asked_for.append(many) or plain(*given, many=many))
    assert all(not journey.fields.altered for journey in of_kind(walk.report(), "journey"))
    assert 60 <= len(asked_for) < 1000
