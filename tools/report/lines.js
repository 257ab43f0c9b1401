// SPDX-License-Identifier: ISC
// A chart of lines over time, not all of which are told at every row, and what has happened at its foot.
import { color, drawEvents, drawTicks, makePlot } from "./chart.js";

// What was read is joined over so much time in which it was not, for in a large tree a runtime is read every 5 seconds;
// beyond, nothing is drawn.
const JOINED_NS = 6e9;

// The rows that are on the axis, with its ends: so the axis is that of the other charts. For uPlot undefined is
// joined, null is not.
function onAxis(times, whole, values, drawable) {
	const drawn = [null];
	let last = -1;

	for (let i = 0; i < times.length; i++) {
		const t = times[i] / 1e9;

		if (t < whole[0] || t > whole[1])
			continue;
		drawn.push(null);
		if (!drawable(values[i]))
			continue;
		const at = drawn.length - 1;

		drawn[at] = values[i];
		if (last >= 0 && times[i] - last <= JOINED_NS)
			for (let k = at - 1; drawn[k] === null; k--)
				drawn[k] = undefined;
		last = times[i];
	}
	drawn.push(null);
	return drawn;
}

// Where no line is: neither before nor after. The ends are null.
function lonePoints(drawn) {
	return [...drawn.keys()].filter((i) => drawn[i] !== null && drawn[i - 1] === null && drawn[i + 1] === null);
}

// given: { times (ns), whole: [from, to] in seconds, lines: [{ name, color, dash, values, drawable }], marks: [{ times,
// color }], height, axis, events, onHover(time or null), onZoom(min, max), onClick(time) }: the time is that of a row,
// or, where there is none, what is pointed at. Returns the uPlot.
export function makeLines(target, given) {
	const { whole } = given;
	const times = given.times.filter((t) => t / 1e9 >= whole[0] && t / 1e9 <= whole[1]);
	const columns = [[whole[0], ...Array.from(times, (t) => t / 1e9), whole[1]],
		...given.lines.map((line) => onAxis(given.times, whole, line.values, line.drawable))];
	const lone = columns.slice(1).map(lonePoints);
	const series = given.lines.map((line, i) => ({ label: line.name, stroke: color(line.color), width: line.width || 1.5,
		dash: line.dash, points: { show: false, filter: () => lone[i] } }));
	let u = null;
	const timeAt = (index) => {
		const time = u.posToVal(u.cursor.left, "x") * 1e9;

		return time < times[0] || !(time <= times[times.length - 1]) ? time
			: times[Math.min(Math.max(index - 1, 0), times.length - 1)];
	};

	u = makePlot(target, { ...given, onHover: (index) => given.onHover(index === null ? null : timeAt(index)),
		onClick: (index) => given.onClick(timeAt(index)) }, {
		columns, series, axis: given.axis, height: given.height,
		range: (max) => [0, Math.max(max || 0, 1) * 1.15],
		draw(it) {
			drawTicks(it, (given.marks || []).map((mark) => [mark.times, mark.color, 0, 8]));
			drawEvents(it, given.events || []);
		},
	});
	return u;
}
