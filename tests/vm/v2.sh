#!/bin/bash
# SPDX-License-Identifier: ISC
# Debian 12's own kernel with unified cgroups: as root, and as a user with a delegated cgroup.
# long: yes
# timeout: 1300
exec "$(dirname "$0")/boot" 6.1 v2 batch root user
