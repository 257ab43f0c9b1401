# SPDX-License-Identifier: ISC
# A headless Chromium with one page, through the devtools protocol.
import base64, json, os, select, subprocess, tempfile, time


class Browser:
    # Nothing takes longer than so many seconds in all. complaints: what the page has complained of; logged: what
    # the browser has complained of in it; requests: the addresses it has asked for, its own among them.
    def __init__(self, seconds, width=1200, height=800):
        self.until = time.monotonic() + seconds
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.pending, self.number, self.session = b"", 0, None
        self.complaints, self.logged, self.requests = [], [], []
        to_browser, self.out = os.pipe()
        self.back, their_end = os.pipe()

        # On 3 it reads, on 4 it writes.
        def descriptors():
            high = os.dup2(to_browser, 20), os.dup2(their_end, 21)
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-dev-shm-usage", "--enable-unsafe-swiftshader",
             "--no-first-run", f"--window-size={width},{height}", "--remote-debugging-pipe",
             "--user-data-dir=" + self.profile.name, "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(their_end)

    def __enter__(self):
        try:
            target = self.ask("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Runtime", "Page", "Network", "Log"):
                self.ask(domain + ".enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _message(self):
        while b"\0" not in self.pending:
            if not select.select([self.back], [], [], max(0, self.until - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            some = os.read(self.back, 1 << 20)
            if not some:
                raise EOFError("the browser has ended")
            self.pending += some
        one, self.pending = self.pending.split(b"\0", 1)
        return json.loads(one)

    def _note(self, method, params):
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:1000])
        if method == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.complaints.append(json.dumps(params["args"])[:1000])
        if method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.logged.append(json.dumps(params["entry"])[:1000])
        if method == "Page.javascriptDialogOpening":
            self.complaints.append(params["message"])
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    # The result of a method of the protocol.
    def ask(self, method, **params):
        self.number += 1
        question = {"id": self.number, "method": method, "params": params}
        if self.session:
            question["sessionId"] = self.session
        os.write(self.out, json.dumps(question).encode() + b"\0")
        while True:
            got = self._message()
            if got.get("id") == self.number:
                if "error" in got:
                    raise RuntimeError(f"{method}: {got['error']}")
                return got["result"]
            self._note(got.get("method"), got.get("params"))

    def open(self, url):
        self.ask("Page.navigate", url=url)

    # The value of an expression, which may be a promise.
    def value(self, expression):
        got = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise RuntimeError(f"{expression}: {json.dumps(got['exceptionDetails'])[:1000]}")
        return got["result"].get("value")

    # Waits until an expression is true, or the page complains, or the time is nearly over. Returns its value.
    def wait(self, expression):
        while True:
            got = self.value(expression)
            if got or self.complaints or time.monotonic() > self.until - 2:
                return got
            time.sleep(0.05)

    def picture(self, path, whole=False):
        # What is drawn comes a frame later.
        time.sleep(0.5)
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))

    def mouse(self, kind, x, y, buttons=0):
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, buttons=buttons,
                 button="left" if kind != "mouseMoved" else "none", clickCount=0 if kind == "mouseMoved" else 1)

    def key(self, name, text=""):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=name, **({"text": text} if text and kind == "keyDown" else {}))
