#!/bin/bash
# SPDX-License-Identifier: ISC
# A newer kernel with unified cgroups: as root.
# long: yes
# timeout: 1300
exec "$(dirname "$0")/boot" 6.12 v2 batch newer kernel
