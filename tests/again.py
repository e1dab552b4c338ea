"""A lab recorded again, and what that shows otherwise than the stored recording; in a process of its own."""

from __future__ import annotations

import json
import re
import struct

from surroundings import TOP

from explain.lab.case import case
from explain.lab.catalogue import find
from explain.lab.read import read
from explain.lab.run import run

PCAPS = TOP / "pcaps"
# What varies on one kernel from run to run, as KERNEL-FACTS says: a cut cable, two owners of an address, two DHCP
# servers, a server that closes at once; and on a busy machine a second packet may leave before a Packet Too Big that
# came back is remembered.  Which of two equal ways a probe takes depends on ports that are drawn; a resolver that goes
# on by TCP may have closed its UDP port before the second answer arrives.  Of these the exit status may vary too.
RACES = {
    *("link-no-carrier", "duplicate-address", "dhcp-rogue-server", "tcp-application-closes", "path-mtu-exceeded.ipv6"),
    *("traceroute-load-balanced", "dns-truncated"),
}


def stored_blocks(path):
    """The interfaces and frames of a section, read here by hand: the reader under test is another room's."""
    data, at, names, frames = path.read_bytes(), 0, [], []
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 1:
            option = at + 16
            code, size = struct.unpack_from("<HH", data, option)
            assert code == 2
            names.append(data[option + 4 : option + 4 + size].decode())
        elif kind == 6:
            interface, _, _, captured, _ = struct.unpack_from("<IIIII", data, at + 8)
            frames.append((names[interface], data[at + 28 : at + 28 + captured]))
        at += length
    return frames


def kind_of(frame):
    """What a frame is, without what changes from run to run."""
    ether = frame[12:14].hex()
    if ether == "0806":
        return "arp", frame[21]
    if ether == "0800":
        protocol, above = frame[23], frame[14 + (frame[14] & 15) * 4 :]
        if struct.unpack_from(">H", frame, 20)[0] & 0x1FFF:
            return "fragment", protocol
        return "ip", protocol, above[0] if protocol == 1 else above[13] & 0x17 if protocol == 6 else None
    if ether == "86dd":
        return "ip6", frame[20], frame[54] if frame[20] == 58 else None
    return (ether,)


def seen(frames):
    return {name: {kind_of(frame) for at, frame in frames if at == name} for name, _ in frames}


def timeless(text):
    """A terminal's text without times, what depends on them, and what versions of a tool write differently."""
    text = re.sub(r"udhcpc: started, v[\d.]+", "udhcpc: started", text)
    text = re.sub(r"^(PING \S+?) (?=\(\S+\) \d+ data bytes)", r"\1", text)  # iputils before and after 2023, of IPv6
    # ... and before and after 2024, of a packet that is too large
    text = re.sub(r"(?m)^ping: local error: message too long, mtu=\d+", "ping: sendmsg: Message too long", text)
    text = re.sub(r"^xid: .*\n| *\(xid=\w+\)", "", text, flags=re.MULTILINE)  # dhclient of Ubuntu
    text = re.sub(r"(?<=port 67) $", "", text, flags=re.MULTILINE)
    text = re.sub(r"^(curl: \(35\)) .*::\S+ alert", r"\1 alert", text)
    text = re.sub(r"\d+(\.\d+)? ?ms", "T ms", text)
    text = re.sub(r"= [\d./]+ ms|= [\d./]+ T ms|mdev = .*", "= T", text)
    text = re.sub(r"renewal in \d+|interval \d+|, pipe \d|pipe \d\n", "", text)
    return re.sub(r"(DHCPDISCOVER [^\n]*\n)+", r"\1", text)  # dhclient asks again after a time that it draws


def differences(name):
    """What a new recording shows otherwise than the stored one, as (what, now, then)."""
    recording = run(read(find(name)), with_states=False)
    varies = {"seconds", "exit_code"} if name in RACES else {"seconds"}
    stored, fresh = (
        {key: value for key, value in one.items() if key not in varies}
        for one in (json.loads((PCAPS / name / "case.json").read_text()), case(recording))
    )
    compared = [("complaints", [str(one) for one in recording.complaints], []), ("case.json", fresh, stored)]
    if name not in RACES:
        main = recording.main.output if recording.main else ""
        compared.append(("terminal", timeless(main), timeless((PCAPS / name / "ping.txt").read_text())))
        now = seen([(recording.wires[i].name, heard.data) for i, heard in recording.frames])
        then = seen(stored_blocks(PCAPS / name / "capture.pcapng"))
        # dhclient of Ubuntu asks for its own name over a loopback that others leave alone.
        now = {place: kinds for place, kinds in now.items() if place in then or not place.endswith(".lo")}
        compared.append(("frames", now, then))
    return [one for one in compared if one[1] != one[2]]


def lasting_differences(name):
    """What differs twice: a busy machine may delay a packet beyond a timer, but hardly that often."""
    return differences(name) and differences(name)
