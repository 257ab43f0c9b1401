# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# Perl's own tests, out of the source package: the language's, and those of the modules that have to do
# with processes, threads, signals and sockets.
# packages: perl
# timeout: 1800
# long: yes
# shellcheck source=tests/compat/apt_lib
. "$COMPAT_FROM/apt_lib"

FOLDERS="
t/base t/cmd t/comp t/io t/op t/mro t/run dist/threads dist/threads-shared dist/Thread-Queue
dist/Thread-Semaphore dist/IO dist/Time-HiRes dist/Storable dist/Data-Dumper dist/PathTools ext/POSIX
ext/IPC-Open3 ext/Fcntl ext/Errno ext/File-Find ext/File-Glob ext/FileCache ext/Hash-Util ext/PerlIO-scalar
ext/SDBM_File cpan/Socket cpan/IPC-SysV cpan/IPC-Cmd cpan/IO-Socket-IP cpan/File-Temp cpan/Sys-Syslog
cpan/Test-Harness cpan/Scalar-List-Utils cpan/autodie cpan/Time-Piece cpan/Digest-SHA
"

compat_version() { perl -e 'printf "perl %vd\n", $^V'; }

compat_setup() {
	if [ ! -f "$COMPAT_CACHE/complete" ]; then
		rm -rf "$COMPAT_CACHE/src"
		from_debian "deb-src $(. /etc/os-release; echo "$VERSION_CODENAME")" source --download-only perl || return
		mkdir "$COMPAT_CACHE/src" &&
			tar -xf "$COMPAT_CACHE"/apt/got/perl_*.orig.tar.xz -C "$COMPAT_CACHE/src" --strip-components=1 &&
			rm -rf "$COMPAT_CACHE/apt" && touch "$COMPAT_CACHE/complete" || return
	fi
	# The tests look for the modules in the source tree: there are the installed ones then.
	local folder
	cp -r "$COMPAT_CACHE/src/t" . && mkdir lib || return
	for folder in $(perl -MConfig -e 'print "@Config{qw(privlibexp archlibexp)}"'); do
		cp -rs "$folder/." lib/ 2>/dev/null # what is in both is the same
	done
	ln -s /usr/bin/perl t/perl
	for folder in $FOLDERS; do
		mkdir -p "${folder%/*}" "$folder/t" && cp -r "$COMPAT_CACHE/src/$folder" "${folder%/*}/" || return
		[[ $folder == t/* ]] || cp -n "$COMPAT_CACHE"/src/t/{test,charset_tools,loc_tools}.pl "$folder/t"
	done
}

# run_test FILE: with t or the module's folder as the current one
run_test() {
	local folder=${1%%/t/*} file=t/${1#*/t/} out=$COMPAT_OUTPUTS/${1//\//_}.out status switches
	[[ $1 != t/* ]] || folder=t file=${1#t/}
	cd "$COMPAT_RUN/$folder" || return
	# Those of its own first line, which perl wants on the command line.
	switches=$(sed -n '1s/^#!.*perl[0-9.]*//p' "$file")
	# shellcheck disable=SC2086 # words
	PERL_CORE=$([ "$folder" != t ] || echo 1) timeout -k 5 240 perl $switches "$file" </dev/null >"$out" 2>"${out%.out}.err"
	status=$?
	COMPAT_RESULTS=${out%.out}.results case_is "$1 (exit status)" $status
	awk -v "file=$1" '
		/^(not )?ok( |$)/ {
			n++
			what = /^not/ ? "not ok" : "ok"
			if (tolower($0) ~ /# *skip/) what = "skipped"; else if (tolower($0) ~ /# *todo/) what = what ", to do"
			print file " " n "\t" what
		}' "$out" >>"${out%.out}.results"
	# Two are at it.
	flock "$COMPAT_RUN" cat "${out%.out}.results" >>"$COMPAT_RESULTS"
}

# shellcheck disable=SC2016 # for the shell that xargs starts
run_tests() {
	export -f run_test case_is
	cp -r "$COMPAT_SETUP/." "$COMPAT_RUN" && tr '\n' '\0' | xargs -0 -n 1 -P 2 bash -c 'run_test "$1"' -
}

compat_cases() {
	local folder
	cd "$COMPAT_SETUP" && for folder in $FOLDERS; do find "$folder" -name '*.t'; done | sort | run_tests
}

compat_again() {
	local case
	for case; do
		case=${case% (exit status)}
		echo "${case%% [0-9]*}"
	done | sort -u | run_tests
}
