# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# unshare, nsenter, chroot and pivot_root, by root and by others, as container programs do it by hand.
# packages: util-linux busybox-static iproute2
# known: (_nobody)? a container with a libc
# timeout: 300
compat_version() { unshare --version; }

compat_setup() {
	local program
	unshare -Ur true || { echo "no user namespaces"; return 77; }
	# A small root: the static busybox, and beside it programs with a libc.
	mkdir -p root/{bin,proc,tmp,dev,old,lib,lib64,usr,etc,sys}
	cp "$(command -v busybox)" root/bin/
	for program in sh cat echo ls mount umount id hostname ps mkdir pivot_root chroot; do ln -s busybox "root/bin/$program"; done
	chmod -R a+rX .
}
_nobody() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid nobody --regid nogroup --clear-groups "$@"; else "$@"; fi
}
_told='id -u; id -g; cat /proc/self/uid_map; grep ^CapEff /proc/self/status; grep ^NSpid /proc/self/status | wc -w'
_links='for n in cgroup ipc mnt net pid time user uts; do [ "$(readlink /proc/self/ns/$n)" = "$(readlink /proc/$PPID/ns/$n)" ] || echo $n; done'
_container='mount --rbind /proc proc && mount -t tmpfs none tmp && pivot_root . old && exec chroot . /bin/sh -c "umount -l /old; ls /; id -u; cat /proc/self/uid_map; echo in it >/tmp/file; cat /tmp/file"'

compat_cases() {
	local who flag
	for who in "" _nobody; do
		for flag in -U -Ur -Uc -Um -Ui -Un -Up -Uu -UC -UT -Urmpf "-Urpf --mount-proc" "-UrmpfinuCT --mount-proc" \
			"-Ur --keep-caps" "-U --map-user=7 --map-group=8" "-Urpf --kill-child"; do
			# shellcheck disable=SC2086
			case_of "$who unshare $flag" $who unshare $flag sh -c "$_told"
		done
		case_of "$who unshare in unshare" $who unshare -Ur unshare -Ur unshare -Ur id -u
		case_of "$who unshare by a shell that goes on" $who bash -c 'unshare -Ur id -u; unshare -Ur sh -c "exit 42"; echo $?; unshare -Urpf sh -c "kill -9 \$\$"; echo $?'
		case_of "$who a container by hand, chroot" $who unshare -Urmpfiu sh -c 'cd "$COMPAT_SETUP/root" && mount -t proc proc proc && hostname inside && exec chroot . /bin/sh -c "id -u; ls /; hostname; ps | grep -c ps"'
		case_of "$who a container by hand, pivot_root" $who unshare -Urmpf sh -c 'mount --rbind "$COMPAT_SETUP/root" "$COMPAT_SETUP/root" && cd "$COMPAT_SETUP/root" && '"$_container"
		case_of "$who a container with a libc" $who unshare -Urmpf sh -c 'cd "$COMPAT_SETUP/root" && for d in usr lib lib64 etc; do mount --rbind /$d $d || exit; done; mount --rbind "$COMPAT_SETUP/root" "$COMPAT_SETUP/root"; cd "$COMPAT_SETUP/root"; exec chroot . /usr/bin/env -i /usr/bin/bash -c "echo \$((6 * 7)) | /usr/bin/cat; (/usr/bin/true; exit 3); echo \$?"'
		case_of "$who a network of its own" $who unshare -Urn sh -c 'ip link set lo up && ip -br link && ip -br addr | tr -s " "'
		case_of "$who by perl, fork and setns" $who unshare -Ur perl -e 'my $p = fork; if (!$p) { exec "unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt && echo mounted" } waitpid $p, 0; print $? >> 8, "\n"'
		case_of "$who by python" $who python3 -c '
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for flag in 0x20000, 0x4000000, 0x8000000, 0x40000000, 0x10000000, 0x20000000, 0x2000000:
    if os.fork() == 0:
        print(hex(flag), libc.unshare(flag), ctypes.get_errno(), flush=True); os._exit(0)
    os.wait()
for flag in 0x200, 0x400, 0x10000, 0x40000, 0x800, 0x100: print(hex(flag), libc.unshare(flag), ctypes.get_errno(), flush=True)'
	done
	if [ "$(id -u)" = 0 ]; then
		for flag in -m -i -n -p -pf -u -C -T "-pf --mount-proc" "-mpfinuCT --mount-proc"; do
			# shellcheck disable=SC2086
			case_of "unshare $flag" unshare $flag sh -c "$_links"
		done
		case_of "unshare --root" unshare -mpf --mount-proc --root="$COMPAT_SETUP/root" /bin/sh -c 'ls /; ps | grep -c ps; id -u'
		case_of "chroot" chroot "$COMPAT_SETUP/root" /bin/sh -c 'id -u; ls /'
		case_of "unshare, then fewer rights" unshare -m setpriv --reuid nobody --regid nogroup --clear-groups unshare -Ur id -u
	fi
	_nsenter
}

# Into what another process has unshared: a static one, which has no preload.
_nsenter() {
	local pid other flag n
	mkfifo ready
	for flag in "-U -r" "-U -r -m -p -f"; do
		exec 5<>ready
		# shellcheck disable=SC2086
		busybox unshare $flag sh -c 'echo >ready; exec sleep 60' &
		pid=$!
		read -t 10 -r _ <&5
		exec 5<&-
		other=$pid
		[ "$flag" = "-U -r" ] || other=$(pgrep -P $pid)
		for n in "-U" "-U --preserve-credentials" "-U -m" "-a" "-U -m -p"; do
			# shellcheck disable=SC2086
			case_of "nsenter $n into $flag" nsenter -t "$other" $n sh -c 'id -u; cat /proc/self/uid_map'
		done
		kill -9 "$other" "$pid"
		wait "$pid"
	done 2>>nsenter.log
	return 0
}
