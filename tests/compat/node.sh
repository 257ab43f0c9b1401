# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# Threads, children, clusters, zlib, files, signals and ends of node.
# packages: nodejs
# timeout: 300
# long: yes
compat_version() { echo "node $(node --version)"; }

compat_setup() {
	cat >workers.js <<'END'
const { Worker, isMainThread, parentPort, workerData, MessageChannel, receiveMessageOnPort } = require('worker_threads');
if (isMainThread) {
	const shared = new SharedArrayBuffer(8), sum = new Int32Array(shared);
	let left = 6; const out = [];
	for (let i = 0; i < 6; i++) {
		const w = new Worker(__filename, { workerData: { i, shared }, resourceLimits: { maxOldGenerationSizeMb: 64 } });
		w.on('message', m => out.push(m));
		w.on('error', e => out.push('error ' + e.message));
		w.on('exit', code => { out.push('exit ' + code); if (--left === 0) { console.log(out.sort().join('\n')); console.log(Atomics.load(sum, 0)); } });
	}
} else {
	const { i, shared } = workerData, sum = new Int32Array(shared);
	for (let n = 0; n < 100000; n++) Atomics.add(sum, 0, 1);
	if (i === 4) throw new Error('thrown in a worker');
	if (i === 5) process.exit(9);
	const data = [];
	for (let n = 0; n < 200000; n++) data.push({ n, s: 'x' + n });
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
	parentPort.postMessage(`worker ${i}: ${data.reduce((a, d) => a + d.n, 0)}`);
}
END
	cat >heap.js <<'END'
const { Worker } = require('worker_threads');
const w = new Worker('const a = []; for (;;) a.push(new Array(1000).fill(1));', { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } });
w.on('error', e => console.log(e.code));
w.on('exit', c => console.log('exit', c));
END
	cat >children.js <<'END'
const cp = require('child_process');
if (process.argv[2] === 'child') {
	process.on('message', m => { process.send({ twice: m.n * 2 }); if (m.last) process.disconnect(); });
} else (async () => {
	console.log(cp.execSync('echo $((6 * 7)); exit 0').toString());
	for (const c of ['exit 3', 'kill -TERM $$', 'kill -9 $$', 'echo err >&2; exit 1'])
		{ const r = cp.spawnSync('sh', ['-c', c]); console.log(r.status, r.signal, r.stderr.toString()); }
	console.log(cp.spawnSync('sleep', ['60'], { timeout: 100 }).signal);
	console.log(cp.spawnSync('cat', { input: 'x'.repeat(1 << 20) }).stdout.length);
	try { cp.execFileSync('/nonexistent'); } catch (e) { console.log(e.code); }
	await new Promise(r => { const c = cp.spawn('sh', ['-c', 'for i in 1 2 3; do echo $i; done; exec 1>&-; sleep 0.1; exit 7'], { stdio: ['ignore', 'pipe', 'inherit'] });
		let s = ''; c.stdout.on('data', d => s += d); c.on('close', (code, sig) => { console.log(JSON.stringify(s), code, sig); r(); }); });
	await new Promise(r => { const c = cp.fork(__filename, ['child']); const got = [];
		c.on('message', m => got.push(m.twice)); c.on('exit', (code, sig) => { console.log(got.join(), code, sig); r(); });
		for (let n = 0; n < 100; n++) c.send({ n, last: n === 99 }); });
	await new Promise(r => { const c = cp.spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }); c.on('exit', (code, sig) => { console.log(code, sig); r(); }); process.kill(-c.pid, 'SIGINT'); });
	const codes = await Promise.all(Array.from({ length: 40 }, (_, i) => new Promise(r => cp.spawn('sh', ['-c', `exit ${i}`]).on('exit', r))));
	console.log(codes.join());
	const ids = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {};
	console.log(cp.spawnSync('id', ['-un'], ids).stdout.toString());
})();
END
	cat >cluster.js <<'END'
const cluster = require('cluster'), http = require('http');
if (cluster.isPrimary) {
	let port, up = 0, ends = [];
	for (let i = 0; i < 3; i++) cluster.fork();
	cluster.on('listening', (w, a) => { port = a.port; if (++up === 3) load(); });
	cluster.on('exit', (w, code, signal) => { ends.push(code + ' ' + signal); if (ends.length === 3) console.log(ends.sort().join('; ')); });
	async function load() {
		const get = p => new Promise((r, e) => http.get({ port, path: p, agent: false }, x => { let s = ''; x.on('data', d => s += d); x.on('end', () => r(s)); }).on('error', e));
		const all = await Promise.all(Array.from({ length: 200 }, (_, i) => get('/' + i)));
		console.log(all.length, all.reduce((a, s) => a + Number(s), 0));
		const ws = Object.values(cluster.workers); ws[0].process.kill('SIGKILL'); ws[1].disconnect(); ws[2].process.kill('SIGTERM');
	}
} else http.createServer((q, s) => s.end(String(Number(q.url.slice(1)) ** 2))).listen(0);
END
	cat >zlib.js <<'END'
