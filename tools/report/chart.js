// SPDX-License-Identifier: ISC
// What all charts over time have in common; and the one of stacked bands, with a line above them, and what happened.
import uPlot from "uplot";
import { bytes, clock, digits } from "./text.js";

const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300,
	600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
const binary = Array.from({ length: 52 }, (_, i) => 2 ** i);
const decimal = Array.from({ length: 12 }, (_, i) => [1, 2, 5].map((v) => v * 10 ** i)).flat();
const eventColors = { mark: "--accent", oom: "--bad" };

export function color(name) {
	return name.startsWith("--")
		? getComputedStyle(document.documentElement).getPropertyValue(name).trim()
		: name;
}

// Sums from below; where the whole is not known nothing is drawn. What is unknown of a band alone is drawn as
// it was before: the kernel's parts are not always read with the whole.
function stack(bands, n, known) {
	const sums = [];
	let below = new Float64Array(n);

	for (const band of bands) {
		const sum = new Float64Array(n);

		for (let i = 0, last = 0; i < n; i++) {
			const v = band.values[i];

			if (!Number.isNaN(v))
				last = Math.max(v, 0);
			else if (band.process)
				last = 0;
			sum[i] = below[i] + last;
		}
		sums.push(sum);
		below = sum;
	}
	return sums.map((sum) => withNulls(sum, known));
}

// uPlot knows no NaN; and an array that needs no nulls is far smaller as it is.
function withNulls(values, known) {
	return known.some(Number.isNaN)
		? Array.from(values, (v, i) => (Number.isNaN(known[i]) ? null : v))
		: values;
}

function dashed(ctx, x0, y0, x1, y1, stroke, dash) {
	ctx.save();
	ctx.strokeStyle = stroke;
	ctx.lineWidth = devicePixelRatio;
	ctx.setLineDash(dash.map((v) => v * devicePixelRatio));
	ctx.beginPath();
	ctx.moveTo(x0, y0);
	ctx.lineTo(x1, y1);
	ctx.stroke();
	ctx.restore();
}

// Text on a plate, kept within the chart.
function label(u, text, x, y, ink) {
	const { ctx, bbox } = u;

	ctx.save();
	ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
	ctx.textBaseline = "top";
	ctx.textAlign = "left";
	const width = ctx.measureText(text).width + 6 * devicePixelRatio;
	const left = Math.max(bbox.left, Math.min(x, bbox.left + bbox.width - width));

	ctx.globalAlpha = 0.85;
	ctx.fillStyle = color("--paper");
	ctx.fillRect(left, y, width, 15 * devicePixelRatio);
	ctx.globalAlpha = 1;
	ctx.fillStyle = ink;
	ctx.fillText(text, left + 3 * devicePixelRatio, y + 2 * devicePixelRatio);
	ctx.restore();
	return left + width;
}

function shorten(text, n) {
	return text.length > n ? `${text.slice(0, n)}\u2026` : text;
}

function eventText(event) {
	if (event.kind === "oom")
		return "OOM kill";
	return event.kind === "gap" ? "not sampled" : shorten(event.text, 24);
}

// Marks, kills and gaps. A label stands where there is room for it.
export function drawEvents(u, events) {
	const { ctx, bbox } = u;
	const room = [-Infinity, -Infinity];

	for (const event of events) {
		const x = u.valToPos(event.time / 1e9, "x", true);
		const ink = color(eventColors[event.kind] || "--quiet");

		if (event.kind === "gap") {
			const from = u.valToPos((event.time - event.number) / 1e9, "x", true);
			const left = Math.max(from, bbox.left);

			ctx.save();
			ctx.globalAlpha = 0.25;
			ctx.fillStyle = ink;
			ctx.fillRect(left, bbox.top, Math.min(x, bbox.left + bbox.width) - left, bbox.height);
			ctx.restore();
		}
		if (x < bbox.left || x > bbox.left + bbox.width)
			continue;
		dashed(ctx, x, bbox.top, x, bbox.top + bbox.height, ink, event.kind === "oom" ? [] : [4, 3]);
		const line = room.findIndex((end) => x > end);

		if (line >= 0)
			room[line] = label(u, eventText(event), x + 2,
				bbox.top + line * 16 * devicePixelRatio, ink);
	}
}

function drawPeaks(u, peaks) {
	const { ctx, bbox } = u;

	for (const peak of peaks) {
		const y = u.valToPos(peak.bytes, "y", true);
		const x = peak.time === undefined ? bbox.left : u.valToPos(peak.time / 1e9, "x", true);

		if (y < bbox.top || y > bbox.top + bbox.height || x < bbox.left || x > bbox.left + bbox.width)
			continue;
		if (peak.time === undefined) {
			dashed(ctx, bbox.left, y, bbox.left + bbox.width, y, color("--bad"), [2, 3]);
			// Where there is little room the marks have it.
			if (u.width > 500)
				label(u, peak.text, bbox.left + 4, y - 16 * devicePixelRatio, color("--bad"));
			continue;
		}
		ctx.save();
		ctx.fillStyle = color("--total");
		ctx.beginPath();
		ctx.arc(x, y, 3.5 * devicePixelRatio, 0, 7);
		ctx.fill();
		ctx.restore();
		label(u, peak.text, x + 6 * devicePixelRatio, y + 5 * devicePixelRatio, color("--total"));
	}
}

