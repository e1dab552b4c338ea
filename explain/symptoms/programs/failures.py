"""The words in which C libraries say that a call failed, in every wording and language that is known here.

glibc, musl, the BSDs and macOS, Windows sockets; English and Japanese.  The names on the left are
those of POSIX, in words.

Source: errno(3) and getaddrinfo(3) of POSIX; RFC 3493 section 6.1.
"""

from __future__ import annotations

from functools import cache

_ERRNO: dict[str, tuple[str, tuple[str, ...]]] = {
    # name: (symbol, wordings)
    "network-unreachable": (
        "ENETUNREACH",
        (
            "Network is unreachable",
            "Network unreachable",
            "ネットワークに届きません",
            "ネットワークに到達できません",
            "到達できないネットワークに対してソケット操作を実行しようとしました",
        ),
    ),
    "host-unreachable": (
        "EHOSTUNREACH",
        (
            "No route to host",
            "Host is unreachable",
            "ホストへの経路がありません",
            "ホストに到達できません",
            "到達できないホストに対してソケット操作を実行しようとしました",
        ),
    ),
    "refused": (
        "ECONNREFUSED",
        (
            "Connection refused",
            "接続を拒否されました",
            "接続が拒否されました",
            "対象のコンピューターによって拒否されたため、接続できませんでした",
            "No connection could be made because the target machine actively refused it",
        ),
    ),
    "timed-out": (
        "ETIMEDOUT",
        (
            "Connection timed out",
            "Operation timed out",
            "接続がタイムアウトしました",
            "接続済みの呼び出し先が一定の時間を過ぎても正しく応答しなかったため、接続できませんでした",
            "A connection attempt failed because the connected party did not properly respond after a period of time",
        ),
    ),
    "reset": (
        "ECONNRESET",
        (
            "Connection reset by peer",
            "Connection reset",
            "接続が相手からリセットされました",
            "既存の接続はリモート ホストに強制的に切断されました",
            "An existing connection was forcibly closed by the remote host",
        ),
    ),
    "aborted": (
        "ECONNABORTED",
        ("Software caused connection abort", "Connection aborted", "ソフトウェアによって接続が中断されました"),
    ),
    "broken-pipe": ("EPIPE", ("Broken pipe", "パイプが切断されました", "パイプが壊れました")),
    "permission-denied": (
        "EACCES",
        ("Permission denied", "許可がありません", "アクセス許可で禁じられた方法でソケットにアクセスしようとしました"),
    ),
    "not-permitted": ("EPERM", ("Operation not permitted", "許可されていない操作です", "許可されない操作です")),
    "invalid-argument": ("EINVAL", ("Invalid argument", "無効な引数です", "引数が無効です")),
    "no-buffer-space": (
        "ENOBUFS",
        ("No buffer space available", "利用可能なバッファ空間がありません", "バッファスペースが不足しています"),
    ),
    "message-too-long": ("EMSGSIZE", ("Message too long", "Message too large", "メッセージが長すぎます")),
    "address-not-available": (
        "EADDRNOTAVAIL",
        (
            "Cannot assign requested address",
            "Can't assign requested address",
            "Address not available",
            "要求アドレスに割り当てできません",
            "要求されたアドレスに割り当てられません",
        ),
    ),
    "address-in-use": ("EADDRINUSE", ("Address already in use", "Address in use", "アドレスは既に使用中です")),
    "network-down": ("ENETDOWN", ("Network is down", "ネットワークは停止しています", "ネットワークが停止しています")),
    "host-down": ("EHOSTDOWN", ("Host is down", "ホストが停止しています", "ホストは停止しています")),
    "no-such-device": (
        "ENODEV",
        (
            "No such device or address",
            "No such device",
            "そのようなデバイスはありません",
            "そのようなデバイスやアドレスはありません",
        ),
    ),
    "address-family-unsupported": (
        "EAFNOSUPPORT",
        (
            "Address family not supported by protocol family",
            "Address family not supported by protocol",
            "Address family not supported",
            "アドレスファミリがプロトコルによってサポートされていません",
            "アドレスファミリーはプロトコルによってサポートされていません",
        ),
    ),
    "protocol-unsupported": ("EPROTONOSUPPORT", ("Protocol not supported", "サポートされていないプロトコルです")),
    "protocol-not-available": ("ENOPROTOOPT", ("Protocol not available", "利用できないプロトコルです")),
    "protocol-error": ("EPROTO", ("Protocol error", "プロトコルエラー")),
    "not-connected": (
        "ENOTCONN",
        ("Transport endpoint is not connected", "Socket is not connected", "Socket not connected"),
    ),
    "destination-required": ("EDESTADDRREQ", ("Destination address required", "宛先アドレスが必要です")),
    "no-file": ("ENOENT", ("No such file or directory", "そのようなファイルやディレクトリはありません")),
    "busy": ("EBUSY", ("Device or resource busy", "Resource busy", "デバイスもしくはリソースがビジー状態です")),
    "try-again": ("EAGAIN", ("Resource temporarily unavailable", "リソースが一時的に利用できません")),
    "in-progress": ("EINPROGRESS", ("Operation now in progress", "Operation in progress", "現在処理中の操作です")),
    "interrupted": ("EINTR", ("Interrupted system call", "システムコール割り込み")),
    "no-memory": ("ENOMEM", ("Cannot allocate memory", "Out of memory", "メモリを確保できません")),
}
"""Name of an errno, with its symbol and its wordings."""

NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "not-known": (
        "EAI_NONAME",
        (
            "Name or service not known",
            "nodename nor servname provided, or not known",
            "Name does not resolve",
            "Unknown host",
            "unknown host",
            "hostname nor servname provided, or not known",
            "名前またはサービスが不明です",
            "名前かサービスがわかりません",
            "No such host is known",
            "そのようなホストは不明です",
            "Could not resolve host",
            "Non-existent host",
            "no address associated with name",
        ),
    ),
    "temporary-failure": (
        "EAI_AGAIN",
        (
            "Temporary failure in name resolution",
            "Try again",
            "Host name lookup failure",
            "Temporary failure resolving",
            "名前解決に一時的に失敗しました",
            "名前解決が一時的に失敗しました",
        ),
    ),
    "no-address": (
        "EAI_NODATA",
        (
            "No address associated with hostname",
            "No address associated with name",
            "Name has no usable address",
            "ホスト名にアドレスが割り当てられていません",
            "ホスト名に関連付けられたアドレスがありません",
            "No address associated with host name",
        ),
    ),
    "family-unsupported": (
        "EAI_ADDRFAMILY",
        (
            "Address family for hostname not supported",
            "Address family for name not supported",
            "hostname のアドレスファミリはサポートされていません",
            "ホスト名のアドレスファミリはサポートされていません",
        ),
    ),
    "failure": (
        "EAI_FAIL",
        (
            "Non-recoverable failure in name resolution",
            "Unrecoverable error",
            "Unrecoverable failure in name resolution",
            "名前解決に失敗しました (修復不可)",
            "回復不能な名前解決の失敗です",
        ),
    ),
    "bad-family": (
        "EAI_FAMILY",
        (
            "ai_family not supported",
            "Unrecognized address family or invalid length",
            "ai_family はサポートされていません",
        ),
    ),
    "bad-service": (
        "EAI_SERVICE",
        ("Servname not supported for ai_socktype", "Unrecognized service", "Service not supported for ai_socktype"),
    ),
    "system-error": ("EAI_SYSTEM", ("System error", "システムエラー")),
    "encoding": ("EAI_IDN_ENCODE", ("Parameter string not correctly encoded",)),
}
"""Name of a getaddrinfo failure, with its symbol and its wordings."""


@cache
def _wordings() -> tuple[tuple[str, str, str, str], ...]:
    """Every wording in lower case, longest first, with kind, name and symbol."""
    found = [
        (text.lower(), kind, name, symbol)
        for kind, table in (("errno", _ERRNO), ("name", NAMES))
        for name, (symbol, texts) in table.items()
        for text in texts
    ]
    return tuple(sorted(found, key=lambda each: -len(each[0])))


def failure_at_end(text: str) -> tuple[str, str, str, str] | None:
    """The failure that a message ends with: kind (``errno`` or ``name``), name, symbol, and the text before it.

    The wording must stand alone: at the start, or after a colon, a bracket or a blank.
    """
    end = text.rstrip(" .。!)\"'")
    lower = end.lower()
    if len(lower) != len(end):  # a letter whose lower case is longer: positions would not agree
        lower = end
    for wording, kind, name, symbol in _wordings():
        if lower.endswith(wording):
            before = end[: len(end) - len(wording)]
            if not before or not before[-1].isalnum() or ord(before[-1]) > 0x2FFF:
                return kind, name, symbol, before
    return None
