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


# The first and the last time that the hover finds in a chart, by the tree's row: what is shown of it.
def shown(browser, chart="tree"):
    ends = []
    # A pixel is cut off on the way: the last row of a long run has little more.
    for across in (0.001, 0.9995):
        browser.mouse("mouseMoved", *place(browser, f"#{chart}-chart .u-over", across))
        ends.append(read(browser, "tree")[0])
    return ends


# Of the processes whose runtimes are told of: the name, what the table has, and how much of each colour is in the charts.
def runtimes(browser):
    return browser.value("""[...document.querySelectorAll('.runtime')].map(box => {
        const canvases = [...box.querySelectorAll('canvas')];
        const pixels = canvases.map(it => it.getContext('2d').getImageData(0, 0, it.width, it.height).data);
        return [box.querySelector('h3').innerText, ...[...box.querySelectorAll('tbody tr')].map(row => {
            const want = getComputedStyle(row.querySelector('.swatch')).backgroundColor.match(/\\d+/g).map(Number);
            let n = 0;
            for (const data of pixels)
                for (let i = 0; i < data.length; i += 4)
                    n += data[i + 3] > 150 && want.every((v, k) => Math.abs(data[i + k] - v) < 24);
            const values = [...row.querySelectorAll('[data-value]')].map(it => it.dataset.value);
            return row.cells[0].innerText.trim() + '=' + values.join('/') + '/' + (n > 5 ? 'drawn' : n);
        })]})""")


def read_runtimes(browser, count):
    for i in range(count):
        say(f"runtime{i}", *read(browser, f"runtime{i}"))


# What a chart of the first one tells of when it is pointed at, and that all are zoomed with it.
def steer_runtime(browser):
    for across in (0.2, 0.6, 0.8):
        browser.mouse("mouseMoved", *place(browser, "#runtime0-chart .u-over", across))
        say("pointed", read(browser, "tree")[0], *read(browser, "runtime0"))
    say("runtime-whole", *shown(browser, "runtime0"))
    drag(browser, "runtime0-running", 0.3, 0.6)
    for chart in ("tree", "runtime0", "runtime0-running"):
        say("runtime-dragged", chart, *shown(browser, chart))
    browser.key("Escape")
    for chart in ("tree", "runtime0", "runtime0-running"):
        say("runtime-reset", chart, *shown(browser, chart))
    click(browser, *place(browser, "#runtime0-chart .u-over", 0.5))
    say("runtime-clicked", read(browser, "tree")[0], browser.value("document.getElementById('held-note').innerText"))


def drag(browser, chart, begin, end):
    x, y = place(browser, f"#{chart}-chart .u-over", begin)
    to, _ = place(browser, f"#{chart}-chart .u-over", end)
    browser.mouse("mouseMoved", x, y)
    browser.mouse("mousePressed", x, y, 1)
    for part in range(1, 6):
        browser.mouse("mouseMoved", x + (to - x) * part / 5, y, 1)
    browser.mouse("mouseReleased", to, y)


def steer(browser, count):
    for across in (0.2, 0.5, 0.7, 0.9):
        browser.mouse("mouseMoved", *place(browser, "#tree-chart .u-over", across))
        say("hover", *read(browser, "tree"))
        say("lives", *read(browser, "lives"))
        read_runtimes(browser, count)
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
    drag(browser, "tree", 0.3, 0.6)
    say("dragged", *shown(browser))
    browser.key("Escape")
    say("reset", *shown(browser))
    browser.mouse("mouseMoved", *place(browser, "#tree-chart .u-over", 0.5))
    browser.key("+")
    say("plus", *shown(browser))
    browser.key("-")
    browser.key("-")
    say("minus", *shown(browser))
    if count:
        steer_runtime(browser)
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
    told = runtimes(browser)
    say("runtimes", len(told), browser.value("document.getElementById('runtimes-section').innerText.length"))
    for one in told:
        say("told", *one)
    if browser.value("Boolean(document.querySelector('#tree-chart .u-over'))"):
        steer(browser, len(told))
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
