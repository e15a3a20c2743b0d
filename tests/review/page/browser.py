"""Chromium without a window, driven through its own pipe: no port, no library, no download.

Source: Chromium's `--remote-debugging-pipe`: JSON messages of the DevTools protocol, each ended by
a zero byte; the browser reads them from its file descriptor 3 and writes to 4.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root, and open only what they have written
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_SECONDS = 60.0
_GRACE_SECONDS = 10.0
# Puts the pipes where the browser expects them; a shell may not know descriptors above 9.
_HAND_ON = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3]]
for wanted, end in zip((3, 4), ends):
    os.dup2(end, wanted)
os.execv(sys.argv[3], sys.argv[3:])
"""


class NoBrowserError(Exception):
    """There is no Chromium on this machine."""


def find_chromium() -> str:
    """The browser's path.

    Raises:
        NoBrowserError: it is not installed.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise NoBrowserError(
            "The tests of the review's page need Debian's chromium on the PATH, and it is not "
            "there. Install it: apt-get install --no-install-recommends chromium"
        )
    return found


class Browser:
    """One browser with one page."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._next = 0
        self._buffer = b""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        command = [find_chromium(), *_FLAGS, f"--user-data-dir={self._profile}", "about:blank"]
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _HAND_ON, str(to_browser), str(from_browser), *command],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            self._attach()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError, EOFError, TimeoutError):
            self._send("Browser.close", {}, session=None)
        self._end()

    def _attach(self) -> None:
        targets = self._send("Target.getTargets", {}, session=None)["targetInfos"]
        page = next(each for each in targets if each["type"] == "page")
        attached = self._send(
            "Target.attachToTarget", {"targetId": page["targetId"], "flatten": True}, session=None
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def _end(self) -> None:
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the page's session for something and wait for the answer."""
        return self._send(method, parameters, session=self._session)

    def open(self, url: str, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Load a page in a window of this size, and wait until it is drawn."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.send("Emulation.setEmulatedMedia", media="screen", features=[scheme, motion])
        self.events.clear()
        self.send("Page.navigate", url=url)
        self._wait_for("Page.loadEventFired")
        self.evaluate("document.fonts.ready.then(() => true)")

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key: str, code: int, *, text: str = "", shift: bool = False) -> None:
        """Press and release a key."""
        keys = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **keys)
        self.send("Input.dispatchKeyEvent", type="keyUp", **keys)

    def print_media(self) -> None:
        """Show the page as it is printed."""
        self.send("Emulation.setEmulatedMedia", media="print")

    def screenshot(self, file: Path, *, height: int | None = None, scale: float = 1) -> None:
        """Save the page, from its top to this height or all of it, as PNG."""
        size = self.evaluate("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": height or size[1], "scale": scale}
        shot = self.send("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """What the console says, and every exception."""
        self.evaluate("0")
        said = []
        for event in self.events:
            parameters = event["params"]
            if event["method"] == "Log.entryAdded":
                said.append(f"{parameters['entry']['level']}: {parameters['entry']['text']}")
            elif event["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                said.append(json.dumps(parameters))
        return said

    def requests(self) -> list[str]:
        """The address of everything that the page asked for."""
        self.evaluate("0")
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def _send(
        self, method: str, parameters: Mapping[str, Any], *, session: str | None
    ) -> dict[str, Any]:
        self._next += 1
        message = {"id": self._next, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            if answer.get("id") == self._next:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
        raise EOFError(method)

    def _wait_for(self, method: str) -> None:
        if not any(each["method"] == method for each in self.events):
            for message in self._messages():
                if message.get("method") == method:
                    return

    def _messages(self) -> Iterator[dict[str, Any]]:
        """What the browser says, one after the other; events are kept."""
        end = time.monotonic() + _SECONDS
        while True:
            while b"\0" in self._buffer:
                first, _, self._buffer = self._buffer.partition(b"\0")
                message: dict[str, Any] = json.loads(first)
                if "method" in message:
                    self.events.append(message)
                yield message
            if not select.select([self._read], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self._read, 1 << 20)
            if not more:
                raise EOFError("the browser has ended")
            self._buffer += more
