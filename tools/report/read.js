// SPDX-License-Identifier: ISC
// What stands below a chart: the exact values of one row of a series.
import { bytes, digits, element, seconds, swatch } from "./text.js";

// The last row that is not after that time; the first, where there is none.
export function rowAt(times, time) {
	let low = 0;
	let high = times.length - 1;

	while (low < high) {
		const middle = (low + high + 1) >> 1;

		if (times[middle] <= time)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

// Not everything is read with every row: what is drawn then is what it was before.
const rowsBefore = 1000;

export function drawnBefore(series, values, row) {
	let at = row;

	while (at >= 0 && at > row - rowsBefore && Number.isNaN(values[at]))
		at--;
	return at < 0 || Number.isNaN(values[at]) ? null
		: { v: values[at], when: `${seconds(series.times[row] - series.times[at])} before` };
}

export function valueItem(name, fill, v, before, write = bytes) {
	const known = Number.isNaN(v) ? before : { v, when: write === digits ? "" : digits(v) };

	return element("span", { data: { name, value: Number.isNaN(v) ? "" : String(v) } }, ...(fill ? [swatch(fill)] : []),
		element("span", { className: "name" }, name), ` ${known ? write(known.v) : "\u2013"} `,
		element("span", { className: "exact" }, known ? known.when : ""));
}

export function when(series, row, firstTick) {
	return element("span", { className: "when", data: { tick: series.ticks[row], time: series.times[row] } },
		`${seconds(series.times[row])}, tick ${digits(series.ticks[row] - firstTick)} of the run`);
}
