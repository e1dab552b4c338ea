"""What somebody might hand in to break a grader, each as the files of one submission."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import warnings
import zipfile

import capture_files as files
from dhcp_packets import DISCOVER, asks, discover, option
from grading_scenes import FAR, ME, ROUTER, asked_and_pinged
from packets import A, B, datagram, error, eth, icmp, ip, pcap, ping, segment, tcp, udp

MEBI = 1 << 20
GOOD = pcap(*asked_and_pinged(3)).getvalue()
RIGHT = b"q = 1\n"


def zipped(*entries, kind=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two entries of one name
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def entry(name, kind=tarfile.REGTYPE, link="", size=0, **more):
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    for key, value in more.items():
        setattr(made, key, value)
    return made


def tarred(*entries, mode="w:gz", form=tarfile.PAX_FORMAT):
    """Of (name or TarInfo, content)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:
        for one, content in entries:
            made = entry(one) if isinstance(one, str) else one
            made.size = len(content)
            archive.addfile(made, io.BytesIO(content))
    return out.getvalue()


OWN = (("lab.pcap", GOOD), ("answers.toml", RIGHT))


def overlapping(copies=2000):
    """One packed megabyte under many names, each of whose directory entries points at it."""
    base = zipped(("lab.pcap", bytes(MEBI)))
    at = base.index(b"PK\x01\x02")
    directory = b"".join(
        base[at : at + 28] + struct.pack("<H", 8) + base[at + 30 : at + 46] + b"%08d" % n for n in range(copies)
    )
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, copies, copies, len(directory), at, 0)
    return base[:at] + directory + tail


def lying_zip():
    """The directory says a few octets, the data are far more."""
    base = bytearray(zipped(("lab.pcap", bytes(24 * MEBI))))
    for mark, size in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", base, base.index(mark) + size, 100)
    return bytes(base)


def locked_zip():
    base = bytearray(zipped(*OWN))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := base.find(mark, at + 1)) >= 0:
            base[at + flags] |= 1
    return bytes(base)


def nested(depth):
    made = zipped(*OWN)
    for _ in range(depth):
        made = zipped(("in.zip", made))
    return made


def linked_zip(target, *more):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        link = zipfile.ZipInfo("lab.pcap")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, target)
        archive.writestr("answers.toml", RIGHT)
        for name, content in more:
            archive.writestr(name, content)
    return out.getvalue()


def raw_zip(*entries):
    """Names that the writer would refuse or change."""
    out = io.BytesIO()
    names = {f"{n:064d}": name for n, (name, _) in enumerate(entries)}
    with zipfile.ZipFile(out, "w") as archive:
        for plain, (_, content) in zip(names, entries, strict=True):
            archive.writestr(plain, content)
    made = out.getvalue()
    for plain, name in names.items():
        made = made.replace(plain.encode(), name[:64].ljust(64, b"_"))
    return made


def listing(number):
    """A zip file that lists so many files in a directory of a few octets each, one after the other."""
    import numpy as np

    base = zipped(("lab.pcap", GOOD))
    at = base.index(b"PK\x01\x02")
    one = np.frombuffer(base[at : at + 28] + struct.pack("<H", 8) + base[at + 30 : at + 46] + bytes(8), np.uint8)
    directory = np.tile(one, (number, 1))
    for place in range(8):
        directory[:, 46 + place] = np.arange(number) // 10 ** (7 - place) % 10 + ord("0")
    size = directory.size
    end_64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, number, number, size, at)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at + size, 1)
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return base[:at] + directory.tobytes() + end_64 + locator + tail


