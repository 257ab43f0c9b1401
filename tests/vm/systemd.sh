#!/bin/bash
# SPDX-License-Identifier: ISC
# A booted systemd: as a user who has nothing but a session.
# timeout: 1300
if [ ! -x /lib/systemd/systemd ] || [ ! -e /usr/lib/systemd/user/dbus.socket ]; then
	echo "1..0 # SKIP no systemd with a user bus (Debian: systemd, libpam-systemd, dbus-user-session)"
	exit 0
fi
exec "$(dirname "$0")/boot" 6.1 systemd session
