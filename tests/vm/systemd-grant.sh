#!/bin/bash
# SPDX-License-Identifier: ISC
# A booted systemd: root puts a user's process into a scope.
# timeout: 1300
# alone: yes
if [ ! -x /lib/systemd/systemd ] || [ ! -e /usr/lib/systemd/user/dbus.socket ]; then
	echo "1..0 # SKIP no systemd with a user bus (Debian: systemd, libpam-systemd, dbus-user-session)"
	exit 0
fi
exec "$(dirname "$0")/boot" 6.1 systemd grant
