# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# Bash's own business with processes: job control, traps, pipelines, substitution, limits.
# packages: bash
# timeout: 120
# shellcheck disable=SC2016 # what is quoted is for the inner bash

compat_version() { echo "bash $BASH_VERSION"; }

compat_cases() {
	case_of "pipeline" bash -c 'printf "%s\n" c b a | sort | tr a-z A-Z | paste -sd,; echo "${PIPESTATUS[@]}"'
}
compat_quick() { compat_cases; }
