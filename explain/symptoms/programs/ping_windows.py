"""One line of the ping of Windows, understood; in English and in Japanese.

Source: the messages of ping.exe of Windows 7 to 11 and of Windows Server.
"""

from __future__ import annotations

import re
from typing import Any

from explain.symptoms.addresses import canonical, family_of
from explain.symptoms.programs.icmp_words import icmp_error

Reading = tuple[str, dict[str, Any]]

_HOST = r"(?P<host>[^\s\[\]]{1,300})(?: ?\[(?P<addr>[^\]\s]{1,80})\])?"
_HEADERS = (
    re.compile(rf"Pinging {_HOST}(?: from (?P<src>\S+))? with (?P<size>\d{{1,6}}) bytes of data:?"),
    re.compile(rf"(?:(?P<src>\S+) から ?)?{_HOST} ?に ping を送信しています ?(?P<size>\d{{1,6}}) バイトのデータ ?:?"),
)
_REPLIES = (
    re.compile(r"Reply from (?P<who>\S+?): (?P<rest>.+)"),
    re.compile(r"(?P<who>[0-9A-Fa-f:.%]+) ?からの応答 ?: ?(?P<rest>.+)"),
)
_SIZE = re.compile(r"(?:bytes|バイト数) ?= ?(\d{1,6})")
_TIME = re.compile(r"(?:time|時間) ?([=<]) ?(\d{1,9}) ?ms", re.IGNORECASE)
_TTL = re.compile(r"TTL ?= ?(\d{1,3})")
_NO_HOST = re.compile(
    r"(?:Ping request could not find host (\S+?)\. Please check the name|"
    r"ping 要求ではホスト (\S+?) が見つかりませんでした|"
    r"Ping request could not find host ([^\s.]+))"
)
_TITLE = re.compile(r"(?:Ping statistics for (\S+?):|(\S+) の ping 統計 ?:)\s*\Z")
_PACKETS = re.compile(
    r"(?:Packets: Sent = (\d{1,9}), Received = (\d{1,9}), Lost = (\d{1,9}) \((\d{1,3})% loss\)|"
    r"パケット数 ?: ?送信 ?= ?(\d{1,9})、 ?受信 ?= ?(\d{1,9})、 ?損失 ?= ?(\d{1,9}) ?\((\d{1,3})% ?の損失\))"
)
_COUNTED = r"[^\W\d_][^=,\d]{3,20} ?= ?"
_OTHER_PACKETS = re.compile(
    rf"\S[^=]{{2,20}}: {_COUNTED}(?P<sent>\d{{1,9}}), "
    rf"{_COUNTED}(?P<received>\d{{1,9}}), {_COUNTED}(?P<lost>\d{{1,9}})\b"
)
_OTHER_REPLY = re.compile(
    r"[^\d:]{3,40} (?P<from>[0-9A-Fa-f.:%]{2,45}) ?: ?[^\W\d_]{3,10}=(?P<bytes>\d{1,6}) "
    r"[^\W\d_]{3,10}(?P<sign>[=<])(?P<time>\d{1,9}) ?ms TTL=(?P<ttl>\d{1,3})\Z"
)
"""The same in languages without words here: Bytes=32 Zeit<1ms TTL=127."""
_TIMES = re.compile(
    r"(?:Minimum = (\d{1,9})ms, Maximum = (\d{1,9})ms, Average = (\d{1,9})ms|"
    r"最小 ?= ?(\d{1,9})ms、 ?最大 ?= ?(\d{1,9})ms、 ?平均 ?= ?(\d{1,9})ms)"
)
_TIMES_TITLE = ("Approximate round trip times", "ラウンド トリップの概算時間")
_SILENT = ("Request timed out", "要求がタイムアウトしました")
_GENERAL = (
    "General failure",
    "一般エラー",
    "一般的なエラー",
    "PING: transmit failed",
    "PING: 転送に失敗しました",
    "転送に失敗しました",
    "Hardware error",
)
_POWERSHELL = re.compile(
    r"(?:WARNING|警告): Ping to \S+ failed (?:with status:|-- Status:) (?P<said>\w+)|"
    r" *\d{1,4} \S+ +\S+ +\* +\d{1,5} (?P<row>\w+)\Z|"
    r"Test-Connection ?: .+(?P<old>Error due to lack of resources|リソース不足によるエラー)"
)
_STATUS = {
    "DestinationHostUnreachable": "icmp.host-unreachable", "DestinationNetworkUnreachable": "icmp.net-unreachable",
    "TtlExpired": "icmp.ttl-exceeded",
}  # fmt: skip
"""Names of IPStatus, as Test-Connection and Test-NetConnection of PowerShell say them; Source: System.Net of .NET."""
_STOP = ("Control-C", "Control-Break", "^C")
_CODE = re.compile(r"(?:error code|エラー コード) (\d{1,6})")


