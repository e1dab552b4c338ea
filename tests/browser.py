"""A real browser without a window, spoken to through two pipes in the DevTools protocol; no library is needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self


class Browser:
    """One page of headless Chromium.

    Attributes:
        console: what the page wrote there as a warning or an error, and its exceptions.
        requests: every address that it asked for.
    """

    def __init__(self) -> None:
        self.console: list[str] = []
        self.requests: list[str] = []
        self._profile = tempfile.mkdtemp()
        from_us, to_browser = os.pipe()
        from_browser, to_us = os.pipe()

        def as_three_and_four() -> None:
            # The numbers may be each other's, so both are first copied out of the way.
            high = os.dup2(from_us, 100), os.dup2(to_us, 101)
            os.dup2(high[0], 3, inheritable=True)
            os.dup2(high[1], 4, inheritable=True)

        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        self._process = subprocess.Popen(
            ["chromium", "--remote-debugging-pipe", *arguments, f"--user-data-dir={self._profile}", "about:blank"],
            preexec_fn=as_three_and_four, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,  # noqa: PLW1509
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(from_us)
        os.close(to_us)
        self._out, self._in, self._number = to_browser, os.fdopen(from_browser, "rb"), 0
        self._session: str | None = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; events that come before it are noted."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _receive(self) -> dict[str, Any]:
        octets = bytearray()
        while (one := self._in.read(1)) != b"\0":
            assert one, "the browser ended"
            octets += one
        return json.loads(octets)

    def _note(self, event: dict[str, Any]) -> None:
        what, about = event.get("method"), event.get("params", {})
        if what == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif what == "Runtime.exceptionThrown":
            self.console.append(json.dumps(about["exceptionDetails"]))
        elif what == "Log.entryAdded" and about["entry"]["level"] in ("warning", "error"):
            self.console.append(about["entry"]["text"])
        elif what == "Runtime.consoleAPICalled":
            self.console.append(json.dumps(about["args"]))

    def open(self, path: Path, width: int = 1200, height: int = 900) -> None:
        """Load a file in a window of this size, in CSS pixels."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.requests.clear()
        self.console.clear()
        self.send("Page.navigate", url=path.as_uri())
        while self.ask("location.href + document.readyState") != path.as_uri() + "complete":
            pass

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, expression: str) -> Any:
        """The value of a promise in the page, once it is kept."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def prefer(self, **features: str) -> None:
        """Media features such as ``prefers_color_scheme="dark"``, or ``media="print"``."""
        media = features.pop("media", "")
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.send("Emulation.setEmulatedMedia", media=media, features=told)

    def press(self, key: str) -> None:
        """One key, down and up."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG file."""
        from base64 import b64decode

        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(b64decode(shot["data"]))

    def close(self) -> None:
        """End the browser and remove what it wrote."""
        self._process.terminate()
        self._process.wait()
        os.close(self._out)
        self._in.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
