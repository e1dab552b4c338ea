from __future__ import annotations

import pytest
from grading_scenes import HEAD, rubric_file

from explain.errors import UsageError
from explain.grade.authoring.lint import lint
from explain.grade.events.table import EVENTS
from explain.grade.events.vocabulary import fields_of, meaning
from explain.grade.language.expressions import evaluate
from explain.grade.language.patterns import search
from explain.grade.language.syntax import parse
from explain.grade.rubric.reading import load

ANSWER = '[[check]]\nid = "a"\npoints = 1\nexpect = "arp.request"\n[[answer]]\nid = "q"\npoints = 1\n'
CHECK = '[[check]]\nid = "a"\npoints = 1\nexpect = "arp.request"\n'


@pytest.mark.needs("corpus")
@pytest.mark.parametrize("name", ["arp", "dhcp", "icmp", "nat", "tcp"])
def test_the_rubrics_of_the_contract_lint_unchanged(corpus, name):
    rubric, errors, _ = lint(str(corpus.parent / "rubrics" / f"{name}.toml"))
    assert errors == []
    assert rubric.checks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[check]]\nid = "a"\npoints = 1\nexpect = "arp.requst"\n', "did you mean arp.request"),
        (CHECK + "where = { sender.ipp = 1 }\n", "did you mean sender.ip"),
        (CHECK + 'wehre = { sender.ip = "1.2.3.4" }\n', "did you mean where"),
        (CHECK + "where = { sender.ip = { mni = 1 } }\n", "did you mean min"),
        (CHECK + 'needs = ["b"]\n' + CHECK.replace('"a"', '"b"'), "never be reached"),
        (CHECK + 'needs = ["zz"]\n', "does not exist"),
        (CHECK + 'where = { sender.ip = "{mee}" }\n', "nothing is called 'mee'"),
        (CHECK + 'count = "many"\n', "count"),
        (CHECK + 'within = "soon"\n', "within"),
        (CHECK + CHECK, "used twice"),
        (CHECK + 'capture = "h2"\n', "no capture is called 'h2'"),
        ('[[check]]\nid = "a"\npoints = 1\nassert = "__import__(\'os\')"\n', "only these can be called"),
        ('[[check]]\nid = "a"\npoints = 1\n', "asks for nothing"),
        (CHECK + 'count = "5-2"\n', "can never hold"),
        (CHECK + 'as = "req"\nfail = "frame {req.sendr.mac}"\n', "did you mean sender.mac"),
        (CHECK + 'fail = "{event.taget.ip}"\n', "did you mean target.ip"),
        (CHECK + '[[check]]\nid = "b"\npoints = 1\nassert = "a.opcod == 1"\n', "did you mean opcode"),
        (
            CHECK + 'as = "req"\n[[answer]]\nid = "q"\ntype = "mac"\npoints = 1\nkey = "{req.sender.mca}"\n',
            "did you mean sender.mac",
        ),
        (CHECK + 'credit = [ { points = 1, event = "icmp.ecko" } ]\n', "did you mean icmp.echo"),
        (CHECK + "where = { opcode = { min = 2, max = 1 } }\n", "opcode from 2 to 1 can never hold"),
        (CHECK + 'visibility = "nevr"\n', "did you mean never"),
        (CHECK + 'where = { outcome = "unaswered" }\n', "did you mean unanswered"),
        (
            '[[check]]\nid = "p"\npoints = 1\nexpect = "icmp.echo"\nwhere = { answered = "yes" }\n',
            "none of true, false",
        ),
        ('[[check]]\nid = "p"\npoints = 1\nexpect = "icmp.echo"\nwhere = { answered = 1 }\n', "none of true, false"),
        (CHECK + 'where = { outcome = { in = ["answered", "lost"] } }\n', "outcome = 'lost' is none of answered"),
        (
            CHECK.replace("arp.request", "icmp.unreachable") + 'where = { code = "fragmentation" }\n',
            "fragmentation-needed",
        ),
        (CHECK.replace("arp.request", "dhcp.ack") + 'where = { type = "DHCPACK" }\n', "none of discover"),
        (CHECK.replace("arp.request", "dns.query") + 'where = { rcode = "NXDOMIAN" }\n', "did you mean NXDOMAIN"),
        (CHECK.replace("arp.request", "ip.packet") + 'where = { proto = "igmp" }\n', "none of icmp"),
        (CHECK.replace("arp.request", "tcp.close") + 'where = { by = "finn" }\n', "did you mean fin"),
        (CHECK + 'as = "req"\n' + ANSWER + 'type = "ip"\nkey = "{req[1].target.ip}"\n', "'a' are all of them"),
        (
            CHECK
            + 'as = "req"\n'
            + CHECK.replace('"a"', '"b"').replace("expect", "assert").replace("arp.request", "req[0].opcode == 1"),
            "takes no number",
        ),
        (ANSWER + 'type = "int"\nkey = "dozen"\n', "key = 'dozen' is not of type int"),
        (
            ANSWER + 'type = "mac"\nkey = "{a.sender.mac}"\nwrong = [{ value = "x" }]\n',
            "wrong = 'x' is not of type mac",
        ),
        (ANSWER + 'type = "choice"\nchoices = ["yes", "no"]\nkey = "yess"\n', "did you mean yes"),
        (ANSWER + 'type = "table"\nkey = "{a}"\n', "a table has columns"),
        (ANSWER + 'type = "int"\nkey = 1\nneeds = ["b"]\n', "needs 'b', which is no check"),
        (ANSWER + 'type = "set"\nkey = ["x"]\npartial = "jacard"\n', "did you mean jaccard"),
        (
            CHECK + 'as = "req"\n' + ANSWER + 'type = "offset"\nkey = "{offset(req, \'arp.opcod\')}"\n',
            "did you mean arp.opcode",
        ),
        (CHECK + '[integrity]\npolicy = "flags"\n', "did you mean flag"),
        (CHECK + '[integrity]\nsame_run = ["h1", "h2"]\n', "no capture is called 'h2'"),
        (CHECK + '[integrity]\nmarker = { were = "udp.payload" }\n', "did you mean where"),
        (CHECK + '[integrity]\nnonce_share = "much"\n', "nonce_share = 'much' is no number"),
    ],
)
def test_a_mistake_in_a_rubric_is_named(tmp_path, text, said):
    _, errors, _ = lint(str(rubric_file(tmp_path, text)))
    assert any(said in error for error in errors), errors


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("title = 1\n", "line 2, [[check]]"),
        (CHECK.replace("= 1", "= 'x'"), "line 4, check 'a': points"),
        (CHECK + CHECK, "line 7, id 'a'"),
        (CHECK + CHECK.replace('"a"', '"b"') + "\nwhere = { opcode = 1, target.ipp = 1 }\n", "line 11, check 'b'"),
        (CHECK + 'none = "arp.reply"\n', "line 6, check 'a': asks for several"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, text, line):
    text = text if "check" in text else f"[[check]]\n{text}"
    (path := tmp_path / "rubric.toml").write_text(f"rubric = 1\n{text}", "utf-8")
    assert any(one.startswith(line) for one in lint(str(path))[1]), lint(str(path))[1]


