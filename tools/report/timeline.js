// SPDX-License-Identifier: ISC
// The process tree as rows: a bar from start to end each, indented by parent.
import { bytes, digits, element, seconds, swatch } from "./text.js";

const SHOWN = 60;

export function peakOf(process) {
	return process.held ?? process.hwm;
}

export function nameOf(process) {
	return `${process.comm || "?"}[${process.pid}]`;
}

// Parents before their children, siblings as they began: [{ process, depth }].
function flatten(processes) {
	const children = processes.map(() => []);
	const roots = [];
	const order = [];

	processes.forEach((process, i) => {
		(process.parent === null || process.parent >= i ? roots : children[process.parent]).push(i);
	});
	const left = roots.reverse().map((i) => [i, 0]);
	while (left.length) {
		const [i, depth] = left.pop();

		order.push({ process: processes[i], row: i, depth });
		for (const child of children[i].reverse())
			left.push([child, depth + 1]);
	}
	return order;
}

// The largest, and the ancestors of each.
function choose(processes, n) {
	const chosen = new Set();
	const bySize = processes.map((_, i) => i).sort((a, b) => peakOf(processes[b]) - peakOf(processes[a]));

	for (let i of bySize) {
		if (chosen.size >= n)
			break;
		for (; i !== null && !chosen.has(i); i = processes[i].parent)
			chosen.add(i);
	}
	return chosen;
}

function statusOf(process) {
	if (process.status === null)
		return process.ended ? "ended" : "alive at the end of the record";
	return process.status & 127
		? `ended by signal ${process.status & 127}`
		: `exit status ${(process.status >> 8) & 255}`;
}

function detail(process) {
	const line = (name, value) =>
		element("p", null, element("b", null, `${name} `), element("span", { className: "name" }, value));
	const size = (v) => (v === null ? "unknown" : `${bytes(v)} (${digits(v)} bytes)`);

	return element("div", { className: "detail" },
		line("Command", process.argv ? process.argv + (process.cut ? " \u2026" : "") : "unknown"),
		line("Program", process.exe || "unknown"),
		line("Time", `${seconds(process.start)} to ${seconds(process.end)}; ${statusOf(process)}`),
		line("Peak", `PSS ${size(process.pss)}, RSS sampled ${size(process.rss)}, by the kernel ${size(process.hwm)}`),
		line("Measured", `${process.how || "unknown"}; ${digits(process.samples)} samples`),
		line("Ids", `pid ${process.pid}, parent ${process.ppid || "unknown"}, user ${process.uid}`));
}

function row({ process, depth }, color) {
	const fill = color || "var(--quiet)";
	const name = element("span", { className: "name", style: { paddingLeft: `${Math.min(depth, 12) * 12}px` } });
	const bar = element("span", { className: "bar", style: { background: fill } });
	const now = element("span", { className: "now", hidden: true });
	const size = peakOf(process);
	const button = element("button", { type: "button", className: "life", ariaExpanded: "false",
		title: process.argv.slice(0, 300) },
		name, element("span", { className: "track" }, bar, now),
		element("span", { className: "peak" }, size === null ? "unknown" : bytes(size)));

	if (color)
		name.append(swatch(color));
	name.append(nameOf(process));
	button.addEventListener("click", () => {
		const open = button.ariaExpanded === "true";

		button.ariaExpanded = String(!open);
		if (open)
			button.nextElementSibling.remove();
		else
			button.after(detail(process));
	});
	return { process, button, bar, now };
}

export function makeTimeline(target, more, processes, colorOf) {
	const order = flatten(processes);
	let shown = SHOWN;
	let rows = [];
	let range = [0, 1];

	const place = () => {
		const scale = 100 / (range[1] - range[0]);

		for (const { process, bar } of rows) {
			const from = (process.start - range[0]) * scale;
			const to = (Math.max(process.end, process.start) - range[0]) * scale;

			bar.hidden = to < 0 || from > 100;
			bar.style.left = `${Math.max(from, -1)}%`;
			bar.style.width = `${Math.min(to, 101) - Math.max(from, -1)}%`;
		}
	};
	const show = () => {
		const chosen = choose(processes, shown);

		rows = order.filter(({ row: i }) => chosen.has(i)).map((it) => row(it, colorOf(it.process)));
		target.replaceChildren(...rows.map(({ button }) => button));
		more.hidden = chosen.size >= processes.length;
		more.textContent = `Show more (${digits(rows.length)} of ${digits(processes.length)} are shown, the largest)`;
		place();
	};
	more.addEventListener("click", () => {
		shown *= 4;
		show();
	});
	show();
	return {
		zoom(min, max) {
			range = [min, max > min ? max : min + 1];
			place();
		},
		point(time) {
			const at = time === null ? -1 : ((time - range[0]) / (range[1] - range[0])) * 100;

			for (const { now } of rows) {
				now.hidden = at < 0 || at > 100;
				now.style.left = `${at}%`;
			}
		},
	};
}
