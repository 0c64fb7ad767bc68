"""A headless Chromium, spoken to by W3C WebDriver over plain HTTP."""

import base64
import json
import os
import random
import socket
import time
import urllib.error
import urllib.request

import leftovers

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PATIENCE = 40  # seconds: a loaded machine is given its time
# Where contrib/deps has unpacked Chromium; without: it is installed.
TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../build/mta/chromium")
SHELL = "usr/lib/chromium/chromium-headless-shell"
# What is here is asked itself, whatever http_proxy says.
open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Fault(Exception):
    """What the browser or its driver did not do."""


def free_port():
    """Below those that the kernel gives to clients: none takes it meanwhile."""
    for port in random.sample(range(20000, 32000), 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise Fault("no free port")


def browser_root():
    tree = os.path.realpath(TREE)
    return tree if os.path.exists(os.path.join(tree, SHELL)) else "/"


def libraries(root):
    """The environment in which what is unpacked there finds its libraries."""
    if root == "/":
        return {}
    folders = [folder for folder, _, names in os.walk(root)
               if any(name.startswith("lib") and ".so" in name
                      for name in names)]
    return {"LD_LIBRARY_PATH": ":".join(folders)}


def await_true(what, condition, patience=PATIENCE):
    """The first true value of `condition`, which is asked again and again."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Fault(f"not within {patience} s: {what}")
        time.sleep(0.05)


class Browser:
    """One window. All it writes is below `folder`; it ends with the test."""

    def __init__(self, folder, width=1280, height=900):
        self._port = free_port()
        root = browser_root()
        driver = os.path.join(root, "usr/bin/chromedriver")
        if not os.path.exists(driver):
            raise Fault("no chromedriver: sudo contrib/deps --test")
        self._shell = os.path.join(root, SHELL)
        environment = dict(os.environ, HOME=folder, TMPDIR=folder, TZ="UTC",
                           XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder,
                           **libraries(root))
        self._log = open(os.path.join(folder, "chromedriver.log"), "wb")
        self._driver = leftovers.start_guarded(
            [driver, f"--port={self._port}"], env=environment,
            stdout=self._log, stderr=self._log)
        self._session = ""
        try:
            await_true("chromedriver answers", self._ready)
            self._open(folder, width, height)
        except BaseException:
            self.close()
            raise

    def _ready(self):
        if self._driver.poll() is not None:
            raise Fault("chromedriver has ended")
        try:
            return self._ask("GET", "/status")["ready"]
        except OSError:
            return False

    def _open(self, folder, width, height):
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-background-networking", "--lang=en",
                     f"--window-size={width},{height}",
                     f"--user-data-dir={folder}/profile"]}
        name = "chrome"
        if os.path.exists(self._shell):
            name, options["binary"] = "chrome-headless-shell", self._shell
        capabilities = {"alwaysMatch": {
            "browserName": name, "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}
        answer = self._ask("POST", "/session", {"capabilities": capabilities})
        self._session = f"/session/{answer['sessionId']}"

    def _ask(self, method, path, data=None):
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}", body, method=method,
            headers={"Content-Type": "application/json"})
        try:
            with open_url(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise Fault(f"{value['error']}: {value['message']}") from None

    def _do(self, path, data=None, method="POST"):
        return self._ask(method, self._session + path,
                         {} if data is None and method == "POST" else data)

    def go(self, url):
        self._do("/url", {"url": url})

    def run(self, script, *arguments):
        """The value that the JavaScript returns."""
        return self._do("/execute/sync",
                        {"script": script, "args": list(arguments)})

    def text(self, selector):
        """What is seen of the first such element; "" if there is none."""
        return self.run("const e = document.querySelector(arguments[0]);"
                        "return e ? e.innerText : ''", selector)

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])]"
                        ".map((e) => e.innerText)", selector)

    def _find(self, selector):
        return self._do("/element", {"using": "css selector",
                                     "value": selector})[ELEMENT]

    def click(self, selector):
        self._do(f"/element/{self._find(selector)}/click")

    def type(self, selector, text):
        """Replaces what is there."""
        element = self._find(selector)
        self._do(f"/element/{element}/clear")
        self._do(f"/element/{element}/value", {"text": text})

    def press(self, key):
        """One key, where the focus is: "\\ue004" is Tab, "\\ue007" Enter."""
        self._do("/actions", {"actions": [{
            "type": "key", "id": "keys",
            "actions": [{"type": "keyDown", "value": key},
                        {"type": "keyUp", "value": key}]}]})

    def devtools(self, command, parameters):
        return self._do("/goog/cdp/execute",
                        {"cmd": command, "params": parameters})

    def resize(self, width, height, phone=False):
        """Also narrower than a window can be."""
        self.devtools("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "mobile": phone,
            "deviceScaleFactor": 2 if phone else 1})

    def prefer(self, scheme):
        """As if the system were set to "light" or "dark"."""
        self.devtools("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": scheme}]})

    def log(self, kind):
        """What came since the last call: "browser" (console), "performance"."""
        return self._do("/se/log", {"type": kind})

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self._do("/screenshot", method="GET")))

    def close(self):
        try:
            if self._session:
                self._do("", method="DELETE")
        except (OSError, Fault):
            pass
        finally:
            leftovers.end(self._driver)
            self._log.close()
