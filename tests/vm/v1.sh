#!/bin/bash
# SPDX-License-Identifier: ISC
# Debian 12's own kernel with legacy cgroups: as root.
# long: yes
# timeout: 1300
exec "$(dirname "$0")/boot" 6.1 v1 batch root kernel
