#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
# What is in a picture of mstat-report, read without its own code, by its axes:
#	report_figure.py elements SVG            the names of its elements, each once; complains of what might do something
#	report_figure.py texts SVG               its texts, a line each
#	report_figure.py highest SVG CHART BAND  bytes and seconds of the highest point of a line (CHART: 0 the tree, 1 processes)
#	report_figure.py at SVG CHART BAND TIME  where the band ends at that time, in bytes
#	report_figure.py titles SVG              what its shapes stand for, a line each
#	report_figure.py hidden SVG              what stands on a plate that another one covers, a line each
#	report_figure.py pixels SVG PNG BAND TIME  the colors of SVG's band and of PNG's pixel in it, and above its end
import re, sys
import xml.etree.ElementTree as ET

NS = "{http://www.w3.org/2000/svg}"
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
what, path, given = sys.argv[1], sys.argv[2], sys.argv[3:]
root = ET.parse(path).getroot()
HEADS = ("Memory of the process tree", "Processes, by PSS")


def texts(of=root):
    return [(element, element.text or "") for element in of.iter(NS + "text")]


def chart(number):
    """Its elements: those between its heading and the next."""
    group = list(root.find(NS + "g"))
    begins = [i for i, element in enumerate(group) if element.tag == NS + "text" and element.text in HEADS]
    return group[begins[number]:(begins + [len(group)])[number + 1]]


def line(pairs):
    """The straight line through the first and the last of (place, value)."""
    (x0, v0), (x1, v1) = pairs[0], pairs[-1]
    return lambda x: v0 + (x - x0) * (v1 - v0) / (x1 - x0), lambda v: x0 + (v - v0) * (x1 - x0) / (v1 - v0)


def scales(elements):
    sizes, times = [], []
    for element in elements:
        text, anchor = element.text or "", element.get("text-anchor")
        size = re.fullmatch(r"(\d+)(?: (\w+))?", text)
        if element.tag == NS + "text" and anchor == "end" and size and float(element.get("x")) < 68:
            sizes.append((float(element.get("y")) - 4, int(size[1]) * UNITS.get(size[2], 1)))
        elif element.tag == NS + "text" and anchor == "middle":
            parts = [float(part) for part in text.split(":")]
            times.append((float(element.get("x")), sum(part * 60**i for i, part in enumerate(reversed(parts)))))
    return line(sizes), line(times)


def points(elements, title):
    for element in elements:
        named = element.find(NS + "title")
        if element.tag == NS + "path" and named is not None and named.text == title:
            numbers = [float(number) for number in re.findall(r"-?[0-9.]+", element.get("d"))]
            yield element, list(zip(numbers[::2], numbers[1::2]))


def end_at(elements, title, x):
    """The highest point of the band's line within half a pixel, or what lies between its points."""
    found = []
    for element, shape in points(elements, title):
        outline = shape[:-2] if element.get("fill") != "none" else shape
        found += [y for px, y in outline if abs(px - x) <= 0.51]
        for (x0, y0), (x1, y1) in zip(outline, outline[1:]):
            if x0 <= x <= x1 and x1 > x0:
                found.append(y0 + (y1 - y0) * (x - x0) / (x1 - x0))
    return min(found)


def elements():
    print(*sorted({element.tag.replace(NS, "") for element in root.iter()}))
    for element in root.iter():
        if element.tag[:len(NS)] != NS or any(name.startswith("on") or "href" in name for name in element.keys()):
            print("more than a picture needs:", element.tag, element.attrib)


def highest():
    of = chart(int(given[0]))
    (bytes_at, _), (seconds_at, _) = scales(of)
    x, y = min((p for _, shape in points(of, given[1]) for p in shape), key=lambda p: p[1])
    print(f"{bytes_at(y):.0f} {seconds_at(x):.3f}")


def at():
    of = chart(int(given[0]))
    (bytes_at, _), (_, place) = scales(of)
    print(f"{bytes_at(end_at(of, given[1], place(float(given[2])))):.0f}")


def hidden():
    group = list(root.find(NS + "g"))
    plates = []
    for plate, text in zip(group, group[1:]):
        if plate.tag == NS + "rect" and plate.get("fill-opacity") and text.tag == NS + "text":
            x, y, width = (float(plate.get(name)) for name in ("x", "y", "width"))
            plates += [(y, x, x + width, text.text)]
    for i, (y, begin, end, text) in enumerate(plates):
        if any(other[0] == y and other[1] < end and other[2] > begin for other in plates[i + 1:]):
            print(text)


def pixels():
    from PIL import Image

    of = chart(0)
    (_, height), (_, place) = scales(of)
    picture = Image.open(given[0]).convert("RGB")
    factor = picture.width / float(root.get("width"))
    x = place(float(given[2]))
    top, foot = end_at(of, given[1], x), height(0)
    fill = next(element.get("fill") for element, _ in points(of, given[1]))
    color = lambda y: "#%02x%02x%02x" % picture.getpixel((round(x * factor), round(y * factor)))
    print(picture.width, picture.height, factor * float(root.get("height")), fill, color((top + foot) / 2),
          color(top + 4), color(top - 4))


{"elements": elements, "highest": highest, "at": at, "hidden": hidden, "pixels": pixels,
 "texts": lambda: print(*(text for _, text in texts()), sep="\n"),
 "titles": lambda: print(*(element.text for element in root.iter(NS + "title")), sep="\n")}[what]()
