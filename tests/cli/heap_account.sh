#!/bin/bash
# SPDX-License-Identifier: ISC
# What an allocator says of itself stands in the rows of its process, and asking it harms nobody.
# timeout: 300
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname "$0")/../lib.sh"

# rows: allocated, active and resident bytes
rows() { mstat-decode -what samples -where comm=heap_account -columns allocator_allocated_bytes,allocator_active_bytes,allocator_resident_bytes run.mstat | sed 1d | tr '\t' ' '; }
seen() { rows | grep -v '^ *$'; }
notes() { mstat-decode -what samples -where comm=heap_account -columns notes run.mstat | grep -o 'allocator:[a-z_]*' | sort -u; }
# account MIB MORE...: what the program says of itself is in f/ready
account() {
	local mib=$1
	rm -rf f && mkdir f
	start mstat -q -freq 50 -heap "${@:2}" -o run.mstat "${given[@]}" -- "$TARGETS/heap_account" f "$mib" "${forks[@]}"
	wait_for 60 test -e f/ready || echo "# it is not ready" >&2
	sleep 1 # some ticks of a program that goes on as it does
	touch f/go
	wait "$started"
}
# library NAME: where the loader has it
library() { ldconfig -p 2>/dev/null | awk -v name="$1" '$1 == name { print $NF; exit }'; }

forks=() given=()
account 20
is "malloc of glibc: nothing is asked" "$? $(cat started.out) $(seen) $(notes)" "0 ok  "
for name in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2; do
	PATH=$PATH:/sbin:/usr/sbin other=$(library $name)
	if [ -z "$other" ]; then
		skip "$name" "not installed"
		continue
	fi
	forks=() given=(-env LD_PRELOAD="libmstat-heap.so:$other")
	for mib in 20 200; do
		account $mib
		is "$name, $mib MiB: it does the same" "$? $(cat started.out)" "0 ok"
		read -r -a want <f/ready
		for i in 0 1 2; do
			# As of the middle of the second in which all stayed as it is.
			got=$(seen | tail -n 5 | head -n 1 | cut -d' ' -f$((i + 1)))
			what=$(cut -d' ' -f$((i + 1)) <<<"allocated active resident")
			if [ "${want[i]}" = 0 ]; then
				is "$name, $mib MiB: $what is not told" "$got" ""
			else
				within "$name, $mib MiB: $what" "$got" "${want[i]}" 10
			fi
		done
	done
	ok "$name: not more than ten times a second" test "$(seen | wc -l)" -le $(($(rows | wc -l) / 4))
	is "$name: else it is not due" "$(notes)" allocator:not_due
	forks=(60)
	account 5 -heap-interval 4096
	is "$name: forks" "$? $(cat started.out)" "0 ok"
	ok "$name: forks: it was asked" test "$(seen | wc -l)" -ge 3
	[ $name != libjemalloc.so.2 ] || is "$name: while it starts threads of its own" \
		"$(timeout -k 5 60 mstat -q -freq 50 -heap -heap-interval 1 -o run.mstat "${given[@]}" -- "$TARGETS/heap_account" threads 2>&1)" ok
	# In front of the hooks nothing is seen.
	forks=() given=(-env LD_PRELOAD="$other:libmstat-heap.so")
	account 5
	is "$name before the hooks: nothing is asked" "$? $(cat started.out) $(seen)" "0 ok "
done