def read_windows_ping(text: str) -> Reading | None:
    """What one line of Windows' ping says, or None."""
    text = text.strip()
    for pattern in _HEADERS:
        if match := pattern.match(text):
            address = canonical(match.group("addr") or match.group("host"))
            return "echo.start", {
                "target": match.group("host"), "address": address, "family": family_of(address),
                "source": canonical(match.group("src") or ""),
                "interface": None, "size": int(match.group("size")), "total": None, "dialect": "windows",
            }  # fmt: skip
    for pattern in _REPLIES:
        if match := pattern.match(text):
            return _reply(match.group("who"), match.group("rest"))
    if other := _OTHER_REPLY.match(text):
        said = f"bytes={other['bytes']} time{other['sign']}{other['time']}ms TTL={other['ttl']}"
        return _reply(other["from"], said)
    return _silence(text) or _totals(text) or _powershell(text)


def _powershell(text: str) -> Reading | None:
    """Test-Connection and Test-NetConnection; the former said of whatever stayed silent that resources were lacking."""
    found = _POWERSHELL.match(text)
    status = found and (found["said"] or found["row"] or found["old"])
    if status in _STATUS:
        return _STATUS[status], {"from": None, "from_name": None, "seq": None, "dialect": "windows"}
    is_silent = found is not None and (found["old"] or status == "TimedOut")
    return ("echo.timeout", {"seq": None, "dialect": "windows"}) if is_silent else None


def _reply(speaker: str, rest: str) -> Reading | None:
    address = canonical(speaker)
    size, time, ttl = _SIZE.search(rest), _TIME.search(rest), _TTL.search(rest)
    if time or (size and ttl):
        return "echo.reply", {
            "from": address, "from_name": None, "seq": None, "ttl": int(ttl.group(1)) if ttl else None, "flags": (),
            "dialect": "windows",
            "time_ms": float(time.group(2)) if time else None, "is_below": bool(time and time.group(1) == "<"),
            "bytes": int(size.group(1)) if size else None,
        }  # fmt: skip
    error = icmp_error(rest, family_of(address))
    return (error[0], {"from": address, "from_name": None, "seq": None, **error[1]}) if error else None


def _silence(text: str) -> Reading | None:
    if text.startswith(_SILENT):
        return "echo.timeout", {"seq": None, "dialect": "windows"}
    if text.startswith(_GENERAL):
        code = _CODE.search(text)
        return "kernel.general-failure", {
            "errno": None,
            "call": "transmit",
            "code": int(code.group(1)) if code else None,
        }
    if unknown := _NO_HOST.match(text):
        return "name.unresolved", {"name": next(name for name in unknown.groups() if name), "errno": None}
    if text.startswith(("Destination ", "宛先", "Packet needs", "パケット", "TTL expired", "転送中に")):
        error = icmp_error(text)
        # without "Reply from" it is this host's own stack that speaks
        return (
            (error[0], {"from": None, "from_name": None, "is_local": True, "seq": None, **error[1]}) if error else None
        )
    return None


def _totals(text: str) -> Reading | None:
    if title := _TITLE.match(text):
        return "echo.title", {"target": title.group(1) or title.group(2)}
    if packets := _PACKETS.match(text):
        sent, received, lost, loss = (int(part) for part in packets.groups() if part is not None)
        return "echo.statistics", {
            "sent": sent, "received": received, "lost": lost, "loss": float(loss),
            "duplicates": 0, "corrupted": 0, "errors": 0,
            "lasted_ms": None,
            "dialect": "windows",
        }  # fmt: skip
    if other := _OTHER_PACKETS.match(text):
        sent, received, lost = (int(part) for part in other.groups())
        if sent == received + lost and sent:
            counts = {"sent": sent, "received": received, "lost": lost, "loss": 100 * lost / sent}
            beside = {
                "duplicates": 0,
                "corrupted": 0,
                "errors": 0,
                "lasted_ms": None,
                "dialect": "windows",
                "other_words": True,
            }
            return "echo.statistics", counts | beside
    if times := _TIMES.match(text):
        least, most, mean = (float(part) for part in times.groups() if part is not None)
        return "echo.times", {"min_ms": least, "max_ms": most, "avg_ms": mean, "mdev_ms": None}
    if text.startswith(_TIMES_TITLE):
        return "echo.times-title", {}
    if text in _STOP:
        return "echo.stopped", {}
    return None