const zlib = require('zlib'), crypto = require('crypto'), { promisify } = require('util'), sum = b => crypto.createHash('sha256').update(b).digest('hex').slice(0, 16);
const data = Buffer.from(Array.from({ length: 300000 }, (_, i) => `${i * 7919 % 10007} `).join(''));
(async () => {
	for (const [a, b] of [['gzip', 'gunzip'], ['deflate', 'inflate'], ['deflateRaw', 'inflateRaw'], ['brotliCompress', 'brotliDecompress']]) {
		const many = await Promise.all(Array.from({ length: a[0] === 'b' ? 1 : 8 }, () => promisify(zlib[a])(data)));
		const back = await promisify(zlib[b])(many[0]);
		console.log(a, new Set(many.map(sum)).size, many[0].length, back.equals(data));
	}
	console.log(sum(await promisify(crypto.scrypt)('a', 'b', 64)), sum(await promisify(crypto.pbkdf2)('a', 'b', 20000, 64, 'sha512')));
	console.log((await promisify(crypto.randomBytes)(1 << 20)).length, (await promisify(crypto.generateKeyPair)('rsa', { modulusLength: 1024 })).publicKey.type);
})();
END
	cat >files.js <<'END'
const fs = require('fs'), p = fs.promises, { pipeline } = require('stream/promises');
(async () => {
	await p.mkdir('many/deep', { recursive: true });
	await Promise.all(Array.from({ length: 500 }, (_, i) => p.writeFile(`many/${i}`, 'x'.repeat(i))));
	console.log((await p.readdir('many')).length, (await Promise.all(Array.from({ length: 500 }, (_, i) => p.stat(`many/${i}`)))).reduce((a, s) => a + s.size, 0));
	fs.writeFileSync('big', Buffer.alloc(8 << 20, 'abcdefg'));
	await pipeline(fs.createReadStream('big'), require('zlib').createGzip(), require('zlib').createGunzip(), fs.createWriteStream('copy'));
	console.log(fs.readFileSync('copy').equals(fs.readFileSync('big')));
	const seen = new Set(), w = fs.watch('many', (e, f) => { seen.add(f); if (seen.has('new')) w.close(), done(); });
	const done = async () => { console.log([...seen].join()); await p.rm('many', { recursive: true }); console.log(fs.existsSync('many')); open(); };
	setTimeout(() => fs.writeFileSync('many/new', ''), 50);
	const open = () => { const fds = []; for (let i = 0; i < 50; i++) fds.push(fs.openSync('big')); console.log(fds.every((f, i) => !i || f === fds[i - 1] + 1), fds[0]); try { fs.closeSync(200); } catch (e) { console.log(e.code); } console.log(fs.readdirSync('/proc/self/fd').length); };
})();
END
	cat >net.js <<'END'
const net = require('net'), dgram = require('dgram'), dns = require('dns');
const s = net.createServer(c => c.pipe(c)).listen('echo.sock', async () => {
	const one = i => new Promise(r => { const c = net.connect('echo.sock', () => c.end('y'.repeat(i * 1000))); let n = 0; c.on('data', d => n += d.length); c.on('close', () => r(n)); });
	console.log((await Promise.all(Array.from({ length: 100 }, (_, i) => one(i)))).reduce((a, b) => a + b));
	s.close();
	const u = dgram.createSocket('udp4'); u.bind(0, '127.0.0.1', () => u.send('datagram', u.address().port, '127.0.0.1'));
	u.on('message', m => { console.log(m.toString()); u.close(); dns.lookup('localhost', { family: 4 }, (e, a) => console.log(e, a)); });
});
END
	cat >signals.js <<'END'
