#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# report.py PAGE PICTURE [WIDTH [light|dark]]: opens a page of mstat-report in a headless Chromium, and does with
# it what a reader does. Prints what it saw, a name and a value a line; on stderr, what was complained of.
import json, os, sys

from browser import Browser

page, picture = sys.argv[1:3]
width = int(sys.argv[3]) if len(sys.argv) > 3 else 1200
scheme = sys.argv[4] if len(sys.argv) > 4 else "light"


def say(name, *values):
    print(name, *values, sep="\t")


# The middle of what a selector finds, as it is on the screen; or so far into it.
def place(browser, selector, across=0.5):
    browser.value(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
    box = browser.value(f"(r => [r.x, r.y, r.width, r.height])(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")
    return box[0] + box[2] * across, box[1] + box[3] / 2


def click(browser, x, y):
    browser.mouse("mouseMoved", x, y)
    browser.mouse("mousePressed", x, y, 1)
    browser.mouse("mouseReleased", x, y)


# What stands below a chart: the tick's time, then names and values.
def read(browser, what):
    return browser.value(f"""(() => {{
        const read = document.getElementById('{what}-read'), when = read.querySelector('.when');
        return [when ? when.dataset.time : '', ...[...read.querySelectorAll('[data-name]')].map(
            item => item.dataset.name + '=' + item.dataset.value)]}})()""")


# How many different colours a chart has, and which share of it is not empty.
def drawn(browser, chart):
    return browser.value(f"""(() => {{
        const canvas = document.querySelector('#{chart}-chart canvas');
        if (!canvas) return [0, 0];
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const colours = new Set();
        let some = 0;
        for (let i = 0; i < data.length; i += 4) {{
            some += data[i + 3] > 0;
            if (data[i + 3] > 150) colours.add(data[i] >> 4 << 8 | data[i + 1] >> 4 << 4 | data[i + 2] >> 4);
        }}
        return [colours.size, Math.round(400 * some / data.length)]}})()""")


# The first and the last time that the hover finds in the tree's chart: what is shown of it.
def shown(browser):
    ends = []
    for across in (0.001, 0.999):
        browser.mouse("mouseMoved", *place(browser, "#tree-chart .u-over", across))
        ends.append(read(browser, "tree")[0])
    return ends


def steer(browser):
    for across in (0.2, 0.5, 0.7, 0.9):
        browser.mouse("mouseMoved", *place(browser, "#tree-chart .u-over", across))
        say("hover", *read(browser, "tree"))
        say("lives", *read(browser, "lives"))
    at = read(browser, "tree")[0]
    click(browser, *place(browser, "#tree-chart .u-over", 0.9))
    say("clicked", at, browser.value("document.getElementById('held-note').innerText"))
    say("tree", *browser.value("[...document.querySelectorAll('#held-tree tbody tr')].map(r => r.cells[0].innerText.trim() + '=' + r.querySelector('[data-value]').dataset.value)"))
    say("held", *browser.value("[...document.querySelectorAll('#held tbody tr')].map(r => [...r.querySelectorAll('[data-value]')].map(v => v.dataset.value).join('/') + ' ' + r.cells[0].innerText.trim())"))
    browser.key("ArrowRight")
    say("right", read(browser, "tree")[0])
    browser.key("ArrowLeft")
    browser.key("ArrowLeft")
    say("left", read(browser, "tree")[0])
    browser.key("p")
    say("peak", read(browser, "tree")[0])
    say("whole", *shown(browser))
    x, y = place(browser, "#tree-chart .u-over", 0.3)
    to, _ = place(browser, "#tree-chart .u-over", 0.6)
    browser.mouse("mouseMoved", x, y)
    browser.mouse("mousePressed", x, y, 1)
    for part in range(1, 6):
        browser.mouse("mouseMoved", x + (to - x) * part / 5, y, 1)
    browser.mouse("mouseReleased", to, y)
    say("dragged", *shown(browser))
    browser.key("Escape")
    say("reset", *shown(browser))
    browser.mouse("mouseMoved", *place(browser, "#tree-chart .u-over", 0.5))
    browser.key("+")
    say("plus", *shown(browser))
    browser.key("-")
    browser.key("-")
    say("minus", *shown(browser))
    if not browser.value("Boolean(document.querySelector('#timeline .life'))"):
        return
    click(browser, *place(browser, "#timeline .life"))
    say("detail", browser.value("document.querySelector('#timeline .detail').innerText.replace(/\\n+/g, ' | ')"))


with Browser(90, width, 900) as browser:
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open("file://" + os.path.abspath(page))
    say("ready", browser.wait("document.documentElement?.dataset.ready"))
    say("title", browser.value("document.title"))
    say("colours", *drawn(browser, "tree"), *drawn(browser, "lives"))
    say("paper", browser.value("getComputedStyle(document.body).backgroundColor"))
    say("wider", browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
    say("flame", browser.value("document.querySelectorAll('#flame .frame').length"),
        browser.value("document.getElementById('heap-read').innerText"))
    if browser.value("Boolean(document.querySelector('#tree-chart .u-over'))"):
        steer(browser)
    browser.value("window.scrollTo(0, 0)")
    height = browser.value("document.documentElement.scrollHeight")
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=min(height, 3000), deviceScaleFactor=1, mobile=width < 600)
    browser.picture(picture)
    click(browser, *place(browser, "#theme"))
    click(browser, *place(browser, "#theme"))
    say("theme", browser.value("getComputedStyle(document.body).backgroundColor"))
    say("text", browser.value("document.body.innerText.replace(/\\s+/g, ' ')"))
    say("requests", *(request for request in browser.requests if not request.startswith("blob:")))
    for complaint in browser.complaints + browser.logged:
        print(complaint, file=sys.stderr)
