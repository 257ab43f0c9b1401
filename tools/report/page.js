// SPDX-License-Identifier: ISC
// The page: what it has of the run, its charts and tables, and how they go together.
import "uplot/dist/uPlot.min.css";
import "./node_modules/d3-flame-graph/dist/d3-flamegraph.css";
import "./page.css";
import { color, makeChart } from "./chart.js";
import { load } from "./data.js";
import { makeFlame } from "./flame.js";
import { drawnBefore, rowAt, valueItem, when } from "./read.js";
import { drawRuntimes, layOutRuntimes, readRuntime } from "./runtimes.js";
import { bytes, digits, element, seconds, swatch, table } from "./text.js";
import { makeTimeline, nameOf } from "./timeline.js";

const palette = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#edc948", "#ff9da7",
	"#9c755f", "#499894", "#d37295", "#a0cbe8"];
const colors = { anon: "#4e79a7", shmem: "#b07aa1", kernel: "#e15759", cache: "#8cb369", rest: "#9aa0a6",
	loose: "#f4d35e" };
const $ = (id) => document.getElementById(id);

let data = null;
let charts = {};
let timeline = null;
let flame = null;
let hovered = null; // row of the tree
let pinned = null;
let zoomed = null; // [min, max] in seconds
let busy = false; // a chart follows another

// ---- what the run has -------------------------------------------------------------------------------

const column = (name) => data.tree.column[name];
const told = (name) => data.about.summaryOf[name] ?? null;
const hasCgroup = () => Boolean(data.about.infoOf.cgroup) || Boolean(column("anon_bytes"));

// Page cache is what of the files is no shared memory.
function less(values, other) {
	return other ? values.map((v, i) => (Number.isNaN(other[i]) ? v : Math.max(0, v - other[i]))) : values;
}

function treeBands() {
	const bands = [];
	const put = (name, fill, values) => values && bands.push({ name, color: fill, values });

	if (column("anon_bytes") || column("file_bytes")) {
		put("anonymous", colors.anon, column("anon_bytes"));
		put("shared memory", colors.shmem, column("shmem_bytes"));
		put("kernel", colors.kernel, column("kernel"));
		if (column("file_bytes"))
			put("page cache", colors.cache, less(column("file_bytes"), column("shmem_bytes")));
	} else if (column("sum_rss_anon_bytes")) {
		const shmem = column("sum_rss_shmem_bytes");

		put("anonymous", colors.anon, column("sum_rss_anon_bytes"));
		put("shared memory", colors.shmem, shmem);
		put("files", colors.cache, less(less(column("sum_rss_bytes"), column("sum_rss_anon_bytes")), shmem));
	}
	return bands;
}

function plus(a, b) {
	return a.map((v, i) => (Number.isNaN(v) ? b[i] : v) + (Number.isNaN(b[i]) || Number.isNaN(v) ? 0 : b[i]));
}

// The tree's values at the rows of the processes, which are some of its own.
function atLives(values) {
	const at = new Float64Array(data.lives.n);

	for (let i = 0, k = 0; i < data.lives.n; i++) {
		while (data.tree.ticks[k] < data.lives.ticks[i])
			k++;
		at[i] = values[k];
	}
	return at;
}

function looseValues() {
	const anon = column("unattributed_anon_bytes");
	const shmem = column("unattributed_shmem_bytes");

	return anon && shmem ? plus(anon, shmem) : anon || shmem || null;
}

const colorOf = (process) => palette[process.band - 1] || null;

// All that is told one by one, then the others: the table has them so.
function heldBands() {
	const { about, lives } = data;
	const bands = about.processes.filter((p) => p.band).sort((a, b) => a.band - b.band).map((process) => ({
		name: nameOf(process),
		process,
		color: colorOf(process) || colors.rest,
		values: lives.values[2 * (process.band - 1)],
		rss: lives.values[2 * (process.band - 1) + 1],
	}));
	const loose = looseValues();

	if (about.processCount > bands.length)
		bands.push({ name: othersName(about.processCount - bands.length), color: colors.rest,
			values: lives.values[2 * about.bands], rss: lives.values[2 * about.bands + 1] });
	if (loose)
		bands.push({ name: "unattributed", color: colors.loose, values: atLives(loose) });
	return bands;
}

function othersName(n) {
	return `${digits(n)} other${n > 1 ? "s" : ""}`;
}

