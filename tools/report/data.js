// SPDX-License-Identifier: ISC
// What mstat-report has put into the page (tools/embed.h, tools/reportpage.c), as arrays.

async function bytesOf(id) {
	const element = document.getElementById(id);

	if (!element)
		return null;
	const text = atob(element.textContent);
	const packed = new Uint8Array(text.length);

	for (let i = 0; i < text.length; i++)
		packed[i] = text.charCodeAt(i);
	element.remove();
	const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
	return new Uint8Array(await new Response(stream).arrayBuffer());
}

function textOf(bytes) {
	return new TextDecoder().decode(bytes);
}

// Varints of up to 64 bits, as numbers: exact to 2^53.
class Reader {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}

	varint() {
		let byte = this.bytes[this.at++];
		let value = byte & 127;

		for (let scale = 128; byte & 128; scale *= 128) {
			byte = this.bytes[this.at++];
			value += (byte & 127) * scale;
		}
		return value;
	}

	zigzag() {
		const v = this.varint();

		return v % 2 ? -(v + 1) / 2 : v / 2;
	}
}

function ticksOf(reader, n) {
	const ticks = new Float64Array(n);

	for (let i = 0, tick = 0; i < n; i++)
		ticks[i] = tick += reader.varint();
	return ticks;
}

// NaN where there is no value.
function columnOf(reader, n) {
	const scale = 2 ** reader.varint();
	const sparse = reader.varint();
	const bits = reader.at;
	const values = new Float64Array(n);

	reader.at += sparse ? Math.ceil(n / 8) : 0;
	for (let i = 0, v = 0; i < n; i++) {
		if (sparse && !((reader.bytes[bits + (i >> 3)] >> (i & 7)) & 1)) {
			values[i] = NaN;
			continue;
		}
		v += reader.zigzag();
		values[i] = v * scale;
	}
	return values;
}

// The instants of ticks in ns since the run's start; floor(k * 10^9 / freq) is exact only in parts.
function timesOf(ticks, about) {
	const times = new Float64Array(ticks.length);

	for (let i = 0; i < ticks.length; i++) {
		const rest = ticks[i] % about.freq;
		const seconds = (ticks[i] - rest) / about.freq;

		times[i] = (seconds - about.startSeconds) * 1e9 +
			Math.floor((rest * 1e9) / about.freq) - about.startNanos;
	}
	return times;
}

function seriesOf(bytes, n, width, about) {
	const reader = new Reader(bytes);
	const ticks = ticksOf(reader, n);
	const values = [];

	for (let i = 0; i < width; i++)
		values.push(columnOf(reader, n));
	return { ticks, times: timesOf(ticks, about), values, n };
}

// Of the processes whose runtimes have told: as the tree, and whose they are (tools/runtimereport.h).
async function runtimesOf(about) {
	const given = about.runtimes || [];
	const packed = await Promise.all(given.map((_, i) => bytesOf(`runtime${i}`)));

	return given.map(({ process, columns, rows, samples, bucket }, i) => {
		const series = seriesOf(packed[i], rows, columns.length, about);

		return { ...series, name: `runtime${i}`, process: about.processes[process], samples, bucket,
			column: Object.fromEntries(columns.map((name, k) => [name, series.values[k]])) };
	});
}

// { about, tree, lives, runtimes, heap }: tree.column is by name, lives.values by band as runreport.h has them.
export async function load() {
	const [aboutBytes, treeBytes, livesBytes, heapBytes] =
		await Promise.all(["about", "tree", "lives", "heap"].map(bytesOf));
	const about = JSON.parse(textOf(aboutBytes));
	const tree = seriesOf(treeBytes, about.rows, about.columns.length, about);
	const width = about.lifeRows ? 2 * (about.bands + 1) : 0;

	tree.column = Object.fromEntries(about.columns.map((name, i) => [name, tree.values[i]]));
	about.infoOf = Object.fromEntries(about.info);
	about.summaryOf = Object.fromEntries(about.summary);
	return {
		about,
		tree,
		lives: seriesOf(livesBytes, about.lifeRows, width, about),
		runtimes: await runtimesOf(about),
		heap: heapBytes ? textOf(heapBytes) : null,
	};
}