@pytest.mark.parametrize(("name", "key"), [("traceroute.hop", "a[1].from"), ("traceroute", "a.hops[1].from_")])
def test_a_hop_by_its_place_in_a_list_is_doubtful(tmp_path, name, key):
    text = ANSWER.replace("arp.request", name) + f'type = "ip"\nkey = "{{{key}}}"\n'
    _, errors, (warning,) = lint(str(rubric_file(tmp_path, text)))
    assert (errors, "where = { ttl = 2 }" in warning) == ([], True)


def test_words_of_a_field_may_have_capitals(tmp_path):
    where = 'where = { code = "Host", about.proto = "ICMP" }\n'
    rubric, errors, _ = lint(str(rubric_file(tmp_path, CHECK.replace("arp.request", "icmp.unreachable") + where)))
    assert (errors, [one.value for one in rubric.checks[0].expect.where]) == ([], ["host", "icmp"])


def test_a_total_that_the_points_do_not_add_up_to_is_an_error(tmp_path):
    head = HEAD.replace("[submission]", "total = 3\n[submission]")
    _, errors, _ = lint(str(rubric_file(tmp_path, CHECK, head)))
    assert any("add up to 1" in error for error in errors)


@pytest.mark.parametrize(
    "text",
    [
        'none = "tcp.reset"\n',
        'none = "ip.packet"\nwhere = { src = "{roster.host_ip}" }\n',
        'expect = "arp.request"\ncount = "<=3"\n',
        'all_of = [ { expect = "tcp.reset", count = 0 } ]\n',
        'assert = "1 == 1"\n',
    ],
)
def test_a_check_that_an_empty_capture_passes_is_warned_of(tmp_path, text):
    check = f'[[check]]\nid = "quiet"\npoints = 1\n{text}'
    _, errors, warnings = lint(str(rubric_file(tmp_path, check)))
    assert errors == []
    assert any("shows nothing passes it" in one for one in warnings)
    _, _, warnings = lint(str(rubric_file(tmp_path, CHECK + check + 'needs = ["a"]\n')))
    assert warnings == []
    _, _, warnings = lint(str(rubric_file(tmp_path, check.replace("points = 1", "points = -1"))))
    assert warnings == []


