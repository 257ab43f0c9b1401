// SPDX-License-Identifier: ISC
// Numbers for people, and elements. All text goes through textContent: nothing here is ever parsed as HTML.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(v) {
	if (v === null || v === undefined || Number.isNaN(v))
		return "unknown";
	let size = Math.abs(v);
	let unit = 0;

	for (; size >= 1024 && unit < units.length - 1; unit++)
		size /= 1024;
	return `${v < 0 ? "-" : ""}${unit ? size.toFixed(1) : size} ${units[unit]}`;
}

export function digits(v) {
	return String(v).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function seconds(ns) {
	return `${(ns / 1e9).toFixed(3)} s`;
}

// "12 s", "3:07", "1:02:45" for an axis whose steps are so many seconds.
export function clock(s, step) {
	if (step < 1)
		return s.toFixed(step < 0.01 ? 3 : step < 0.1 ? 2 : 1);
	if (step < 60 && s < 600)
		return String(Math.round(s));
	const whole = Math.round(s);
	const two = (n) => String(n).padStart(2, "0");
	const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;

	return whole >= 3600 ? `${Math.floor(whole / 3600)}:${rest}` : rest;
}

export function element(tag, properties, ...children) {
	const made = document.createElement(tag);

	for (const [name, value] of Object.entries(properties || {})) {
		if (name === "style")
			Object.assign(made.style, value);
		else if (name === "data")
			Object.assign(made.dataset, value);
		else
			made[name] = value;
	}
	made.append(...children);
	return made;
}

export function swatch(color) {
	return element("span", { className: "swatch", style: { background: color } });
}

export function table(target, heads, rows) {
	const cell = (tag) => (content, i) => {
		const made = element(tag, { className: heads[i].kind || "" });

		made.append(content);
		return made;
	};
	const body = rows.map((row) => element("tr", null, ...row.map(cell("td"))));

	target.replaceChildren(
		element("thead", null, element("tr", null, ...heads.map((h) => h.name).map(cell("th")))),
		element("tbody", null, ...body));
}
