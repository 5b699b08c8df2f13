"""A headless Chromium that opens a file, as a phone or a desk would, and says what it saw. It is driven over a pair of
pipes by its own protocol (DevTools, --remote-debugging-pipe): no port, no driver, no other package."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A browser in a container has no sandbox of its own, and this one opens nothing but files; the rest keeps it from
# calling its maker.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
LIMIT_SECONDS = 60.0
MEASURE = """
(() => {
  const colour = (element, property) => element ? getComputedStyle(element)[property] : null;
  const shown = [...document.querySelectorAll('svg')].filter(one => one.getClientRects().length);
  const text = shown.length ? shown[0].querySelector('text') : null;
  const isCut = (text, frame) => {
    const box = text.getBoundingClientRect();
    return box.width > 0 && (box.right > frame.right + 1 || box.left < frame.left - 1);
  };
  const cut = shown.flatMap(one => [...one.querySelectorAll('text')]
    .filter(each => isCut(each, one.getBoundingClientRect())).map(each => each.textContent));
  return {
    cut,
    width: document.documentElement.clientWidth,
    needed: document.documentElement.scrollWidth,
    height: document.documentElement.scrollHeight,
    paper: colour(document.body, 'backgroundColor'),
    ink: colour(document.body, 'color'),
    drawn: shown.length,
    drawnInk: colour(text, 'fill'),
    widest: Math.max(0, ...shown.map(one => one.getBoundingClientRect().right)),
  };
})()
"""


def executable() -> str | None:
    """Where Chromium is, if there is one."""
    return shutil.which("chromium")


@dataclass
class Seen:
    """What a page looked like, and what went on while it was opened."""

    measured: dict[str, Any] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    picture: bytes = b""


class Browser:
    """One process; `browser()` starts and ends it."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out, self._in = to_browser, from_browser
        self._buffer = b""
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def look(self, file: Path, *, width: int, height: int = 800, dark: bool = False, picture: bool = False) -> Seen:
        """Open a file, and say what was seen."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable", session)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._ask("Emulation.setEmulatedMedia", session, features=scheme)
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self._ask("Emulation.setDeviceMetricsOverride", session, mobile=width < 600, **size)
        self._events.clear()
        self._ask("Page.navigate", session, url=file.absolute().as_uri())
        self._await("Page.loadEventFired")
        measured = self._ask("Runtime.evaluate", session, expression=MEASURE, returnByValue=True)
        seen = Seen(measured=measured["result"]["value"])
        if picture:
            shot = self._ask("Page.captureScreenshot", session, format="png")
            seen.picture = base64.b64decode(shot["data"])
        for event in self._events:
            name, told = event["method"], event.get("params", {})
            if name == "Network.requestWillBeSent":
                seen.requests.append(told["request"]["url"])
            elif name in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                seen.complaints.append(json.dumps(told))
        self._ask("Target.closeTarget", targetId=target)
        return seen

    def _ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])
            self._events.append(answer)

    def _await(self, method: str) -> None:
        while not any(event.get("method") == method for event in self._events):
            self._events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._in, 1 << 20)
            if not data:
                raise RuntimeError("Chromium has ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, for as long as it is needed."""
    found = executable()
    if found is None:
        raise RuntimeError("there is no Chromium (make chromium)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # It reads from 3 and writes to 4, wherever these lie here; a process that hangs is ended from outside.
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        process = subprocess.Popen(
            ["timeout", str(LIMIT_SECONDS), "bash", "-c", command, "bash", found, *FLAGS, f"--user-data-dir={folder}"],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": folder},
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Browser(ours_out, ours_in)
        finally:
            os.close(ours_out)
            os.close(ours_in)
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            time.sleep(0.1)
