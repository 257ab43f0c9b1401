#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# look.py PICTURE URL SECONDS WORD...: opens the page in a headless Chromium, waits until its text has all
# of the words, and keeps a picture of it. Prints title and text; on stderr, what the page complained of.
# Exit status: 0, 1 when a word did not come, or 3 when the page has complained.
import json, sys

from browser import Browser

picture, url, seconds, words = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]
text = "document.title + '\\n' + (document.body ? document.body.innerText : '')"
with Browser(seconds) as browser:
    browser.open(url)
    found = browser.wait(f"{json.dumps(words)}.every(word => ({text}).includes(word))")
    browser.picture(picture)
    print(browser.value(text))
for complaint in browser.complaints:
    print(complaint, file=sys.stderr)
sys.exit(3 if browser.complaints else 0 if found else 1)
