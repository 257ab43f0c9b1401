// SPDX-License-Identifier: ISC
// Processes whose runtime has told of its memory: that and RSS as lines, collections, and what runs in them.
import { countAxis } from "./chart.js";
import { makeLines } from "./lines.js";
import { drawnBefore, rowAt, valueItem, when } from "./read.js";
import { bytes, digits, element, swatch, table } from "./text.js";
import { nameOf } from "./timeline.js";

// Columns of a process, as they are drawn. What the others never come near (limitTimes their peak) is left to the
// numbers: a limit on memory may be far above it.
const limitTimes = 4;
const memory = [
	{ column: "rss_bytes", name: "RSS", color: "--total", width: 2 },
	{ column: "go_held_bytes", name: "from the kernel", color: "#d9730d" },
	{ column: "go_heap_inuse_bytes", name: "heap in use", color: "#4e79a7" },
	{ column: "go_heap_alloc_bytes", name: "live heap", color: "#2e9e5b" },
	{ column: "go_next_gc_bytes", name: "next GC", color: "#b07aa1", dash: [6, 4], isLimit: true },
	{ column: "jvm_heap_committed_bytes", name: "heap committed", color: "#d9730d" },
	{ column: "jvm_heap_used_bytes", name: "heap used", color: "#4e79a7" },
	{ column: "jvm_metaspace_used_bytes", name: "metaspace", color: "#b07aa1" },
	{ column: "glibc_arena_bytes", name: "arenas of malloc", color: "#9c755f" },
];
const collections = [
	{ column: "go_num_gc", name: "collections", color: "#d0453e" },
	{ column: "jvm_gc_count", name: "collections", color: "#d0453e" },
];
const running = [
	{ column: "go_goroutines", name: "goroutines", color: "--accent" },
	{ column: "jvm_threads", name: "threads", color: "--accent" },
];

const isDrawable = (v) => v >= 0 && v < 2 ** 52;

const cssOf = (color) => (color.startsWith("--") ? `var(${color})` : color);
const allOf = (runtime) => [...runtime.memory, ...runtime.collections, ...runtime.running];

function partsOf(runtime, kinds, write) {
	return kinds.filter(({ column }) => runtime.column[column]).map((kind) => ({ ...kind, drawable: isDrawable,
		write, values: runtime.column[kind.column] }));
}

function memoryOf(runtime) {
	const lines = partsOf(runtime, memory, bytes);
	const top = limitTimes * Math.max(...lines.filter((line) => !line.isLimit).map((line) => peakOf(line.values)));

	return lines.map((line) => (line.isLimit ? { ...line, drawable: (v) => isDrawable(v) && v <= top } : line));
}

function risesOf(times, values) {
	const rises = [];

	for (let i = 0, last = NaN; i < values.length; i++) {
		if (values[i] > last)
			rises.push(times[i]);
		if (!Number.isNaN(values[i]))
			last = values[i];
	}
	return rises;
}

// What was said of it when it was found: "go1.19.8, by its debug information".
function foundAs({ id }, events) {
	const note = events.find((e) => e.kind === "note" && e.process === id && /^(go|jvm): /.test(e.text));

	return note ? note.text.replace(/^\w+: /, "") : "";
}

function lastOf(values) {
	return values.findLast((v) => !Number.isNaN(v));
}

function peakOf(values) {
	return values.reduce((peak, v) => (v > peak ? v : peak), -Infinity);
}

function legend(runtime) {
	const number = "number";
	const cell = (v, write) => element("span", { data: { value: v }, title: digits(v) }, write(v));
	const peak = ({ column, values }) => (column === "rss_bytes" ? runtime.process.rss : peakOf(values));
	const row = (it) => [
		element("span", null, swatch(cssOf(it.color)), element("span", { className: "name" }, it.name)),
		cell(lastOf(it.values), it.write), runtime.collections.includes(it) ? "" : cell(peak(it), it.write)];
	const made = element("table");

	table(made, [{ name: "" }, { name: "Last", kind: number }, { name: "Peak", kind: number }], allOf(runtime).map(row));
	return element("div", { className: "wide" }, made);
}