// Those that have a colour of their own, and one band for all others: the picture has them so.
function livesBands() {
	const own = data.heldBands.filter((band) => band.color !== colors.rest);
	const others = data.heldBands.filter((band) => band.color === colors.rest);
	const values = new Float64Array(data.lives.n);

	if (!others.length)
		return own;
	for (const band of others)
		for (let i = 0; i < values.length; i++)
			values[i] += band.values[i] > 0 ? band.values[i] : 0;
	const named = own.filter((band) => band.process);

	return [...named, { name: othersName(data.about.processCount - named.length), color: colors.rest, values },
		...own.filter((band) => !band.process)];
}

// ---- head and tiles ---------------------------------------------------------------------------------

function endOf(status) {
	if (status === null)
		return "";
	return status & 127 ? `ended by signal ${status & 127}` : `exit status ${(status >> 8) & 255}`;
}

function showHead() {
	const { about } = data;
	const command = about.infoOf.command || "";
	const start = Number(about.infoOf.start_realtime_ns) / 1e6;
	const parts = [about.infoOf.host, about.infoOf.kernel && `Linux ${about.infoOf.kernel}`,
		start ? new Date(start).toLocaleString() : "", endOf(told("exit_status"))];

	$("command").textContent = command.length > 400 ? `${command.slice(0, 400)}\u2026` : command || "mstat report";
	$("command").title = command.slice(0, 4096);
	document.title = `${command.slice(0, 60) || "run"} \u2013 mstat report`;
	$("run").textContent = parts.filter(Boolean).join(" \u00b7 ");
	$("made").textContent = `Made by mstat-report ${about.version} of a record of mstat ${about.infoOf.version || "?"}.`;
	if (about.cut) {
		$("cut").textContent = `The record is not whole: ${about.cut}. What follows is what was recorded before.`;
		$("cut").hidden = false;
	}
}

function showTiles() {
	const tiles = [
		["Peak, by the kernel: exact", told("peak_exact_bytes"), bytes],
		["Peak, sampled", told("peak_sampled_bytes"), bytes],
		["Peak without page cache", told("peak_without_cache_bytes"), bytes],
		["Live heap at the peak", told("peak_heap_live_bytes"), bytes],
		["Duration", told("duration_ns"), seconds],
		["Processes", data.about.processCount, digits],
		["Ticks of the tree", data.about.ticks, digits],
		["OOM kills", told("oom_kills") || null, digits],
	];

	$("tiles").replaceChildren(...tiles.filter(([, v]) => v !== null).map(([name, v, write]) =>
		element("li", { title: digits(v) }, element("b", null, write(v)), name)));
}

function showNotes() {
	const { about } = data;
	const notes = [];

	if (!hasCgroup())
		notes.push("No cgroup: this is the sum of the processes' RSS, in which shared pages count for each.");
	if (about.bucket)
		notes.push(`Of ${digits(about.ticks)} ticks ${digits(about.rows)} are in this page: of every ${digits(about.bucket)} those with the lowest and highest values, and all around the peak.`);
	$("tree-note").textContent = notes.join(" ");
	const fewer = about.lifeRows < about.rows ? ` At ${digits(about.lifeRows)} of the ticks above.` : "";

	$("lives-note").textContent = about.bands
		? `PSS, moved by what RSS has moved since it was read; RSS where there is none. Green: processes that begin, red: that end.${fewer}`
		: "";
}

// ---- pointing and zooming ---------------------------------------------------------------------------

const whenOf = (series, row) => when(series, row, data.tree.ticks[0]);

function readTree(row) {
	const items = [valueItem("total", null, column("rss") ? column("rss")[row] : NaN)];

	for (const band of data.treeBands)
		items.push(valueItem(band.name, band.color, band.values[row], drawnBefore(data.tree, band.values, row)));
	for (const [name, title] of [["residual_bytes", "between them"], ["swap_bytes", "swap"],
		["peak_bytes", "peak so far, exact"], ["heap_live_bytes", "live heap"]])
		if (column(name))
			items.push(valueItem(title, null, column(name)[row]));
	$("tree-read").replaceChildren(whenOf(data.tree, row), ...items);
}

function readLives(row) {
	const items = data.livesBands.map((band) => valueItem(band.name, band.color, band.values[row]));

	$("lives-read").replaceChildren(whenOf(data.lives, row), ...items);
}

