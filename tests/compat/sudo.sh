# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# Set-user-ID programs: the loader drops the preload where they raise rights, and root runs them with it.
# packages: sudo util-linux passwd
# timeout: 120
compat_version() { sudo --version | head -n 1; }

compat_setup() {
	[ "$(id -u)" = 0 ] || { echo "only root may say who may use sudo"; return 77; }
	unshare -m true || { echo "no mount namespaces"; return 77; }
	mkdir rules
	printf '%s\n' 'nobody ALL=(ALL) NOPASSWD: ALL' 'root ALL=(ALL) NOPASSWD: ALL' >rules/compat
	chmod 755 rules
	chmod 440 rules/compat
}

# With rules of our own, which nobody else sees.
_ruled() { unshare -m sh -c 'mount --bind "$COMPAT_SETUP/rules" /etc/sudoers.d && exec "$@"' sh "$@"; }
_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
_ruled_nobody() { _ruled setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
_environment() { grep -vE '^(MSTAT_|COMPAT_|LD_PRELOAD=)' | sort; }
_status='grep -hE "^(Uid|Gid|Groups|CapEff|CapPrm|CapAmb|NoNewPrivs|SigIgn|SigBlk)" /proc/self/status; ls /proc/self/fd | wc -l'

compat_cases() {
	case_of "sudo by root" _ruled sudo -n id
	case_of "sudo by root to nobody" _ruled sudo -n -u nobody sh -c "$_status"
	case_of "sudo by nobody" _ruled_nobody sudo -n sh -c "$_status"
	case_of "sudo by nobody to another" _ruled_nobody sudo -n -u www-data -g www-data id
	case_of "sudo by nobody, exit status" _ruled_nobody sudo -n sh -c 'exit 42'
	case_of "sudo by nobody, a signal" _ruled_nobody sudo -n sh -c 'kill -TERM $$'
	case_of "sudo -l" _ruled_nobody sudo -n -l
	case_is "sudo's environment" "$(_ruled_nobody sudo -n env | sort)"
	case_is "sudo -E" "$(_ruled_nobody sudo -n -E env | _environment)"
	case_of "sudo in a terminal of its own" _ruled script -qec 'sudo -n -u nobody tty | sed s/[0-9]*$//' /dev/null
	case_of "sudo that may not" _nobody sudo -n id
	case_of "sudo in sudo" _ruled sudo -n -u nobody sudo -n -u www-data sudo -n id -u
	case_of "su by root" su nobody -s /bin/sh -c "$_status"
	case_of "su -" su - nobody -s /bin/sh -c 'id; umask; pwd'
	case_of "su, exit status" su nobody -s /bin/sh -c 'exit 42'
	case_of "su, a signal" su nobody -s /bin/sh -c 'kill -KILL $$'
	case_is "su's environment" "$(su nobody -s /bin/sh -c env | _environment)"
	case_of "su with a terminal of its own" su -P nobody -s /bin/sh -c 'tty | sed s/[0-9]*$//'
	case_of "su that may not" _nobody su -c id
	case_of "runuser" runuser -u nobody -- sh -c "$_status"
	case_of "mount that may not" _nobody mount -t tmpfs none /mnt
	case_of "passwd -S" _nobody passwd -S nobody
	case_of "newgrp" sh -c 'echo id | newgrp nogroup'
	case_of "setpriv" _nobody sh -c "$_status"
	case_of "setpriv: no new rights" setpriv --no-new-privs --reuid nobody --regid nogroup --clear-groups sudo -n id
	case_of "setpriv: fewer capabilities" setpriv --bounding-set -sys_admin,-net_raw --inh-caps -all sh -c "$_status"
	case_of "setpriv: ambient capabilities" setpriv --reuid nobody --inh-caps +net_raw,+chown --ambient-caps +net_raw,+chown --clear-groups sh -c "$_status"
	case_of "setpriv: reset" setpriv --reuid nobody --init-groups --reset-env sh -c "$_status"
	case_of "setpriv: the parent's death" setpriv --pdeathsig KILL sh -c "$_status"
	case_of "setpriv -d" _nobody setpriv -d
	case_of "setsid" setsid -w sh -c 'exit 3'
	case_of "prlimit" prlimit --nofile=100 --nproc=1000 --as=1000000000 bash -c 'ulimit -n -u -v'
	case_of "chroot, then nobody" chroot --userspec=nobody:nogroup --groups= / sh -c "$_status"
	case_of "a copy that is set-user-ID" _copy
}
_copy() {
	cp "$(command -v id)" ./id && chown www-data id && chmod 4755 id
	_nobody ./id
}