// What has happened often, as short lines at the foot, one for a pixel: [[times, color, from, to]], the last two in
// pixels from below.
export function drawTicks(u, kinds) {
	const { ctx, bbox } = u;
	const foot = bbox.top + bbox.height;

	for (const [times, ink, from, to] of kinds) {
		let last = -1;

		ctx.save();
		ctx.strokeStyle = color(ink);
		ctx.lineWidth = devicePixelRatio;
		ctx.beginPath();
		for (const time of times) {
			const x = Math.round(u.valToPos(time / 1e9, "x", true)) + 0.5;

			if (x === last || x < bbox.left || x > bbox.left + bbox.width)
				continue;
			last = x;
			ctx.moveTo(x, foot - from * devicePixelRatio);
			ctx.lineTo(x, foot - to * devicePixelRatio);
		}
		ctx.stroke();
		ctx.restore();
	}
}

const memoryAxis = { incrs: binary, space: 34, values: (u, splits) => splits.map((v) => bytes(v).replace(".0 ", " ")) };
export const countAxis = { incrs: decimal, space: 24, values: (u, splits) => splits.map(digits) };

function axes(y) {
	const common = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 },
		ticks: { stroke: color("--line") }, font: "11px system-ui, sans-serif" };

	return [
		{ ...common, incrs: steps, space: 70,
			values: (u, splits, axis, space, step) => splits.map((v) => clock(v, step)) },
		{ ...common, size: 76, ...y },
	];
}

function seriesOf(given) {
	const bands = given.bands.map((band) => ({ label: band.name, stroke: band.color, width: 0,
		fill: `${band.color}cc`, points: { show: false } }));
	const line = { label: "total", stroke: color("--total"), width: 1.5, points: { show: false } };

	return [...bands, ...(given.line ? [line] : [])];
}

// given: { whole: [from, to] in seconds, onHover(index or null), onZoom(min, max), onClick(index) }; plot: { columns,
// the first of which is the time in seconds, series: uPlot's, of the others, bands: likewise, axis: of what stands on
// the left, if not memory, height, range(max, isWhole): of that axis, draw(u): what is drawn above }. Returns the uPlot.
export function makePlot(target, given, plot) {
	const { whole } = given;
	let u = null;
	let down = null;
	const isWhole = () => !u || (u.scales.x.min <= whole[0] && u.scales.x.max >= whole[1]);
	const options = {
		width: target.clientWidth || 600,
		height: plot.height || (target.clientWidth < 600 ? 220 : 300),
		ms: 1,
		legend: { show: false },
		cursor: { y: false, points: { show: false }, drag: { x: true, y: false, dist: 5 } },
		scales: {
			x: { time: false, range: (_, min, max) => (min === null ? whole : [min, max]) },
			y: { range: (_, min, max) => plot.range(max, isWhole()) },
		},
		axes: axes(plot.axis || memoryAxis),
		series: [{}, ...plot.series],
		bands: plot.bands,
		hooks: {
			setCursor: [(it) => given.onHover(it.cursor.left >= 0 ? it.cursor.idx : null)],
			setScale: [(it, key) => key === "x" && given.onZoom(it.scales.x.min, it.scales.x.max)],
			draw: [plot.draw],
		},
	};
	target.replaceChildren();
	u = new uPlot(options, plot.columns, target);
	u.over.addEventListener("mousedown", (event) => { down = event.clientX; });
	u.over.addEventListener("click", (event) => {
		if (down === null || Math.abs(event.clientX - down) < 5)
			given.onClick(u.cursor.idx);
	});
	u.whole = whole;
	return u;
}

// given: { times (ns), bands: [{ name, color, values }], line: values or null, known: values, events, peaks,
// ticks: as drawTicks() has them, onHover(row or null), onZoom(min, max), onClick(row) }. Returns the uPlot.
export function makeChart(target, given) {
	const n = given.times.length;
	const first = given.times[0] / 1e9;
	const last = given.times[n - 1] / 1e9;
	const columns = [given.times.map((t) => t / 1e9), ...stack(given.bands, n, given.known)];
	const top = Math.max(0, ...(given.peaks || []).map((peak) => peak.bytes));

	if (given.line)
		columns.push(withNulls(given.line, given.line));
	return makePlot(target, { ...given, whole: [first, last > first ? last : first + 1] }, {
		columns,
		series: seriesOf(given),
		bands: given.bands.slice(1).map((_, i) => ({ series: [i + 2, i + 1] })),
		range: (max, isWhole) => [0, Math.max(max || 0, isWhole ? top : 0, 1) * 1.15],
		draw(u) {
			drawTicks(u, given.ticks || []);
			drawEvents(u, given.events || []);
			drawPeaks(u, given.peaks || []);
		},
	});
}