// Everything shows the tick; null: that of the table. A chart with rows of its own says which time that is.
function point(row, from, own) {
	hovered = row;
	const shown = row ?? pinned;

	if (shown === null || busy)
		return;
	const time = own ?? data.tree.times[shown];

	readTree(shown);
	timeline.point(row === null ? null : time);
	if (data.lives.n)
		readLives(rowAt(data.lives.times, time));
	for (const runtime of data.runtimes)
		readRuntime(runtime, time, data.tree.ticks[0]);
	busy = true;
	for (const chart of Object.values(charts))
		if (chart !== from)
			chart.setCursor(row === null ? { left: -10, top: -10 }
				: { left: chart.valToPos(time / 1e9, "x"), top: 10 }, false);
	busy = false;
}

function zoom(min, max, from) {
	const { whole } = charts.tree;
	const least = 3 / data.about.freq;

	if (busy)
		return;
	if (max - min < least)
		[min, max] = [(min + max - least) / 2, (min + max + least) / 2];
	// What would lie beyond an end is shown at the other one.
	const span = Math.min(max - min, whole[1] - whole[0]);
	min = Math.min(Math.max(min, whole[0]), whole[1] - span);
	max = min + span;
	zoomed = min <= whole[0] && max >= whole[1] ? null : [min, max];
	busy = true;
	for (const chart of Object.values(charts))
		if (chart !== from || chart.scales.x.min !== min || chart.scales.x.max !== max)
			chart.setScale("x", { min, max });
	busy = false;
	timeline.zoom(min * 1e9, max * 1e9);
}

function zoomBy(factor) {
	const [min, max] = zoomed || charts.tree.whole;
	const at = hovered === null ? (min + max) / 2 : data.tree.times[hovered] / 1e9;
	const centre = Math.min(Math.max(at, min), max);

	zoom(centre - (centre - min) * factor, centre + (max - centre) * factor);
}

function step(by) {
	const last = data.tree.n - 1;
	const row = Math.min(Math.max((hovered ?? pinned ?? 0) + by, 0), last);
	const time = data.tree.times[row] / 1e9;

	if (zoomed && (time < zoomed[0] || time > zoomed[1])) {
		const half = (zoomed[1] - zoomed[0]) / 2;

		zoom(time - half, time + half);
	}
	point(row);
}

// ---- who held what ----------------------------------------------------------------------------------

function named(fill, name) {
	return element("span", null, swatch(fill), element("span", { className: "name" }, name));
}

function exactCell(v, before) {
	const known = Number.isNaN(v) && before ? before : { v, when: Number.isNaN(v) ? "" : digits(v) };

	return element("span", { data: { value: Number.isNaN(v) || v === null ? "" : String(v) } },
		bytes(known.v), " ", element("span", { className: "exact" }, known.when));
}

function heldRows(row) {
	const bands = data.heldBands.map((band) => ({ ...band, held: band.values[row],
		now: band.rss ? band.rss[row] : NaN })).filter((band) => band.held > 0);
	const sum = bands.reduce((all, band) => all + band.held, 0);

	return bands.sort((a, b) => b.held - a.held).map((band) => [named(band.color, band.name), exactCell(band.held),
		band.rss ? exactCell(band.now) : "", `${((100 * band.held) / sum).toFixed(1)}%`,
		element("span", { className: "words" }, band.process ? band.process.argv.slice(0, 200) : "")]);
}

function pin(row) {
	if (row === null || row === undefined || !data.tree.n)
		return;
	pinned = row;
	$("held-section").hidden = false;
	const time = data.tree.times[row];
	const lives = data.lives.n ? rowAt(data.lives.times, time) : null;
	const processes = column("processes") ? column("processes")[row] : NaN;
	const of = lives !== null && data.lives.ticks[lives] !== data.tree.ticks[row]
		? ` The processes are those of ${seconds(data.lives.times[lives])}, the nearest tick before in this page.` : "";

	$("held-note").textContent = `At ${seconds(time)}${row === data.peakRow ? ", the sampled peak" : ""}${Number.isNaN(processes) ? "" : `; processes that were sampled: ${digits(processes)}`}. Click into a chart for another tick.${of}`;
	$("held-note").dataset.tick = data.tree.ticks[row];
	const number = "number";

	if (lives !== null)
		table($("held"), [{ name: "Process" }, { name: "Held", kind: number }, { name: "RSS", kind: number },
			{ name: "Share", kind: number }, { name: "Command", kind: "text" }], heldRows(lives));
	table($("held-tree"), [{ name: "The tree" }, { name: "Bytes", kind: number }], [
		...data.treeBands.map((band) => [named(band.color, band.name),
			exactCell(band.values[row], drawnBefore(data.tree, band.values, row))]),
		...(column("rss") ? [[element("b", null, "total"), exactCell(column("rss")[row])]] : []),
	]);
	point(hovered);
}

