# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# Containers by podman: Go with C in it, conmon beside the container, and crun, which unshares.
# packages: podman crun busybox-static util-linux
# timeout: 300
# long: yes
compat_version() { echo "$(podman --version), $(crun --version | head -n 1)"; }

compat_setup() {
	local program
	[ "$(id -u)" = 0 ] || { echo "not root"; return 77; }
	mkdir -p root/{bin,proc,tmp,dev,etc,sys,run,usr,lib,lib64}
	cp "$(command -v busybox)" root/bin/
	for program in sh cat echo ls id hostname sleep true kill seq sort head; do ln -s busybox "root/bin/$program"; done
	[ "$(_podman run --rm --rootfs "$PWD/root" /bin/sh -c 'echo works' | tail -n 1)" = works ] || { echo "podman does not work here"; return 77; }
}

# crun refuses hybrid cgroups. In a mount namespace of its own nobody else sees it without the second
# hierarchy, and the container goes without a cgroup.
_podman() {
	local command=$1 flags=()
	shift
	[ "$command" != run ] || flags=(--network none --cgroups disabled --ulimit nofile=1024:1024 --ulimit nproc=1000:1000)
	unshare -m sh -c '[ ! -d /sys/fs/cgroup/unified ] || umount -l /sys/fs/cgroup/unified; exec "$@"' sh \
		podman --root "$PWD/graph" --runroot "$PWD/state" --tmpdir "$PWD/temporary" --cgroup-manager cgroupfs \
		--events-backend none --runtime crun "$command" "${flags[@]}" "$@"
}
_run() { _podman run --rm "$@"; }

compat_cases() {
	local root=$COMPAT_SETUP/root
	case_of "run" _run --rootfs "$root" /bin/sh -c 'id -u; ls /bin; cat /proc/self/uid_map'
	case_of "exit status" _run --rootfs "$root" /bin/sh -c 'exit 42'
	case_of "a signal" _run --rootfs "$root" /bin/sh -c 'kill -TERM $$; (kill -9 $$); sleep 0; exit 7'
	case_of "not there" _run --rootfs "$root" /bin/nothing
	case_of "another user" _run --user 7:8 --rootfs "$root" /bin/id
	case_of "a user namespace" _run --uidmap 0:100000:1000 --gidmap 0:100000:1000 --rootfs "$root" /bin/sh -c 'id -u; cat /proc/self/uid_map; cat /proc/self/gid_map'
	case_of "no rights" _run --cap-drop all --security-opt no-new-privileges --rootfs "$root" /bin/sh -c 'while read -r key value; do case $key in Cap* | NoNew* | Seccomp:) echo "$key $value" ;; esac; done </proc/self/status'
	case_of "read-only" _run --read-only --rootfs "$root" /bin/sh -c 'echo x >/etc/x; echo $?'
	echo text | case_in "stdin" _run -i --rootfs "$root" /bin/cat
	case_of "a program with a libc" _run -v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro --rootfs "$root" /usr/bin/bash -c 'seq 1000 | /usr/bin/sort -rn | /usr/bin/head -n 1; (exit 5); echo $?'
	_podman run -d --name one --rootfs "$root" /bin/sh -c 'echo started; exec sleep 100' >id 2>err
	case_is "in the background" "$?"
	case_of "exec" _podman exec one /bin/sh -c 'id -u; hostname >/dev/null; exit 3'
	case_of "exec by another user" _podman exec --user 7:8 one /bin/id
	case_of "ps" _podman ps --format '{{.Names}} {{.Command}}'
	case_of "logs" _podman logs one
	case_of "kill" _podman kill -s KILL one
	case_of "wait" _podman wait one
	case_of "rm" _podman rm -f one
	case_of "info" _podman info --format '{{.Host.OCIRuntime.Name}} {{.Store.ContainerStore.Number}}'
}
