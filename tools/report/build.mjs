// SPDX-License-Identifier: ISC
// build.mjs FOLDER: bundles the page into FOLDER/page.html, all but its data. FOLDER has node_modules.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2]);
const esbuild = createRequire(join(folder, "x.js"))("esbuild");

// What page.js names by path is there, too.
const modules = {
	name: "modules",
	setup(build) {
		build.onResolve({ filter: /^\.\/node_modules\// }, ({ path }) => ({ path: join(folder, path) }));
	},
};

// d3-flame-graph asks d3-hierarchy's nodes for the name of their class.
const bundle = await esbuild.build({
	entryPoints: [join(here, "page.js")], bundle: true, minify: true, keepNames: true, write: false, metafile: true,
	format: "iife", target: "es2022", charset: "utf8", legalComments: "none", outdir: folder,
	nodePaths: [join(folder, "node_modules")], plugins: [modules], logLevel: "warning",
});
const output = (end) => bundle.outputFiles.find((file) => file.path.endsWith(end)).text.trim();
// Within a script element nothing may look like its end, or like a comment.
const script = output(".js").replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");
const style = output(".css");
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;

const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function licences() {
	const names = new Set(Object.keys(bundle.metafile.inputs).map((path) => path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//))
		.filter(Boolean).map((match) => match[1]));
	const texts = new Map();

	for (const name of [...names].sort()) {
		const at = join(folder, "node_modules", name);
		const { version, license } = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
		const file = readdirSync(at).find((entry) => /^licen[cs]e/i.test(entry));
		const text = readFileSync(join(at, file), "utf8").trim();

		texts.set(text, [...(texts.get(text) || []), `${name} ${version} (${license})`]);
	}
	return [...texts].map(([text, whose]) => `<h3>${escape(whose.join(", "))}</h3>\n<pre>${escape(text)}</pre>`).join("\n");
}

const parts = {
	policy: `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
	style: `<style>${style}</style>`,
	script: `<script>${script}</script>`,
	licences: licences(),
};
const page = readFileSync(join(here, "page.html"), "utf8").replace(/<!-- (\w+) -->/g, (mark, name) => parts[name] ?? mark);

writeFileSync(join(folder, "page.html.new"), page);
renameSync(join(folder, "page.html.new"), join(folder, "page.html"));