// ---- tables -----------------------------------------------------------------------------------------

function summaryText(name, v) {
	if (name.endsWith("_bytes"))
		return `${digits(v)} (${bytes(v)})`;
	return name.endsWith("_ns") ? `${digits(v)} (${seconds(v)})` : digits(v);
}

function showTables() {
	const { about } = data;
	const number = "number";
	const phase = (p) => [String(p.number), seconds(p.start), seconds(p.end), bytes(p.exact ?? p.sampled),
		p.exact !== null ? "exact" : p.sampled !== null ? "sampled" : "", p.number === 1 ? "(start)" : p.name];

	table($("summary"), [{ name: "Name" }, { name: "Value", kind: "text" }], [
		...about.info.filter(([name]) => name !== "command"),
		...about.summary.filter(([, v]) => v !== null).map(([name, v]) => [name, summaryText(name, v)])]);
	const unknown = about.summary.filter(([, v]) => v === null).map(([name]) => name);

	$("unknown").textContent = unknown.length ? `Not known of this run: ${unknown.join(", ")}.` : "";
	if (about.phaseCount > 1) {
		table($("phases"), [{ name: "Phase" }, { name: "From", kind: number }, { name: "To", kind: number },
			{ name: "Peak", kind: number }, { name: "" }, { name: "Name", kind: "text" }], about.phases.map(phase));
		$("phases-box").hidden = false;
	}
	if (about.eventCount) {
		const few = about.events.slice(0, 1000);

		table($("events"), [{ name: "Time", kind: number }, { name: "Event" }, { name: "Number", kind: number },
			{ name: "Text", kind: "text" }], few.map((e) => [seconds(e.time), String(e.kind), digits(e.number), e.text]));
		$("events-title").textContent = `Events (${few.length < about.eventCount ? `the first ${digits(few.length)} of ` : ""}${digits(about.eventCount)})`;
		$("events-box").hidden = false;
	}
}

// ---- drawing ----------------------------------------------------------------------------------------

function nothing(id, why) {
	$(id).replaceChildren(element("p", { className: "empty" }, why));
	$(id).tabIndex = -1;
}

// given.timeOf: the time of what a chart says is pointed at: a row, if nothing else is said.
function drawn(given) {
	const { timeOf = (row) => given.times[row] } = given;
	const treeRow = (at) => rowAt(data.tree.times, timeOf(at));

	return { ...given, onHover: (at) => !busy && (at === null ? point(null, charts[given.name])
		: point(treeRow(at), charts[given.name], timeOf(at))),
		onZoom: (min, max) => charts[given.name] && zoom(min, max, charts[given.name]),
		onClick: (at) => pin(at === null ? null : treeRow(at)) };
}

function drawTree() {
	const { about, tree } = data;
	const rss = column("rss");
	const peaks = [];
	const exact = told("peak_exact_bytes");

	if (exact !== null)
		peaks.push({ bytes: exact, text: `peak by the kernel ${bytes(exact)}` });
	if (data.peakRow !== null)
		peaks.push({ bytes: rss[data.peakRow], time: tree.times[data.peakRow],
			text: `sampled peak ${bytes(rss[data.peakRow])}` });
	charts.tree = makeChart($("tree-chart"), drawn({ name: "tree", times: tree.times, bands: data.treeBands,
		line: rss, known: rss, peaks, events: about.events.filter((e) => ["mark", "oom", "gap"].includes(e.kind)) }));
}

function drawLives() {
	const { about, lives } = data;
	const starts = about.processes.map((p) => p.start).sort((a, b) => a - b);
	const ends = about.processes.filter((p) => p.ended).map((p) => p.end).sort((a, b) => a - b);

	charts.lives = makeChart($("lives-chart"), drawn({ name: "lives", times: lives.times, bands: data.livesBands,
		line: null, known: lives.times, events: about.events.filter((e) => e.kind === "oom"),
		ticks: [[starts, "#2e9e5b", 0, 4], [ends, "#d0453e", 4, 8]] }));
}

function draw() {
	for (const chart of Object.values(charts))
		chart.destroy();
	charts = {};
	busy = true;
	if (data.tree.n && column("rss"))
		drawTree();
	else
		nothing("tree-chart", "Nothing was sampled of the tree.");
	if (data.lives.n)
		drawLives();
	else
		nothing("lives-chart", data.about.processCount
			? "No process was sampled: all were shorter than a tick, or ended before."
			: "The record has no process.");
	if (charts.tree)
		Object.assign(charts, drawRuntimes(data.runtimes, (given) => drawn({ ...given, whole: charts.tree.whole,
			events: data.about.events.filter((e) => e.kind === "oom"), timeOf: (time) => time })));
	busy = false;
	if (zoomed && charts.tree)
		zoom(...zoomed);
}

