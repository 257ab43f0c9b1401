#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# look.py PICTURE URL SECONDS WORD...: opens the page in a headless Chromium, waits until its text has all
# of the words, and keeps a picture of it. Prints title and text; on stderr, what the page complained of.
# Exit status: 0, 1 when a word did not come, or 3 when the page has complained.
import base64, json, os, select, subprocess, sys, tempfile, time

picture, url, seconds, words = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]
profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
to_browser, our_end = os.pipe()
from_browser, their_end = os.pipe()


# The devtools protocol: on 3 it reads, on 4 it writes.
def descriptors():
    high = os.dup2(to_browser, 20), os.dup2(their_end, 21)
    os.dup2(high[0], 3)
    os.dup2(high[1], 4)


browser = subprocess.Popen(
    ["chromium", "--headless", "--no-sandbox", "--disable-dev-shm-usage", "--enable-unsafe-swiftshader", "--no-first-run",
     "--window-size=1200,800", "--remote-debugging-pipe", "--user-data-dir=" + profile.name, "about:blank"],
    preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
os.close(to_browser)
os.close(their_end)
until, pending, number, complaints = time.monotonic() + seconds, b"", 0, []


def message():
    global pending
    while b"\0" not in pending:
        if not select.select([from_browser], [], [], max(0, until - time.monotonic()))[0]:
            raise TimeoutError("the browser does not answer")
        some = os.read(from_browser, 1 << 20)
        if not some:
            raise EOFError("the browser has ended")
        pending += some
    one, pending = pending.split(b"\0", 1)
    return json.loads(one)


def ask(method, session=None, **params):
    global number
    number += 1
    text = {"id": number, "method": method, "params": params}
    if session:
        text["sessionId"] = session
    os.write(our_end, json.dumps(text).encode() + b"\0")
    while True:
        got = message()
        if got.get("id") == number:
            if "error" in got:
                raise RuntimeError(f"{method}: {got['error']}")
            return got["result"]
        if got.get("method") == "Runtime.exceptionThrown":
            complaints.append(json.dumps(got["params"]["exceptionDetails"])[:1000])
        if got.get("method") == "Runtime.consoleAPICalled" and got["params"]["type"] == "error":
            complaints.append(json.dumps(got["params"]["args"])[:1000])
        if got.get("method") == "Page.javascriptDialogOpening":
            complaints.append(got["params"]["message"])


try:
    target = ask("Target.createTarget", url="about:blank")["targetId"]
    session = ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    ask("Runtime.enable", session)
    ask("Page.enable", session)
    ask("Page.navigate", session, url=url)
    text, found = "", False
    while not found and not complaints and time.monotonic() < until - 2:
        time.sleep(0.1)
        said = ask("Runtime.evaluate", session, returnByValue=True,
                   expression="document.title + '\\n' + (document.body ? document.body.innerText : '')")
        text = said["result"].get("value", "")
        found = all(word in text for word in words)
    # What is drawn comes a frame later.
    time.sleep(0.5)
    with open(picture, "wb") as file:
        file.write(base64.b64decode(ask("Page.captureScreenshot", session)["data"]))
finally:
    browser.kill()
    browser.wait()
print(text)
for complaint in complaints:
    print(complaint, file=sys.stderr)
sys.exit(3 if complaints else 0 if found else 1)
