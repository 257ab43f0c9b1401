#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# What is in a page of mstat-report, read without its own code:
#	report_page.py policy PAGE           complains where its policy is not strict, or not of its scripts and styles
#	report_page.py value PAGE NAME...    of what it tells of the run, as JSON: value PAGE processes 0 argv
#	report_page.py tree PAGE             its rows of the tree, as TSV: time, and its columns
#	report_page.py runtime PAGE NUMBER   the same of a process whose runtime it tells of, from 0
import base64, hashlib, html.parser, json, re, sys, zlib

what, path, names = sys.argv[1], sys.argv[2], sys.argv[3:]
page = open(path, encoding="utf-8").read()


class Elements(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.policy, self.texts, self.tags, self.inside = None, [], [], None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        self.inside = (tag, given) if tag in ("script", "style") else None

    def handle_data(self, data):
        if self.inside:
            self.texts.append((*self.inside, data))
            self.inside = None


elements = Elements()
elements.feed(page)


def embedded(name):
    for tag, given, data in elements.texts:
        if tag == "script" and given.get("id") == name:
            return zlib.decompress(base64.b64decode(data, validate=True))
    return None


def policy():
    rules = dict(rule.split(None, 1) for rule in elements.policy.split("; "))
    if rules.pop("default-src") != "'none'" or rules.pop("base-uri") != "'none'" or rules.pop("form-action") != "'none'":
        print("more is allowed than need be:", elements.policy)
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        run = [data for kind, given, data in elements.texts if kind == tag and "type" not in given]
        hashes = ["'sha256-" + base64.b64encode(hashlib.sha256(data.encode()).digest()).decode() + "'" for data in run]
        if [rules.pop(rule)] != hashes:
            print(f"{rule} is not the one {tag} that there is")
    if rules:
        print("other rules:", rules)
    for tag, given in elements.tags:
        if tag in ("link", "img", "iframe", "base", "object") or any(name in given for name in ("src", "href")) or any(
                name.startswith("on") or name == "style" for name in given):
            print("it wants something, or what the policy forbids:", tag, given)


def value():
    got = json.loads(embedded("about"))
    for name in names:
        got = got[int(name)] if isinstance(got, list) else got[name]
    print(got if isinstance(got, str) else json.dumps(got))


class Numbers:
    def __init__(self, data):
        self.data, self.at = data, 0

    def varint(self):
        got = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            got |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return got

    def zigzag(self):
        got = self.varint()
        return got >> 1 ^ -(got & 1)


def series(about, element, rows, names):
    numbers, ticks, tick = Numbers(embedded(element)), [], 0
    for _ in range(rows):
        tick += numbers.varint()
        ticks.append(tick)
    columns = []
    for _ in names:
        zeros, sparse = numbers.varint(), numbers.varint()
        bits = numbers.at
        numbers.at += (rows + 7) // 8 if sparse else 0
        last, column = 0, []
        for i in range(rows):
            if sparse and not numbers.data[bits + i // 8] >> i % 8 & 1:
                column.append("")
                continue
            last += numbers.zigzag()
            column.append(last << zeros)
        columns.append(column)
    start, freq = about["startSeconds"] * 10**9 + about["startNanos"], about["freq"]
    print("time", *names, sep="\t")
    for i, tick in enumerate(ticks):
        print(tick * 10**9 // freq - start, *(column[i] for column in columns), sep="\t")


def tree():
    about = json.loads(embedded("about"))
    series(about, "tree", about["rows"], about["columns"])


def runtime():
    about = json.loads(embedded("about"))
    it = about["runtimes"][int(names[0])]
    series(about, "runtime" + names[0], it["rows"], it["columns"])


{"policy": policy, "value": value, "tree": tree, "runtime": runtime}[what]()
