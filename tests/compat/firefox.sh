# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: ISC
# Firefox without a window, its processes in their sandboxes: a page that a script has changed, as pixels.
# packages: firefox-esr util-linux
# timeout: 300
# long: yes
compat_version() { firefox-esr --version 2>/dev/null; }

compat_setup() {
	cat >page.html <<'END'
<html><body style="background:#fff"><h1 id=a>before</h1>
<script>document.getElementById('a').textContent = 'rendered ' + 6 * 7</script></body></html>
END
	chmod 644 page.html
}

# The browser refuses to be root in somebody else's home.
_firefox() {
	local home
	home=$(mktemp -d)
	[ "$(id -u)" != 0 ] || { chown nobody "$home"; set -- setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
	"${@:1:$#-1}" env HOME="$home" firefox-esr --headless --window-size=400,300 --screenshot "$home/shot.png" "${!#}" >/dev/null 2>&1
	echo "status $? $(cksum <"$home/shot.png")"
}

compat_cases() {
	local n
	for n in 1 2 3; do case_is "screenshot $n" "$(_firefox "file://$COMPAT_SETUP/page.html")"; done
	case_is "a page made by script" "$(_firefox 'data:text/html,<canvas id=c></canvas><script>c.getContext("2d").fillRect(10,10,50,50)</script>')"
}