function drawTimeline() {
	const { about, tree } = data;
	const ends = about.processes.map((p) => p.end);
	const range = tree.n ? [tree.times[0], tree.times[tree.n - 1]]
		: [0, ends.reduce((a, b) => Math.max(a, b), 1)];

	timeline = makeTimeline($("timeline"), $("more"), about.processes, colorOf);
	timeline.zoom(...range);
	if (!about.processCount)
		nothing("timeline", "The record has no process.");
	$("time-note").textContent = about.processes.length < about.processCount
		? `The ${digits(about.processes.length)} largest of ${digits(about.processCount)} processes, and their parents, are in this page.`
		: about.processCount ? "From start to end, under their parents; at the right the peak as above. Click a row for more." : "";
}

function drawFlame() {
	const { about, heap } = data;

	if (!heap && !about.noHeap)
		return;
	$("heap-section").hidden = false;
	$("heap-note").textContent = [about.noHeap ? `Nothing to draw: ${about.noHeap}.` : "Estimates by sampling. Click a frame to have it fill the width.",
		about.remarks.trim()].filter(Boolean).join(" ");
	if (heap)
		flame = makeFlame($("flame"), $("heap-read"), heap);
}

// ---- steering ---------------------------------------------------------------------------------------

const keys = {
	ArrowLeft: (event) => step(event.shiftKey ? -10 : -1),
	ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
	Home: () => step(-Infinity),
	End: () => step(Infinity),
	p: () => step(data.peakRow - (hovered ?? pinned ?? 0)),
	Enter: () => pin(hovered),
	"+": () => zoomBy(0.5),
	"=": () => zoomBy(0.5),
	"-": () => zoomBy(2),
	Escape: () => { zoom(...charts.tree.whole); point(null); },
};

function onKey(event) {
	const target = event.target;
	const key = keys[event.key] || keys[event.key.toLowerCase()];
	const own = target.closest && target.closest("input, summary, button");

	if (!key || event.ctrlKey || event.altKey || event.metaKey || !charts.tree)
		return;
	if (own && (own.tagName === "INPUT" || event.key === "Enter"))
		return;
	event.preventDefault();
	key(event);
}

function onTheme() {
	const next = { "": "light", light: "dark", dark: "" }[document.documentElement.dataset.theme || ""];

	if (next)
		document.documentElement.dataset.theme = next;
	else
		delete document.documentElement.dataset.theme;
	$("theme").textContent = `Theme: ${next || "system"}`;
	draw();
}

function listen() {
	let width = document.body.clientWidth;

	document.addEventListener("keydown", onKey);
	$("theme").addEventListener("click", onTheme);
	$("zoom-in").addEventListener("click", () => charts.tree && zoomBy(0.5));
	$("zoom-out").addEventListener("click", () => charts.tree && zoomBy(2));
	$("reset").addEventListener("click", () => charts.tree && keys.Escape());
	$("find").addEventListener("input", () => flame && flame.find($("find").value));
	$("heap-reset").addEventListener("click", () => flame && flame.reset());
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
	new ResizeObserver(() => {
		if (document.body.clientWidth === width)
			return;
		width = document.body.clientWidth;
		draw();
		if (flame)
			flame.width($("flame").clientWidth);
	}).observe(document.body);
}

function peakRow() {
	const rss = column("rss");
	let peak = null;

	for (let i = 0; rss && i < data.tree.n; i++)
		if (!Number.isNaN(rss[i]) && (peak === null || rss[i] > rss[peak]))
			peak = i;
	return peak;
}

async function main() {
	data = await load();
	data.peakRow = peakRow();
	// Their axis is the tree's.
	data.runtimes = data.peakRow === null ? [] : data.runtimes;
	data.treeBands = treeBands();
	data.heldBands = data.lives.n ? heldBands() : [];
	data.livesBands = livesBands();
	showHead();
	showTiles();
	showNotes();
	layOutRuntimes($("runtimes-section"), data.runtimes, data.about);
	drawTimeline();
	draw();
	pin(data.peakRow ?? (data.tree.n ? 0 : null));
	showTables();
	drawFlame();
	listen();
	document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

main().catch((error) => {
	$("cut").textContent = `This page cannot be shown: ${error.message}`;
	$("cut").hidden = false;
	throw error;
});
