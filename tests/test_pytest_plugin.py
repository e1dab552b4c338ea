"""The pytest plugin, as test suites of others use it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from surroundings import TOP

pytestmark = pytest.mark.long

pytest_plugins = ["pytester"]

IS_INSTALLED = bool(entry_points(group="pytest11", name="explain"))
PLUGIN = () if IS_INSTALLED else ("-p", "explain.pytest_plugin")  # a checkout that was installed before it had one
PCAPS = TOP / "pcaps"
HEAD = "from explain.pytest_plugin import exchange, failure, finding\n"


@pytest.fixture
def ran(pytester):
    """Runs, in a process of its own, a suite with one test for each claim; each test is named by its number."""

    def run(claims):
        source = f"{HEAD}PCAPS = {str(PCAPS)!r}\nSENDER = f'{{PCAPS}}/no-route-on-router/sender.pcap'\n"
        for number, claim in enumerate(claims):
            source += f"\ndef test_{number}(capture):\n    traffic = capture.read(SENDER)\n    {claim}\n"
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider")

    return run


SO = (
    'assert exchange("icmp.echo") in traffic',
    'assert exchange("icmp.echo", "refused", count=1) in traffic',
    'assert exchange("icmp.echo", "answered") not in traffic',
    'assert exchange("icmp.error", "net-unreachable", where={"about.dst": "198.51.100.1"}) in traffic',
    'assert exchange("icmp.echo", dst="198.51.100.1", sent=lambda count: count > 2) in traffic',
    "assert failure in traffic",
    'assert finding("no-route-on-router", "likely") in traffic',
    'assert finding("forwarding-disabled") not in traffic',
    'capture.read(f"{PCAPS}/router/capture.pcapng").check(f"{PCAPS}/../fixtures/router/expected.toml")',
    'assert [one.outcome for one in traffic.matching(exchange("arp.resolution"))] == ["answered"]',
    'assert failure not in capture.read(f"{PCAPS}/healthy/sender.pcap")',
)
NOT_SO = {
    'assert exchange("icmp.echo", "answered", dst="198.51.100.1") in traffic': (
        "expected at least one: icmp.echo answered dst=198.51.100.1",
        "capture: *no-route-on-router/sender.pcap",
        "seen:",
        "icmp.echo refused (frames 3-8) dst=198.51.100.1",
        "arp.resolution answered (frames 1-2)",
    ),
    'assert exchange("icmp.error", count=1) in traffic': (
        "expected 1: icmp.error",
        "seen 3 of them:",
        "icmp.error net-unreachable (frame 4)",
    ),
    "assert failure not in traffic": ("expected none: failed exchange", "icmp.echo refused (frames 3-8)"),
    'assert finding("forwarding-disabled") in traffic': (
        "expected at least one: forwarding-disabled",
        "no-route-on-router likely (frames 4, 6, 8)",
    ),
    'traffic.check(f"{PCAPS}/../fixtures/router/expected.toml")': (
        "expected 1: icmp.echo answered*; seen: none",
        "not expected: e2 icmp.echo refused (frames 3-8)",
    ),
}
MISTYPED = {
    'assert exchange("tcp.conection") not in traffic': "'tcp.conection'*tcp.connection",
    'assert exchange("tcp.connection", sever__port=80) not in traffic': "'sever'*server",
    'assert exchange("tcp.connection", server__prt=80) not in traffic': "'server.prt'*server.port",
    'assert finding("no-route-on-ruoter") not in traffic': "no-route-on-router",
}


def test_what_is_so_passes(ran):
    ran(SO).assert_outcomes(passed=len(SO))


def test_what_is_not_so_fails_and_shows_expected_and_seen_with_frames(ran):
    result = ran(NOT_SO)
    result.assert_outcomes(failed=len(NOT_SO))
    for told in NOT_SO.values():
        result.stdout.fnmatch_lines([f"E  *{line}*" for line in told])


def test_a_name_that_was_mistyped_is_an_error_and_no_silent_pass(ran):
    result = ran(MISTYPED)
    result.assert_outcomes(failed=len(MISTYPED))
    for hint in MISTYPED.values():
        result.stdout.fnmatch_lines([f"E  *UnknownNameError*{hint}*"])


def in_a_namespace(pytester, *words: str) -> subprocess.CompletedProcess[str]:
    """A suite in a network namespace of its own, where only loopback is up."""
    start = 'ip link set lo up && exec "$@"'
    command = [
        "unshare",
        "--net",
        "sh",
        "-c",
        start,
        "sh",
        sys.executable,
        "-m",
        "pytest",
        *PLUGIN,
        "-p",
        "no:cacheprovider",
    ]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return subprocess.run(
        [*command, *words],
        cwd=pytester.path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


TALKS = """
import socket, threading
from explain.pytest_plugin import exchange, failure