def sparse_tar():
    """A file of 8 GiB, none of which is in the archive."""
    made = bytearray(entry("lab.pcap", tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    made[386:410] = b"%011o\0" % 0 * 2
    made[483:495] = b"%011o\0" % (8**11 - 1)
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made[:512])
    return bytes(made) + bytes(1024)


def commented():
    """An archive that ends, by its comment, where another one of no file ends."""
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    made = bytearray(zipped(*OWN) + end)
    struct.pack_into("<H", made, len(made) - 2 * len(end) + 20, len(end))
    return bytes(made)


def told_elsewhere():
    """A tar file whose extended headers put a file somewhere else, and make another one larger than it is."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, more in (("a", {"path": "/evil"}), ("b", {"path": "../evil"}), ("c", {"linkpath": "/evil"})):
            archive.addfile(entry(name, size=1, pax_headers=more), io.BytesIO(b"x"))
        for name, content in OWN:
            archive.addfile(entry(name, size=len(content)), io.BytesIO(content))
        archive.addfile(entry("d", size=1, pax_headers={"size": str(1 << 60)}), io.BytesIO(b"x"))
    return out.getvalue()


STRANGE = [
    b"a\nb",
    b"-rf",
    b"\x1b[2J\x1b]8;;http://x\x07",
    "\u202egnp.".encode(),
    b"a\0b",
    b"\xff\xfe",
    b"CON",
    b"~root",
]


def big_header():
    """A tar file that begins with a header of 32 MiB, of which a reader would make a dictionary."""
    head = entry("x", tarfile.XGLTYPE, size=32 * MEBI).tobuf(tarfile.GNU_FORMAT)
    return gzip.compress(head + (b"33554432 comment=" + b"x" * 32 * MEBI)[: 32 * MEBI - 1] + b"\n", 1)


def damaged_zip() -> bytes:
    octets = zipped(("lab.pcap", GOOD))
    at = octets.index(b"lab.pcap") + len("lab.pcap")
    return octets[:at] + b"\xff" * 8 + octets[at + 8 :]


CONTAINERS = {
    "zip bomb": (lambda: {"a.zip": zipped(("lab.pcap", bytes(24 * MEBI)))}, None),
    "zip whose directory lies about its size": (lambda: {"a.zip": lying_zip()}, None),
    "zip of files that are too long together": (
        lambda: {"a.zip": zipped(*OWN, *((f"{n}.bin", bytes(MEBI)) for n in range(9)))}, None),
    "zip of overlapping entries": (lambda: {"a.zip": overlapping()}, None),
    "zip of overlapping entries, fewer than a limit counts": (lambda: {"a.zip": overlapping(900)}, None),
    "zip with a password": (lambda: {"a.zip": locked_zip()}, None),
    "zip, lzma bomb": (lambda: {"a.zip": zipped(("lab.pcap", bytes(24 * MEBI)), kind=zipfile.ZIP_LZMA)}, None),
    "zip of many files": (lambda: {"a.zip": zipped(*((f"{n}", b"") for n in range(3000)))}, None),
    "zip that lists a hundred thousand files": (lambda: {"a.zip": listing(100_000)}, None),
    "zip behind a program": (lambda: {"a.zip": b"MZ" * 5000 + zipped(*OWN)}, 7),
    "zip with the end of another in its comment": (lambda: {"a.zip": commented()}, None),
    "zip cut off": (lambda: {"a.zip": zipped(*OWN)[:-40]}, None),
    "zip with damaged data": (lambda: {"a.zip": damaged_zip()}, None),
    "zip cut off beside the capture": (
        lambda: {"a.zip": zipped(*OWN)[:-40], "lab.pcap": GOOD, "answers.toml": RIGHT}, 7),
    "zip in a zip": (lambda: {"a.zip": nested(1)}, 7),
    "zip in a zip in a zip": (lambda: {"a.zip": nested(2)}, None),
    "zip in a zip, a hundred deep": (lambda: {"a.zip": nested(100)}, None),
    "zip with ways out": (lambda: {"a.zip": zipped(("../lab.pcap", b"x"), ("/lab.pcap", b"x"), ("a/../../evil", b"x"),
                                           ("..\\evil", b"x"), ("C:\\evil", b"x"), *OWN)}, 7),
    "zip with a link before the file of its name": (
        lambda: {"a.zip": linked_zip("/etc/passwd", ("lab.pcap", GOOD))}, 7),
    "zip with a link": (lambda: {"a.zip": linked_zip("/etc/passwd")}, None),
    "zip whose names differ by case": (lambda: {"a.zip": zipped(*OWN, ("LAB.PCAP", b"x"), ("lab.PCAP", b"y"))}, 7),
    "zip whose names differ by composition": (
        lambda: {"a.zip": zipped(*OWN, ("e\u0301.pcap", b"x"), ("\xe9.pcap", b"y"))}, 7),
    "zip with one name twice": (lambda: {"a.zip": zipped(*OWN, ("lab.pcap", b"nothing"))}, 7),
    "zip with strange names": (lambda: {"a.zip": raw_zip(*((name, b"x") for name in STRANGE)),
                                "lab.pcap": GOOD, "answers.toml": RIGHT}, 7),
    "zip with a file where a folder should be": (lambda: {"a.zip": zipped(("a", b"x"), ("a/lab.pcap", GOOD))}, None),
    "zip with very deep folders": (lambda: {"a.zip": zipped(("d/" * 500 + "lab.pcap", GOOD))}, None),
    "zip with a very long name": (lambda: {"a.zip": zipped(("n" * 5000 + ".pcap", GOOD), *OWN)}, 7),
    "zip that is none": (lambda: {"a.zip": b"PK\x03\x04" + bytes(60)}, None),
    "tar with ways out": (lambda: {"a.tar.gz": tarred(("../evil", b"x"), ("/evil", b"x"), *OWN)}, 7),
    "tar with links": (lambda: {"a.tar.gz": tarred((entry("lab.pcap", tarfile.SYMTYPE, "/etc/passwd"), b""),
                                           (entry("b.pcap", tarfile.LNKTYPE, "/etc/passwd"), b""))}, None),
    "tar with a link and a file through it": (lambda: {"a.tar": tarred((entry("d", tarfile.SYMTYPE, "/"), b""),
                                                               ("d/evil", b"x"), *OWN, mode="w")}, 7),
    "tar with devices and pipes": (lambda: {"a.tar": tarred((entry("lab.pcap", tarfile.CHRTYPE, devmajor=1), b""),
                                                    (entry("b.pcap", tarfile.FIFOTYPE), b""),
                                                    (entry("c.pcap", tarfile.BLKTYPE, devmajor=7), b""),
                                                    mode="w")}, None),
    "tar, xz bomb": (lambda: {"a.tar.xz": lzma.compress(tarred(("lab.pcap", bytes(24 * MEBI)), mode="w"))}, None),
    "tar, bzip2 bomb": (lambda: {"a.tar.bz2": bz2.compress(tarred(("lab.pcap", bytes(24 * MEBI)), mode="w"), 1)}, None),
    "tar of zeros without end": (lambda: {"a.tar.gz": gzip.compress(bytes(MEBI)) * 400}, None),
    "tar with a header of 32 MiB": (lambda: {"a.tar.gz": big_header()}, None),
    "tar with a file that is a hole of 8 GiB": (lambda: {"a.tar": sparse_tar()}, None),
    "tar with a name of 1 MB": (lambda: {"a.tar.gz": tarred(("n" * 1_000_000, b"x"), *OWN)}, 7),
    "tar with a name of 2 MB": (lambda: {"a.tar.gz": tarred(("n" * 2_000_000, b"x"), *OWN)}, None),
    "tar with other names and sizes in its extended headers": (lambda: {"a.tar": told_elsewhere()}, None),
    "tar of many files": (lambda: {"a.tar.gz": tarred(*((f"{n}", b"") for n in range(3000)))}, None),
    "tar cut off": (lambda: {"a.tar.gz": tarred(*OWN)[:-30]}, None),
    "tar whose size is none": (lambda: {"a.tar": b"lab.pcap".ljust(124, b"\0") + b"\x80" + b"\xff" * 400}, None),
    "gzip bomb": (lambda: {"lab.pcap.gz": gzip.compress(GOOD) + gzip.compress(bytes(MEBI)) * 400}, None),
    "gzip in gzip": (lambda: {"lab.pcap.gz": gzip.compress(gzip.compress(GOOD))}, None),
    "gzip cut off": (lambda: {"lab.pcap.gz": gzip.compress(GOOD)[:-12], "answers.toml": RIGHT}, 6),
}  # fmt: skip


def changed(octets, at, word, form="<I"):
    made = bytearray(octets)
    struct.pack_into(form, made, at, word)
    return bytes(made)


def ng(*blocks, options=b"", head=True):
    frames = [files.enhanced(one, n * 1000) for n, one in enumerate(asked_and_pinged(3))]
    start = files.section() + files.interface(options) if head else b""
    return start + b"".join(blocks) + b"".join(frames)


def ng_first(*blocks):
    frames = [files.enhanced(one, n * 1000) for n, one in enumerate(asked_and_pinged(3))]
    return files.section() + files.interface() + b"".join(frames) + b"".join(blocks)


NAMES = struct.pack("<HH", 1, 12) + bytes([192, 0, 2, 1]) + b"gateway\0" + bytes(4)
IN_ALL = bytes.fromhex("ff" * 8)

CAPTURES = {
    "a record of 4 GiB": GOOD[:24] + bytes(8) + b"\xff" * 8,
    "a second record of 4 GiB": GOOD + bytes(8) + b"\xff" * 8,
    "snaplen 0": changed(GOOD, 16, 0),
    "original shorter than captured": changed(GOOD, 36, 1),
    "last record cut": GOOD[:-5],
    "header cut": GOOD[:11],
    "only a header": GOOD[:24],
    "empty": b"",
    "text": b"nothing of the kind",
    "unknown link type": changed(GOOD, 20, 65000),
    "times of 2106": changed(GOOD, 24, 0xFFFFFFFF),
    "times going backwards": pcap(*((5.0 - n, one) for n, one in enumerate(asked_and_pinged(3)))).getvalue(),
    "microseconds beyond a second": changed(GOOD, 28, 0xFFFFFFFF),
    "pcapng block of length 0": ng_first(struct.pack("<II", 6, 0) + bytes(60)),
    "pcapng block of a length that is no multiple of 4": ng_first(files.block(6, bytes(20), total=33)),
    "pcapng block whose lengths differ": ng_first(files.block(0x0BAD, bytes(8), trailer=8)),
    "pcapng block of 4 GiB": ng_first(struct.pack("<II", 6, 0xFFFFFFFC) + bytes(60)),
    "pcapng of the other byte order from the middle on": ng_first(
        files.section(order=">") + files.interface(order=">") + files.enhanced(ping(ME, FAR, 9), order=">")
    ),
    "pcapng frame of no interface": ng_first(files.enhanced(b"x" * 60, port=77)),
    "pcapng option longer than its block": ng(options=struct.pack("<HH", 2, 60000) + b"eth0"),
    "pcapng time resolution 2^-127": ng(options=files.option(9, b"\xff")),
    "pcapng time resolution 10^-127": ng(options=files.option(9, b"\x7f")),
    "pcapng time offset at the end of time": ng(options=files.option(14, struct.pack("<q", (1 << 63) - 1))),
    "pcapng times long before 1970": ng(options=files.option(14, struct.pack("<q", -(1 << 33)))),
    "pcapng time offset before the beginning of time": ng(options=files.option(14, struct.pack("<q", -(1 << 63)))),
    "pcapng names for other addresses": ng(files.block(4, NAMES)),
    "pcapng of many interfaces": files.section() + files.interface() * 50_000
    + b"".join(files.enhanced(one, n * 1000) for n, one in enumerate(asked_and_pinged(3))),
    "pcapng of a million interfaces, packed": {
        "lab.pcap.gz": gzip.compress(files.section() + files.interface() * 1_000_000, 1)
    },
    "pcapng whose interface has a name of 65,532 octets": ng(options=files.option(2, b"\x1b[2J" * 13107)),
    "longer than is allowed": pcap(*asked_and_pinged(3), *[bytes(MEBI // 4)] * 20).getvalue(),
    "one ping, a thousand times": pcap(*asked_and_pinged(0), *(asked_and_pinged(1)[2:] * 1000)).getvalue(),
    "pcapng without an interface": ng(head=False),
    "pcapng sections without end": files.section() * 5000,
}  # fmt: skip


def dns(name_octets):
    head = struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0)
    return head + name_octets + struct.pack(">HH", 1, 1) + name_octets + struct.pack(">HHIH", 1, 1, 60, 4) + bytes(4)


def nested_ip(depth, kind):
    made = ip(ME, FAR, 1, icmp(8, 0, 1, b"x" * 20))
    for _ in range(depth):
        made = ip(ME, FAR, 47, struct.pack(">HH", 0, 0x800) + made) if kind == 47 else ip(ME, FAR, 4, made)
    return eth(A, B, 0x800, made[:1400])


def many_tags():
    return octets_of(A, B) + b"\x81\x00\x00\x01" * 300 + b"\x08\x00" + ip(ME, FAR, 1, icmp(8, 0, 1))


def octets_of(source, target):
    return bytes.fromhex((target + source).replace(":", ""))


def extension_chain():
    chain = (b"\x3c" + bytes(7)) * 150
    head = struct.pack(">IHBB", 0x60000000, len(chain), 60, 64) + bytes(15) + b"\1" + bytes(15) + b"\2"
    return eth(A, B, 0x86DD, head + chain)


def fragments():
    whole = udp(ME, FAR, 1, 2, b"x" * 100)
    made = []
    for at in (0, 0, 8, 4, 8184, 8191):
        one = bytearray(ip(ME, FAR, 17, whole[:40], ident=9))
        struct.pack_into(">H", one, 6, 0x2000 | at)
        made.append(eth(A, B, 0x800, bytes(one)))
    return made


def half_open(number=20_000):
    return [
        eth(A, B, 0x800, ip(f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", FAR, 6,
                            tcp(ME, FAR, 1024 + n % 60000, 80, 2, seq=n)))
        for n in range(number)
    ]  # fmt: skip


def half_open_million():
    """A capture of a million connections that never open, no two alike; 74 MB."""
    import numpy as np

    head, one = pcap().getvalue(), pcap(half_open(1)[0]).getvalue()[24:]
    rows = np.tile(np.frombuffer(one, np.uint8), (1_000_000, 1))
    numbers = np.arange(1_000_000)
    at = 16 + 14 + 12  # behind the record's header and Ethernet's: the sender's address
    for place in range(3):
        rows[:, at + 1 + place] = numbers >> (16 - 8 * place) & 255
    rows[:, 0:4] = (1_700_000_000 + numbers // 1000).astype("<u4").view(np.uint8).reshape(-1, 4)
    return head + rows.tobytes()


def hole():
    me, far = (ME, 4000), (FAR, 80)
    return [
        segment(me, far, 2, seq=0xFFFFFFFE),
        segment(far, me, 0x12, seq=0xFFFFFFFF, ack=0xFFFFFFFF),
        segment(me, far, 0x10, seq=0xFFFFFFFF, ack=0),
        segment(me, far, 0x18, seq=0, ack=0, data=b"a" * 100),
        segment(me, far, 0x18, seq=0x7FFFFFF0, ack=0, data=b"b"),
        segment(me, far, 0x18, seq=0xFFFFFF00, ack=0x80000000, data=b"c" * 1000),
    ]


def overloaded(sname, file=b"\x0c\5h1\x1b[2", told=b"\3"):
    """A message whose options go on in its other fields (RFC 2132, 9.3)."""
    return asks(DISCOVER, (52, told), sname=sname[:64], file=file[:128])


def asked_at_length():
    me, far = (ME, 4000), (FAR, 80)
    text = b"GET /" + b"p" * MEBI + b" HTTP/1.1\r\nHost: " + b"h" * MEBI + b"\r\n\r\n"
    parts = range(0, len(text), 1400)
    return [
        segment(me, far, 2, seq=100),
        segment(far, me, 0x12, seq=200, ack=101),
        *(segment(me, far, 0x18, seq=101 + at, ack=201, data=text[at : at + 1400]) for at in parts),
    ]


def errors_in_errors():
    made = error(ROUTER, 3, 1, ping(ME, FAR, 1))
    for _ in range(5):
        made = error(ROUTER, 11, 0, made)
    return [made]


def short_header():
    made = bytearray(ping(ME, FAR, 1))
    made[14] = 0x41
    return [bytes(made)]


PROTOCOLS = {
    "DNS name that points at itself": [datagram((FAR, 53), (ME, 5353), dns(b"\xc0\x0c"))],
    "DNS names that point at each other": [datagram((FAR, 53), (ME, 5353), dns(b"\1a\xc0\x10\1b\xc0\x0c"))],
    "DNS message that ends in a name": [datagram((FAR, 53), (ME, 5353), dns(b"\x3fabc")[:20])],
    "DHCP options that go on in the name of the server, and from there again": [overloaded(option(52, b"\3") * 3)],
    "DHCP options beyond the end of the name of the server": [overloaded(b"\x0c\xff", b"\x0c\xff")],
    "DHCP options that go on where they do not": [overloaded(b"", b"", told=b"\xff" * 200)],
    "HTTP with a path and a host of 1 MB": asked_at_length,
    "DHCP options beyond the end": [discover()[:-3] + b"\x0c\xff"],
    "IPv6 extension headers without end": [extension_chain()],
    "IP in IP in IP": [nested_ip(60, 4)],
    "GRE in GRE in GRE": [nested_ip(50, 47)],
    "three hundred VLAN tags": [many_tags()],
    "fragments that overlap": fragments(),
    "connections that never open": half_open,
    "TCP with a hole of 4 GiB": hole(),
    "ICMP errors in ICMP errors": errors_in_errors(),
    "IP header shorter than 20": short_header(),
    "every octet set": [IN_ALL * 180],
    "frames without an octet": [b""] * 50,
}


def of_protocol(frames):
    return pcap(*asked_and_pinged(3), *(frames() if callable(frames) else frames)).getvalue()


def toml(text):
    return text.encode("utf-8", "surrogateescape")


ANSWERS = {
    "an expression": toml('q = "{req.opcode}"'),
    "a format string": toml('q = "{req.__class__.__init__.__globals__}"'),
    "not a number": toml("q = nan"),
    "infinity": toml("q = inf"),
    "a number of 4000 digits": toml("q = " + "9" * 4000),
    "a number of 100,000 digits": toml("q = " + "9" * 100_000),
    "a text of 200,000 digits": toml('q = "' + "9" * 200_000 + '"'),
    "nested 10,000 deep": toml("q = " + "[" * 10_000 + "]" * 10_000),
    "tables nested 10,000 deep": toml("a." * 10_000 + "b = 1"),
    "a key twice": toml("q = 2\nq = 1"),
    "another type": toml("q = { a = 1 }"),
    "a list of everything": toml(f"q = {list(range(3000))}"),
    "a truth": toml("q = true"),
    "a date": toml("q = 2020-01-01"),
    "no UTF-8": b"q = \xff\xfe",
    "octets 0": bytes(1000),
    "too much": b"#" * (1 << 20),
    "a table of the grader's words": toml('score = 99\nverdict = "met"\nq = "points"'),
}


def plant(folder):
    """What a grader might believe, or Python might run, if it looked there."""
    for name in ("sitecustomize.py", "conftest.py", "usercustomize.py", "numpy.py", "explain.py", "click.py"):
        (folder / name).write_text("import os\nos._exit(7)\n")
    for name in ("results.json", "grades.json", "rubric.json", "cache.json"):
        (folder / name).write_text('{"score": 99}')
    (folder / "rubric.toml.pth").write_text("import os; os._exit(7)")
    (folder / "lab.pcap").write_bytes(pcap(ping(ME, FAR, 1)).getvalue())


def link_out(folder):
    (folder / "lab.pcap").symlink_to(folder.parent / "honest-0" / "lab.pcap")
    (folder / "sub").symlink_to(folder.parent)
    os.mkfifo(folder / "b.pcap")


def loop(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "again").symlink_to(folder)
    (folder / "lab.pcap").write_bytes(GOOD)
    (folder / "answers.toml").write_bytes(RIGHT)


def sparse(folder):
    with (folder / "lab.pcap").open("wb") as file:
        file.write(GOOD)
        file.truncate(10 << 30)


FOLDERS = {"planted files": (plant, 1), "links out of it": (link_out, None), "a link to itself": (loop, 7),
           "10 GB of nothing": (sparse, None)}  # fmt: skip
