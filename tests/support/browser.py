"""A headless Chromium over the DevTools protocol, by its pipe: no driver and no package between.

>>> with Chromium() as browser:
...     visit = browser.visit(path, width=390, dark=True)
...     assert visit.requests == [] and visit.errors == []
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-default-apps --disable-extensions --disable-dev-shm-usage --remote-debugging-pipe"
)
EAGER = """Promise.all([...document.images].map(
    image => { image.loading = "eager"; return image.decode().catch(() => null); }))"""
PATIENCE = 300  # seconds for one answer, of a machine that is busy
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def found() -> str | None:
    """The path of a Chromium or Chrome on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Visit:
    """What a page did while it was open, and how it lay."""

    requests: list[str] = field(default_factory=list)  # but for the page itself and data: addresses
    errors: list[str] = field(default_factory=list)  # of the console, exceptions included
    overflow: int = 0  # pixels by which the page is wider than the window
    picture: bytes = b""


class Chromium:
    """One browser with one tab."""

    def __enter__(self) -> "Chromium":
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, ours_out = os.pipe()
        ours_in, from_browser = os.pipe()
        command = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            [
                "bash",
                "-c",
                command,
                found(),
                *FLAGS.split(),
                f"--user-data-dir={self.profile.name}",
            ],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.out, self.source = os.fdopen(ours_out, "wb", 0), ours_in
        os.set_blocking(self.source, False)
        self.rest, self.count, self.events = b"", 0, []
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_) -> None:
        self.out.close()
        os.close(self.source)
        self.process.terminate()
        self.process.wait()
        self.profile.cleanup()

    def ask(self, method: str, **params) -> dict:
        """Send one command and wait for its answer; events go to `self.events`."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        answer = self._until(lambda reply: reply.get("id") == self.count)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def run(self, script: str):
        """The value of a JavaScript expression on the page, of a promise when it is kept."""
        options = {"returnByValue": True, "awaitPromise": True}
        return self.ask("Runtime.evaluate", expression=script, **options)["result"].get("value")

    def visit(
        self,
        path: Path,
        width: int = 1280,
        dark: bool = False,
        scripts: bool = True,
        height: int = 900,
    ) -> Visit:
        """Open a file at a width, in light or dark, with or without scripts; picture all of it."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.events.clear()
        self.ask("Page.navigate", url=path.resolve().as_uri())
        self._until(lambda reply: reply.get("method") == "Page.loadEventFired")
        self.run(EAGER)
        layout = self.ask("Page.getLayoutMetrics")
        content = layout["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": width, "height": min(content["height"], 9000), "scale": 1}
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        visit = Visit(picture=base64.b64decode(shot["data"]))
        visit.overflow = int(content["width"] - width)
        for event in self.events:
            self._note(event, path.resolve().as_uri(), visit)
        return visit

    def _note(self, event: dict, own: str, visit: Visit) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if url != own and not url.startswith("data:"):
                visit.requests.append(url)
        elif method == "Runtime.exceptionThrown":
            visit.errors.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded":
            visit.errors.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            visit.errors.append(json.dumps(params["args"]))

    def _until(self, wanted) -> dict:
        """Read messages up to the wanted one, which may be among the events already read."""
        for event in self.events:
            if wanted(event):
                return event
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            while b"\0" in self.rest:
                message, _, self.rest = self.rest.partition(b"\0")
                reply = json.loads(message)
                if "id" not in reply:
                    self.events.append(reply)
                if wanted(reply):
                    return reply
            try:
                part = os.read(self.source, 1 << 20)
            except BlockingIOError:
                time.sleep(0.005)
                continue
            if not part:
                raise RuntimeError("Chromium went away.")
            self.rest += part
        raise TimeoutError(f"Chromium did not answer within {PATIENCE} s.")