const got = []; let timer = setInterval(() => {}, 1000);
for (const s of ['SIGUSR2', 'SIGHUP', 'SIGINT', 'SIGTERM', 'SIGCHLD', 'SIGWINCH', 'SIGPROF']) process.on(s, x => { got.push(x); if (next.length) process.kill(process.pid, next.shift()); else { console.log(got.join()); clearInterval(timer); process.exitCode = 5; } });
process.on('exit', c => console.log('exit', c));
const next = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGCHLD', 'SIGWINCH', 'SIGPROF', 'SIGUSR2'];
process.kill(process.pid, 'SIGUSR2');
END
	cat >ids.js <<'END'
const fs = require('fs');
const all = () => [...new Set(fs.readdirSync('/proc/self/task').map(t => fs.readFileSync(`/proc/self/task/${t}/status`, 'utf8').match(/^(Uid|Gid|Groups):.*$/gm).join(' ')))].join('\n').replace(/\s+/g, ' ');
if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); try { process.setuid(0); } catch (e) { console.log(e.code); } }
console.log(all());
console.log(new Set(fs.readdirSync('/proc/self/task')).has(String(process.pid)));
END
	cat >ends.js <<'END'
switch (process.argv[2]) {
case 'throw': throw new TypeError('thrown');
case 'reject': Promise.reject(new Error('rejected')); break;
case 'abort': process.abort();
case 'exit': process.exit(33);
case 'kill': process.kill(process.pid, 'SIGKILL'); break;
case 'segv': process.kill(process.pid, 'SIGSEGV'); break;
case 'pipe': for (;;) require('fs').writeSync(1, 'y\n');
case 'deep': { let n = 0; const f = () => { n++; f(); }; try { f(); } catch (e) { console.log(e.constructor.name, n > 1000); } break; }
case 'heap': { const a = []; for (;;) a.push(new Array(1000).fill(a.length)); }
case 'await': await0(); async function await0() { await new Promise(() => {}); } break;
}
END
	cat >all.test.js <<'END'
const test = require('node:test'), assert = require('assert');
for (let i = 0; i < 5; i++) test(`number ${i}`, async t => { await new Promise(r => setTimeout(r, 10)); assert.equal(i * 2, i + i); });
END
	cat >wasm.js <<'END'
const m = new WebAssembly.Module(Uint8Array.from([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]));
console.log(new WebAssembly.Instance(m).exports.add(40, 2));
const mem = new WebAssembly.Memory({ initial: 1, maximum: 1000, shared: true }); console.log(mem.grow(100), mem.buffer.byteLength);
let out; try { out = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from([0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,7,5,1,1,102,0,0,10,5,1,3,0,0,11]))).exports.f(); } catch (e) { out = e.message; } console.log(out);
END
	cat >profile.js <<'END'
const { Session } = require('inspector'), s = new Session(); s.connect();
s.post('Profiler.enable', () => s.post('Profiler.start', () => { let x = 0; const end = Date.now() + 500; while (Date.now() < end) x += Math.sqrt(x + 1);
	s.post('Profiler.stop', (e, { profile }) => console.log(e, profile.samples.length > 50)); }));
END
}

compat_cases() {
	local script
	for script in workers heap children cluster zlib files net signals ids wasm profile; do
		case_of "$script" node "$COMPAT_SETUP/$script.js"
	done
	for script in throw reject exit pipe deep await; do case_of "end: $script" _ends_in_pipe $script; done
	for script in abort kill segv heap; do
		node --max-old-space-size=64 "$COMPAT_SETUP/ends.js" $script >out 2>err
		case_is "end: $script" "$? $(grep -oE 'FATAL ERROR: [A-Za-z ]*' err)"
	done
	node --test "$COMPAT_SETUP/all.test.js" >out 2>&1
	case_is "node --test" "$? $(grep -E '^. (tests|pass|fail) ' out | tr '\n' ' ')"
	case_of "a program on stdin" sh -c 'echo "console.log(1 + 1)" | node -'
	case_of "a terminal" script -qec 'node -p "process.stdout.isTTY"' /dev/null
	case_of "a thread for each of 128" env UV_THREADPOOL_SIZE=128 node "$COMPAT_SETUP/zlib.js"
	case_of "little address space" sh -c 'ulimit -c 0; ulimit -n 64; node -e "console.log(require(\"fs\").readdirSync(\"/proc/self/fd\").length)"'
}
compat_quick() {
	local script
	for script in workers children files; do case_of "$script" node "$COMPAT_SETUP/$script.js"; done
}
_ends_in_pipe() {
	if [ "$1" = pipe ]; then
		node "$COMPAT_SETUP/ends.js" pipe 2>err | head -n 1
		echo "${PIPESTATUS[0]}"
	else
		node "$COMPAT_SETUP/ends.js" "$1"
	fi
}