function frame(runtime, about) {
	const chart = (name, label) => element("div", { id: name, className: "chart", tabIndex: 0, role: "img", ariaLabel: label });
	const title = nameOf(runtime.process);
	const charts = element("div", null, chart(`${runtime.name}-chart`, `memory of ${title} over time`));

	if (runtime.running.length)
		charts.append(chart(`${runtime.name}-running-chart`, `${runtime.running[0].name} of ${title} over time`));
	charts.append(element("div", { id: `${runtime.name}-read`, className: "read" }));
	return element("div", { className: "runtime" },
		element("h3", null, element("span", { className: "name" }, title), " ",
			element("span", { className: "quiet" }, foundAs(runtime.process, about.events))),
		element("div", { className: "beside" }, charts, legend(runtime)));
}

function noteOf(runtimes) {
	const thinned = runtimes.filter((runtime) => runtime.bucket);
	const notes = [];

	if (runtimes.some((runtime) => runtime.column.go_held_bytes))
		notes.push("Go: what it has from the kernel is sys less released; next GC is dashed. The live heap has what is dead, too, until that is swept.");
	if (runtimes.some(({ column }) => column.go_held_bytes && !column.go_next_gc_bytes))
		notes.push("Where there is no next GC the collector is off (GOGC=off).");
	notes.push("Red at the foot: collections.");
	if (thinned.length)
		notes.push(`Of ${digits(thinned.reduce((all, { samples }) => all + samples, 0))} samples ${digits(thinned.reduce((all, { n }) => all + n, 0))} are in this page: those with the lowest and highest values.`);
	return notes.join(" ");
}

// The section, where there are any. about: of the page's data.
export function layOutRuntimes(section, runtimes, about) {
	for (const runtime of runtimes) {
		runtime.memory = memoryOf(runtime);
		runtime.collections = partsOf(runtime, collections, digits);
		runtime.running = partsOf(runtime, running, digits);
	}
	section.hidden = !runtimes.length;
	if (runtimes.length)
		section.replaceChildren(element("h2", { id: "runtimes-title" }, "Runtimes"),
			element("p", { className: "quiet" }, noteOf(runtimes)), ...runtimes.map((runtime) => frame(runtime, about)));
}

// drawn: of what a chart is given, with its name and times, all else that it needs. Returns the charts by name.
export function drawRuntimes(runtimes, drawn) {
	const charts = {};
	const draw = (name, times, more) => {
		charts[name] = makeLines(document.getElementById(`${name}-chart`), drawn({ name, times, ...more }));
	};

	for (const { name, times, memory: lines, collections: counts, running: below } of runtimes) {
		draw(name, times, { lines, marks: counts.map(({ color, values }) => ({ color, times: risesOf(times, values) })) });
		if (below.length)
			draw(`${name}-running`, times, { lines: below, axis: countAxis, height: 130 });
	}
	return charts;
}

// Before the first sample, and after its end, there is nothing to be told: as many lines as ever.
export function readRuntime(runtime, time, firstTick) {
	const { times, process, n } = runtime;
	const row = rowAt(times, time);
	const isThere = time >= times[0] && time <= Math.max(process.ended ? process.end : Infinity, times[n - 1]);
	const items = allOf(runtime).map(({ name, color, values, write }) =>
		valueItem(name, cssOf(color), isThere ? values[row] : NaN,
			isThere ? drawnBefore(runtime, values, row) : null, write));
	const title = isThere ? when(runtime, row, firstTick) : element("span", { className: "when" },
		time < times[0] ? "not sampled yet" : "has ended");

	document.getElementById(`${runtime.name}-read`).replaceChildren(title, ...items);
}
