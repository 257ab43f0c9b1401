# shellcheck shell=bash
# SPDX-License-Identifier: ISC
#
# For the tests of whole programs. A test begins with
#
#	# shellcheck source=tests/lib.sh
#	. "$(dirname "$0")/../lib.sh"
#
# and is then in an empty folder of its own ($TMP), which is removed at the end. The plan and the exit
# status come by themselves. It finds mstat in PATH, and these folders in variables:
#
#	SRC      the source tree
#	BIN LIB  mstat and mstat-decode; libmstat.so
#	TARGETS  the small programs compiled from tests/targets
#
# Every check is one call of:
#
#	ok DESC CMD...             it succeeds
#	exits DESC STATUS CMD...   it ends with that exit status; then $out, $err and $status are its own
#	is DESC GOT WANT           the same text
#	like DESC GOT REGEX        an extended regular expression matches (unlike: does not)
#	within DESC GOT WANT PCT   a number no further than PCT percent away
#	skip DESC REASON           it cannot be done here
#
# and these help:
#
#	run CMD...                 sets $out, $err and $status (also as files $TMP/out, $TMP/err)
#	start CMD...               runs it in the background, in a session of its own; $started is its pid
#	stop PID [SIGNAL]          ends what was started, and its children; $status is how it ended
#	wait_for SECONDS CMD...    tries until it succeeds; fails when the time is over
#	skip_all REASON            ends the test, which counts as skipped
#
# Lines by themselves that the runner looks for: "# vm: yes" (to be run in virtual machines too, as
# root), "# vm-v2: yes" (only in those with unified cgroups), "# vm-user: yes" (there as a user with a delegated cgroup), "# alone: yes", "# timeout: SECONDS".

set -u
: "${SRC:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
: "${BUILD:=$SRC/build}" "${BIN:=$BUILD/bin}" "${LIB:=$SRC/build/lib}"
: "${TARGETS:=$SRC/build/tests/targets}"
export SRC BUILD BIN LIB TARGETS
export PATH=$BIN:$PATH LC_ALL=C
TMP=$(mktemp -d "${TMPDIR:-/tmp}/mstat-test.XXXXXX") && cd "$TMP" || exit 1

_checks=0 _failed=0 _all_started=()
out='' err='' status=0 started=''

_end() {
	local code=$? pid
	for pid in "${_all_started[@]}"; do _signal KILL "$pid"; done
	cd / && rm -rf "$TMP"
	[ "$_checks" = skipped ] && exit 0
	echo "1..$_checks"
	[ $code = 0 ] && [ $_failed != 0 ] && code=1
	exit $code
}
trap _end EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# _result PASSED? DESC REMARK...
_result() {
	_checks=$((_checks + 1))
	local passed=$1 desc=${2//#/} remark
	shift 2
	if [ "$passed" = 1 ]; then
		echo "ok $_checks - $desc"
		return 0
	fi
	_failed=$((_failed + 1))
	echo "not ok $_checks - $desc"
	echo "# at $(_where)"
	for remark in "$@"; do echo "# ${remark//$'\n'/$'\n'# }"; done
	return 1
}

# The test's own line, which is the outermost.
_where() {
	local i=$((${#BASH_SOURCE[@]} - 1))
	echo "${BASH_SOURCE[$i]##*/}:${BASH_LINENO[$i - 1]}"
}

run() {
	"$@" </dev/null >"$TMP/out" 2>"$TMP/err"
	status=$?
	out=$(tr -d '\0' <"$TMP/out") err=$(tr -d '\0' <"$TMP/err")
}

ok() {
	local desc=$1
	shift
	run "$@"
	_result "$((status == 0))" "$desc" "command: $*" "status: $status" "stdout: $(head -c 4000 <<<"$out")" \
		"stderr: $(head -c 4000 <<<"$err")"
}

exits() {
	local desc=$1 want=$2
	shift 2
	run "$@"
	_result "$((status == want))" "$desc" "command: $*" "status: $status, not $want" \
		"stdout: $(head -c 4000 <<<"$out")" "stderr: $(head -c 4000 <<<"$err")"
}

is() {
	local same=0
	[ "$2" = "$3" ] && same=1
	_result $same "$1" "got:  $2" "want: $3"
}

# A pattern that is none matches nothing, and fails both.
_match() {
	[[ $1 =~ $2 ]]
	case $? in
	0) echo yes ;;
	1) echo no ;;
	*) echo "no pattern" ;;
	esac
} 2>/dev/null

like() {
	local matches
	matches=$(_match "$2" "$3")
	_result "$([ "$matches" = yes ] && echo 1)" "$1" "got:       $2" "unlike:    $3"
}

unlike() {
	local matches
	matches=$(_match "$2" "$3")
	_result "$([ "$matches" = no ] && echo 1)" "$1" "got:       $2" "but like:  $3"
}

within() {
	local near
	near=$(awk -v got="$2" -v want="$3" -v pct="$4" '
		function number(text) { return text ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ }
		BEGIN {
			off = got - want; if (off < 0) off = -off
			room = want * pct / 100; if (room < 0) room = -room
			print (number(got) && number(want) && off <= room) ? 1 : 0
		}')
	_result "$near" "$1" "got:  $2" "want: $3, give or take $4%"
}

skip() {
	_checks=$((_checks + 1))
	echo "ok $_checks - ${1//#/} # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $*"
	_checks=skipped
	exit 0
}

# To the whole session; to the process alone when it has not got so far as to have one.
_signal() {
	kill "-$1" -- "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null
}

start() {
	: >"$TMP/started.out" # at once: what is waited for shall not be found in an older output
	setsid "$@" </dev/null >"$TMP/started.out" 2>"$TMP/started.err" &
	started=$!
	_all_started+=("$started")
}

stop() {
	_signal "${2:-TERM}" "$1"
	wait "$1" 2>/dev/null
	status=$?
}

wait_for() {
	local deadline=$((${EPOCHREALTIME/./} + ${1%.*} * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		sleep 0.02
	done
}
