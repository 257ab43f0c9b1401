# shellcheck shell=bash
# SPDX-License-Identifier: ISC
#
# For the programs of the compatibility suite. tests/compat/NAME.sh is sourced after this file, in a
# bash of its own, and defines
#
#	# packages: x y      (a line by itself) what it needs; also in debian-packages, section [compat]
#	# timeout: SECONDS   (optional) of each run; 600 if there is none
#	# long: yes          (optional) two runs at first instead of four
#	# known: REGEX       (optional) cases that are known to differ, for a reason that README names
#	compat_version       prints program and version on one line
#	compat_setup         (optional) prepares in the empty folder $PWD = $COMPAT_SETUP what all runs use;
#	                     never under mstat. Status 77: skipped, the last line of stdout says why
#	compat_cases         does the work in the empty folder $PWD = $COMPAT_RUN, and tells the cases
#	compat_quick         (optional) of them a few, for `make check`
#	compat_again CASE... (optional) these cases once more (and others, if that is simpler)
#
# The bash that runs compat_cases is under mstat itself in the runs with it. Cases are told by
#
#	case_is NAME RESULT    a result by itself
#	case_of NAME CMD...    runs it; the result is its exit status and the checksums of stdout and stderr
#	                       (which are kept, so that a difference can be shown); stdin is empty
#	case_in NAME CMD...    the same with the stdin that there is
#
# A result must not depend on time, pids, addresses or what else runs; paths are the same in all runs.
# In the environment: COMPAT_SETUP, COMPAT_RUN, COMPAT_CACHE (outlives the runs: for what is downloaded),
# COMPAT_SRC (mstat's sources), HOME and TMPDIR (empty folders), COMPAT_QUICK (1 when asked for a few).
# A program whose exit status and output are to be looked at elsewhere has $COMPAT_OUTPUTS to write to.

case_is() {
	local name=${1//[$'\t\n']/ } result=${2//[$'\t\n']/ }
	printf '%s\t%s\n' "$name" "$result" >>"$COMPAT_RESULTS"
}

case_of() { case_in "$@" </dev/null; }

case_in() {
	local _name=$1 _file=$COMPAT_OUTPUTS/${1//[!A-Za-z0-9._+-]/_} _status _out _err
	shift
	"$@" >"$_file.out" 2>"$_file.err"
	_status=$?
	read -r _out _ < <(cksum <"$_file.out")
	read -r _err _ < <(cksum <"$_file.err")
	case_is "$_name" "status $_status stdout $_out stderr $_err"
	return $_status
}
