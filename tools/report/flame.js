// SPDX-License-Identifier: ISC
// The flame graph of folded stacks.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";
import { bytes, digits } from "./text.js";

// "a;b;c 123" lines, as a tree of what each frame has with all that it called.
function treeOf(folded) {
	const root = { name: "all", value: 0, children: [], at: new Map() };

	for (const line of folded.split("\n")) {
		const blank = line.lastIndexOf(" ");
		const size = Number(line.slice(blank + 1));

		if (blank < 0 || !(size > 0))
			continue;
		root.value += size;
		let node = root;
		for (const name of line.slice(0, blank).split(";")) {
			let child = node.at.get(name);

			if (!child) {
				child = { name, value: 0, children: [], at: new Map() };
				node.at.set(name, child);
				node.children.push(child);
			}
			child.value += size;
			node = child;
		}
	}
	return root;
}

export function makeFlame(target, read, folded) {
	const tree = treeOf(folded);
	const text = (data) =>
		`${data.name}: ${bytes(data.value)} (${digits(data.value)} bytes, ${((100 * data.value) / tree.value).toFixed(1)}%)`;
	const chart = flamegraph()
		.width(target.clientWidth || 600)
		.cellHeight(19)
		.minFrameSize(1)
		.transitionDuration(0)
		.inverted(true)
		.sort((a, b) => b.value - a.value || (a.data.name < b.data.name ? -1 : 1));

	chart.setLabelHandler((d) => text(d.data));
	chart.setDetailsHandler((line) => { read.textContent = line || text(tree); });
	select(target).datum(tree).call(chart);
	read.textContent = text(tree);
	return {
		total: tree.value,
		width(w) {
			chart.width(w);
			chart.update();
		},
		find(term) {
			if (term)
				chart.search(term);
			else
				chart.clear();
		},
		reset() {
			chart.resetZoom();
		},
	};
}
