# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# A browser that renders a page: in its sandbox as a user that is not root, and without as root.
# packages: chromium util-linux
# timeout: 600
# long: yes
compat_version() { chromium --version 2>/dev/null; }

compat_setup() {
	cat >page.html <<'END'
<!DOCTYPE html><html><head><style>
body { margin: 0; font: 20px monospace } .box { width: 100px; height: 100px; background: linear-gradient(red, blue); transform: rotate(20deg); margin: 50px }
</style></head><body><div class="box"></div><p id="out">nothing</p><canvas id="c" width="100" height="100"></canvas>
<script>
const out = document.getElementById('out'), x = document.getElementById('c').getContext('2d');
for (let i = 0; i < 10; i++) { x.fillStyle = `rgb(${i * 25}, 100, 50)`; x.fillRect(i * 10, 0, 10, 100); }
let s = 0; for (let i = 0; i < 1000000; i++) s += i % 7;
const w = new Worker(URL.createObjectURL(new Blob(['let n = 0; for (let i = 0; i < 1000000; i++) n += i % 11; postMessage(n);'])));
document.write(`<p>sum ${s}</p>`);
try { null.x } catch (e) { document.write(`<p>${e.constructor.name}</p>`); }
function deep() { return deep() + 1 } try { deep() } catch (e) { document.write(`<p>${e.constructor.name}</p>`); }
document.write(`<p>${new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]))).exports.add(40, 2)}</p>`);
w.onmessage = e => { out.textContent = 'worker ' + e.data; };
</script></body></html>
END
	printf '<title>second</title><script>document.write(6 * 7)</script>' >second.html
	chmod a+rX . ./*
}
# _render HOW FLAG...: stderr has times and pids
_render() {
	local how=$1 who=()
	shift
	if [ "$how" = user ]; then
		mkdir -p home && chmod 777 home .
		[ "$(id -u)" != 0 ] || who=(setpriv --reuid nobody --regid nogroup --clear-groups)
	else
		mkdir -p root-home
		set -- --no-sandbox "$@"
	fi
	HOME=$PWD/$([ "$how" = user ] && echo home || echo root-home) XDG_CONFIG_HOME='' XDG_CACHE_HOME='' timeout 100 "${who[@]}" \
		chromium --headless --disable-gpu --disable-dev-shm-usage --user-data-dir="$PWD/$how-$RANDOM" --no-first-run \
		--virtual-time-budget=5000 "$@" 2>>chromium.log
}
_picture() {
	_render "$1" --hide-scrollbars --window-size=400,400 --screenshot="$PWD/$1.png" "file://$COMPAT_SETUP/page.html"
	echo "$?"
	cksum <"$1.png"
}
compat_cases() {
	local how
	for how in user root; do
		case_of "$how: a page" _render $how --dump-dom "file://$COMPAT_SETUP/page.html"
		case_of "$how: a second page" _render $how --dump-dom "file://$COMPAT_SETUP/second.html"
		case_of "$how: a picture" _picture $how
		case_of "$how: processes that share" _render $how --renderer-process-limit=1 --dump-dom "file://$COMPAT_SETUP/second.html"
		case_of "$how: without a zygote, or none" _render $how --no-zygote --no-sandbox --dump-dom "file://$COMPAT_SETUP/second.html"
	done
	case_is "crashes" "$(grep -cE 'FATAL|Check failed|Received signal' chromium.log)"
}
