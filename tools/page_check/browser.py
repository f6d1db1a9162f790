"""A headless Chromium that tells what a page did."""

import base64
import json
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any


class Browser:
    """Debian's chromium, through selenium; a context manager.

    Nothing is downloaded: the driver is the one beside the browser.
    """

    def __enter__(self) -> "Browser":
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = Service(executable_path=str(shutil.which("chromedriver")))
        self._driver: Any = webdriver.Chrome(options=options, service=service)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._driver.quit()

    def open(self, page: Path, *, width: int, height: int, scheme: str, phone: bool) -> None:
        """Opens a file, on a screen of this size.

        Args:
            page: the file.
            width: of the screen, in CSS pixels.
            height: likewise.
            scheme: "light" or "dark", what the user prefers.
            phone: a phone's screen, touched and scaled as one.
        """
        self._driver.get("about:blank")
        self._command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        # As on a phone: a bar would take from the width.
        self._command("Emulation.setScrollbarsHidden", hidden=True)
        self._prefer(scheme)
        for log in ("browser", "performance"):
            self._driver.get_log(log)
        self._driver.get(page.resolve().as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self._driver.execute_script(script, *arguments)

    def wait(self, condition: str) -> bool:
        """Whether an expression becomes true within some seconds."""
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.support.ui import WebDriverWait

        try:
            WebDriverWait(self._driver, 20).until(lambda _: self.run(f"return {condition}"))
        except TimeoutException:
            return False
        return True

    def errors(self) -> list[str]:
        """What the page logged as an error or a warning, since it was opened."""
        entries = self._driver.get_log("browser")
        return [e["message"] for e in entries if e["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """Addresses that the page asked for, itself and data within it left out."""
        messages = [
            json.loads(e["message"])["message"] for e in self._driver.get_log("performance")
        ]
        asked = [
            (m["params"]["request"]["url"], m["params"]["type"])
            for m in messages
            if m["method"] == "Network.requestWillBeSent"
        ]
        return [url for url, kind in asked if kind != "Document" and not url.startswith("data:")]

    def dialog(self) -> bool:
        """Whether a script has opened a dialog."""
        from selenium.common.exceptions import NoAlertPresentException

        try:
            self._driver.switch_to.alert.dismiss()
        except NoAlertPresentException:
            return False
        return True

    def screenshot(self) -> bytes:
        """The whole page as PNG."""
        box = self._command("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": box["width"], "height": box["height"], "scale": 1}
        taken = self._command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(taken["data"])

    def _prefer(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._command("Emulation.setEmulatedMedia", features=[feature])

    def _command(self, name: str, **arguments: Any) -> Any:
        return self._driver.execute_cdp_cmd(name, arguments)