def talk(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            peer, _ = server.accept()
            peer.recv(100)
            peer.sendall(answer)
            peer.close()
        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /here HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n")
            while client.recv(100):
                pass
        thread.join()
        return port
"""


@pytest.mark.needs("namespaces", "ip")
def test_what_a_block_sends_is_recorded_and_kept_for_wireshark(pytester):
    pytester.makepyfile(
        TALKS
        + """
def test_it(capture, tmp_path):
    with capture.record(interface="lo") as traffic:
        port = talk(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
    assert exchange("tcp.connection", "closed", count=1, server__port=port) in traffic
    assert exchange("http.request", "answered", path="/here", status=200) in traffic
    assert failure not in traffic
    assert traffic.dropped == 0
    assert (tmp_path / "capture-1.pcapng").stat().st_size > 0

def test_that(capture):
    with capture.record() as traffic:
        talk(b"HTTP/1.1 404 No\\r\\nContent-Length: 0\\r\\n\\r\\n")
    assert exchange("http.request", status=200) in traffic
"""
    )
    done = in_a_namespace(pytester)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert re.search(r"http.request answered \(frames \d+.*\) status=404", done.stdout)


@pytest.mark.needs("namespaces", "ip")
def test_the_example_of_the_page_passes_as_it_stands(pytester):
    page = (TOP / "docs" / "programs.md").read_text(encoding="utf-8").partition("## In a test suite")[2]
    pytester.makepyfile(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1])
    done = in_a_namespace(pytester)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.needs("namespaces", "ip", "ping")
def test_another_namespace_is_heard_and_this_one_is_not(pytester):
    pytester.makepyfile("""
import os, subprocess
from explain.pytest_plugin import exchange

def test_it(capture):
    other = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; echo; read x; ping -c1 127.0.0.7"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdout.readline()
    with capture.record(namespace=other.pid) as there, capture.record() as here:
        other.communicate(b"go\\n")
    assert exchange("icmp.echo", "answered", dst="127.0.0.7", sent=1) in there
    assert exchange("icmp.echo") not in here
""")
    done = in_a_namespace(pytester)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.needs("namespaces", "ip")
def test_what_cannot_be_heard_is_an_error_that_says_why(pytester):
    pytester.makepyfile("""
def test_name(capture):
    with capture.record(namespace="nobody"): pass
def test_interface(capture):
    with capture.record(interface="eth9"): pass
""")
    done = in_a_namespace(pytester)
    assert "2 failed" in done.stdout
    assert "nobody: no such network namespace" in done.stdout
    assert "eth9: no such interface; there are lo" in done.stdout


def test_the_plugin_loads_nothing_heavy():
    code = "import explain.pytest_plugin, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "click", "pandas", "dpkt", "rich"}.isdisjoint(loaded)
    ours = "import explain.pytest_plugin, sys; print(*[name for name in sys.modules if name.startswith('explain')])"
    loaded = subprocess.run([sys.executable, "-c", ours], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["explain", "explain.record", "explain.pytest_plugin"]
