"""What a notebook shows of reports and exchanges, and the data frames that it works on."""

from __future__ import annotations

import pickle
from html.parser import HTMLParser

import pytest
from packets import A, datagram, error, pcap, ping, who_has
from surroundings import TOP

import explain
from explain.errors import UsageError
from explain.words import table as words

EVIL = "<img/src=x/onerror=alert(1)>"


class Seen(HTMLParser):
    """The elements and the text of a piece of a page; an element that is not closed properly is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, name, _):
        self.elements.append(name)
        self._open.append(name)

    def handle_endtag(self, name):
        assert self._open.pop() == name

    def handle_data(self, text):
        self.text += f"{text}\n"


@pytest.fixture
def report():
    return explain.explain(TOP / "pcaps" / "no-route-on-router" / "sender.pcap")


@pytest.fixture
def hostile():
    name = bytes([len(EVIL)]) + EVIL.encode() + b"\0"
    asked = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + name + b"\0\x01\0\x01"
    return explain.explain(pcap(datagram(("192.0.2.1", 5000), ("192.0.2.2", 53), asked)))


def test_a_report_shows_its_verdict_and_each_sentence_with_its_frames(report):
    shown = Seen(report._repr_html_())
    assert shown.text.startswith("✗ Router 192.0.2.254 knows no way to 198.51.100.1")
    assert "\n4\n192.0.2.254 answers net-unreachable" in shown.text
    told = [line for line in report.lines if line.depth <= 1]
    assert shown.elements.count("tr") == len(told)


def test_an_exchange_shows_its_facts(report):
    shown = Seen(report.exchanges[1]._repr_html_())
    assert shown.text.startswith("e2 icmp.echo: refused\nframes\n3-8\n")
    assert "dst\n198.51.100.1\n" in shown.text
    assert "None" not in shown.text


def test_lists_and_records_in_an_exchange_read_as_lines():
    report = explain.explain(str(TOP / "pcaps" / "dhcp" / "capture.pcapng"))
    lease = next(one for one in report.exchanges if one.kind == "dhcp.lease")
    shown = Seen(lease._repr_html_())
    assert "messages\ntype DISCOVER frame 1; type OFFER frame 3; type REQUEST frame 5" in shown.text
    assert "dns\n192.0.2.254\n" in shown.text


def test_all_exchanges_are_a_list(report):
    shown = Seen(report.exchanges._repr_html_())
    assert shown.elements.count("tr") == 1 + len(report.exchanges)
    assert "e2\nicmp.echo\nrefused\n3-8\n" in shown.text


def test_of_many_exchanges_the_first_fifty_are_shown():
    frames = [who_has((A, "192.0.2.1"), f"192.0.2.{n}") for n in range(2, 62)]
    shown = Seen(explain.explain(pcap(*frames)).exchanges._repr_html_())
    assert shown.elements.count("tr") == 51
    assert "50 / 60" in shown.text


def test_text_of_packets_is_text(hostile):
    for piece in (hostile, hostile.exchanges, *hostile.exchanges):
        html = piece._repr_html_()
        assert "img" not in Seen(html).elements
        assert EVIL not in html
    assert any(EVIL in Seen(one._repr_html_()).text for one in hostile.exchanges)


def test_the_columns_of_packets_are_those_that_are_documented(report):
    frame = report.packets.to_pandas()
    assert list(frame.columns) == [name for name in words("columns")["packets"] if name != "path"]
    row = frame.iloc[2]
    assert (row["frame"], row["src"], row["dst"], row["protocol"]) == (3, "192.0.2.1", "198.51.100.1", "icmp")


def test_the_columns_of_exchanges_are_those_that_are_documented_and_then_the_fields(report):
    frame = report.exchanges.to_pandas()
    documented = [name for name in words("columns")["exchanges"] if name != "others"]
    assert list(frame.columns)[: len(documented)] == documented
    row = frame.iloc[1]
    assert (row["id"], row["frames"], row["outcome"], row["sent"]) == ("e2", "3-8", "refused", 3)


def test_packets_without_ports_have_none_and_not_zero():
    frame = explain.explain(pcap(ping("192.0.2.1", "192.0.2.2", 1))).packets.to_pandas()
    assert frame["src_port"].isna().all()


def test_numbers_of_packets_can_come_below_zero():
    frame = explain.explain(pcap(ping("192.0.2.1", "192.0.2.2", 1))).packets.to_pandas()
    assert all((frame[name] - 100).max() < 0 for name in ("frame", "length", "captured", "ttl"))


def test_a_report_and_its_parts_introduce_themselves_in_one_line():
    report = explain.explain(pcap(*(ping("192.0.2.1", "192.0.2.2", seq) for seq in range(1, 4))))
    assert repr(report) == "<Report captures=1 packets=3 exchanges=1 findings=1>"
    assert repr(report.exchanges) == "<Exchanges 1: icmp.echo>"
    assert repr(report.packets) == "<Packets 3>"
    assert repr(report.findings) == f"<Findings 1: {report.findings[0].cause}>"


def test_a_report_can_be_sent_to_another_process():
    asked = datagram(("192.0.2.1", 5000), ("192.0.2.2", 7), b"x")
    told = explain.explain(pcap(ping("192.0.2.1", "192.0.2.2", 1), asked, error("192.0.2.2", 3, 3, asked)))
    sent = pickle.loads(pickle.dumps(told))  # noqa: S301  its own
    assert (sent.to_json(), sent.story("ja")) == (told.to_json(), told.story("ja"))
    assert sent.exchanges.to_pandas().equals(told.exchanges.to_pandas())


@pytest.mark.parametrize("language", ["de", "", None, ["en"]])
def test_a_language_without_words_is_named_and_those_that_there_are(report, language):
    for told in (report.story, report.to_json):
        with pytest.raises(UsageError, match="there are en, ja"):
            told(language)
