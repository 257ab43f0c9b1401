#!/bin/bash
# SPDX-License-Identifier: ISC
# A kernel without memory on v1, and unified cgroups mounted where nobody expects them.
# long: yes
# timeout: 1300
exec "$(dirname "$0")/boot" 6.12 hybrid batch root kernel