def test_the_median_of_what_is_one_event_is_warned_of(tmp_path):
    for bind, key, number in (("one", "one", 1), ("one", "pings", 0), ("pings", "pings", 1)):
        check = f'[[check]]\nid = "pings"\npoints = 1\nexpect = "icmp.echo"\nas = "{bind}"\n'
        question = f'[[answer]]\nid = "q"\nask = "?"\ntype = "number"\npoints = 1\nkey = "{{median({key}.rtt_ms)}}"\n'
        _, errors, warnings = lint(str(rubric_file(tmp_path, f"{check}{question}tolerance = 1\n")))
        assert (errors, len(warnings)) == ([], number)


@pytest.mark.parametrize(
    "text",
    ["().__class__", "a.__class__", "open('x')", "[x for x in y]", "lambda: 1", "9**9**9", "f'{a}'", "a if b else c",
     "len.__self__", "(" * 300, "a" * 2000, "1+" * 150 + "1"],
)  # fmt: skip
def test_what_is_not_on_the_list_is_no_expression(text):
    with pytest.raises(UsageError):
        parse(text)


def test_a_type_that_nobody_knows_is_told_with_one_that_may_be_meant(tmp_path):
    text = '[[answer]]\nid = "q"\nask = "?"\ntype = "tabel"\npoints = 1\nkey = [{ a = 1 }]\n'
    _, errors, _ = lint(str(rubric_file(tmp_path, text)))
    assert any("'tabel'" in one and "table" in one for one in errors)


def test_what_the_interfaces_are_called_is_read_for_the_captures_that_there_are(tmp_path):
    head = 'rubric = 1\n[submission]\ncaptures = { h1 = "a.pcap", r1 = "b.pcap" }\n'
    check = '[[check]]\nid = "a"\npoints = 1\nexpect = "arp.request"\n'
    for named, number in (('{ h1 = "eth0", r1 = ["lan", "wan"] }', 0), ('{ r2 = "eth0", h1 = 7 }', 2)):
        _, complaints = load(str(rubric_file(tmp_path, check, f"{head}interfaces = {named}\n")))
        assert len(complaints) == number


def test_a_product_cannot_grow_without_bound():
    with pytest.raises(UsageError):
        evaluate(" * ".join(["99999999999999999999"] * 20), {})


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(a*)*c", "([a-z]+)*1"])
def test_no_pattern_takes_longer_than_its_text(pattern):
    assert not search(f"^{pattern}$", "a" * 3000 + "!")


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)", "a{100000}", "(" * 50])
def test_a_pattern_that_needs_a_memory_or_too_much_room_is_refused(pattern):
    with pytest.raises(UsageError):
        search(pattern, "aaa")


def test_every_event_tells_what_each_of_its_fields_means():
    for language in ("en", "ja"):
        assert all(told for name in EVENTS for told in (meaning(name, language), *fields_of(name, language).values()))


@pytest.mark.parametrize(("tolerance", "warned"), [("", True), ("tolerance = 0.1\n", False)])
def test_a_measured_answer_without_a_tolerance_is_warned_of(tmp_path, tolerance, warned):
    text = '[[check]]\nid = "p"\npoints = 1\nexpect = "icmp.echo"\nas = "p"\n[[answer]]\nid = "q"\ntype = "number"\n'
    _, errors, warnings = lint(str(rubric_file(tmp_path, f'{text}points = 1\nkey = "{{p.rtt_ms}}"\n{tolerance}')))
    assert (errors, any("no tolerance" in one for one in warnings)) == ([], warned)


@pytest.mark.parametrize(
    ("key", "warned"), [("{p.rtt_ms}", True), ("{p.rtt_ms / 1000}", False), ("{p.seconds}", False)]
)
def test_a_duration_that_is_keyed_in_milliseconds_is_warned_of(tmp_path, key, warned):
    text = '[[check]]\nid = "p"\npoints = 1\nexpect = "icmp.echo"\nas = "p"\n[[answer]]\nid = "q"\ntype = "duration"\n'
    _, errors, warnings = lint(str(rubric_file(tmp_path, f'{text}points = 1\ntolerance = 1\nkey = "{key}"\n')))
    assert (errors, any("rtt_ms / 1000" in one for one in warnings)) == ([], warned)
