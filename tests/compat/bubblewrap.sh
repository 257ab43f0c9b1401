# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# Sandboxes by bubblewrap, by root and by others.
# packages: bubblewrap util-linux
# known: (_nobody)? a root of its own
# timeout: 300
compat_version() { bwrap --version; }

compat_setup() {
	bwrap --ro-bind / / true || { echo "no namespaces"; return 77; }
}
_nobody() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid nobody --regid nogroup --clear-groups "$@"; else "$@"; fi
}
_told='id -u; id -g; cat /proc/self/uid_map; ls /proc/self/fd | wc -l; grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp)" /proc/self/status; [ "$(ls /proc | grep -c "^[0-9]")" -lt 10 ] && echo alone; hostname >/dev/null && echo $?'

compat_cases() {
	local who flag
	for who in "" _nobody; do
		for flag in "" --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup \
			--unshare-all "--unshare-all --share-net" "--unshare-user --uid 7 --gid 8" "--unshare-all --new-session" \
			"--unshare-all --die-with-parent" "--unshare-all --as-pid-1" "--unshare-all --cap-add ALL" "--unshare-all --cap-drop ALL" \
			"--unshare-user --disable-userns" "--unshare-all --hostname inside" "--unshare-all --clearenv --setenv PATH /usr/bin:/bin" \
			"--unshare-all --tmpfs /tmp --dir /tmp/a --chdir /tmp/a" "--unshare-all --remount-ro /"; do
			# shellcheck disable=SC2086
			case_of "$who bwrap $flag" $who bwrap --ro-bind / / --proc /proc --dev /dev $flag sh -c "$_told"
		done
		case_of "$who a root of its own" $who bwrap --unshare-all --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin --proc /proc --dev /dev --tmpfs /tmp \
			bash -c 'ls /; echo text >/tmp/file; cat /tmp/file; touch /usr/x 2>/dev/null; echo $?; (exit 7); echo $?; seq 1000 | sort -rn | head -n 1'
		case_of "$who exit status" $who bwrap --unshare-all --ro-bind / / sh -c 'exit 42'
		case_of "$who a signal" $who bwrap --unshare-all --ro-bind / / sh -c 'kill -9 $$'
		case_of "$who a sandbox in a sandbox" $who bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev id -u
		case_of "$who unshare in a sandbox" $who bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev unshare -Ur id -u
		case_of "$who python in a sandbox" $who bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev python3 -c 'import os, subprocess, threading
t = [threading.Thread(target=os.getpid) for _ in range(20)]; [x.start() for x in t]; [x.join() for x in t]
print(subprocess.run(["sh", "-c", "echo child; exit 5"]).returncode, os.getuid())'
		case_of "$who files given by number" $who bash -c 'exec 7<<<text; bwrap --unshare-all --ro-bind / / --tmpfs /tmp --file 7 /tmp/file cat /tmp/file'
		case_of "$who what it tells" $who bash -c 'bwrap --unshare-all --ro-bind / / --json-status-fd 9 sh -c "exit 4" 9>&1 >/dev/null | grep -o exit-code.*'
		case_of "$who a filter that is empty" $who bash -c 'printf "\006\000\000\000\000\000\377\177" | bwrap --unshare-all --ro-bind / / --proc /proc --seccomp 0 sh -c "grep Seccomp: /proc/self/status; (exit 6); echo \$?"'
	done
}
compat_quick() { case_of "bwrap --unshare-all" bwrap --ro-bind / / --proc /proc --dev /dev --unshare-all sh -c "$_told"; }
