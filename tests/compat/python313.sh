# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: ISC
# CPython's own regression tests, of a Python >= 3.12 that comes with a newer libc: Debian 13's, unpacked
# into a folder and not installed. From 3.12 on Python warns at fork() when it finds a second thread, and
# its tests take a warning for a failure.
# packages: patchelf
# timeout: 3600
# long: yes
# shellcheck source=tests/compat/python_lib
. "$COMPAT_FROM/python_lib"
# shellcheck source=tests/compat/apt_lib
. "$COMPAT_FROM/apt_lib"

ROOT=${COMPAT_CACHE:-}/root
PYTHON=$ROOT/usr/bin/python3.13
PACKAGES="
python3.13 python3.13-minimal libpython3.13-minimal libpython3.13-stdlib libpython3.13-testsuite libc6
libgcc-s1 libssl3t64 libsqlite3-0 libffi8 libexpat1 zlib1g libbz2-1.0 liblzma5 libzstd1 libncursesw6
libtinfo6 libreadline8t64 libuuid1 libdb5.3t64 libgdbm6t64 libgdbm-compat4t64 libcrypt1 libnsl2
libtirpc3t64 media-types
"
MODULES="
test_subprocess test_os test_posix test_signal test_threading test_fork1 test_socket test_fcntl
test_resource test_multiprocessing_fork test_multiprocessing_forkserver test_multiprocessing_spawn
test_multiprocessing_main_handling test_concurrent_futures test_asyncio test_eintr test_faulthandler
test_pty test_openpty test_ioctl test_poll test_epoll test_select test_selectors test_wait3 test_wait4
test_threadsignals test_thread test_threading_local test_threadedtempfile test_tracemalloc test_mmap
test_largefile test_mailbox test_shutil test_tempfile test_io test_fileio test_file_eintr test_cmd_line
test_cmd_line_script test_c_locale_coercion test_sys test_site test_gc test_atexit test_audit
test_socketserver test_httpservers test_ssl test_queue test_time test_pwd test_grp test_logging
test_ctypes test_pdb test_sys_settrace test_warnings test_weakref test_context test_import test_runpy
test_repl test_support test_unittest test_sqlite3 test_random test_json test_tarfile test_xmlrpc
test_interpreters test_fork_in_thread test_pathlib test_platform test_uuid test_perf_profiler
"

compat_version() { "$PYTHON" -c '
import os, platform, sys
print("Python", platform.python_version(), "of Debian 13,", os.confstr("CS_GNU_LIBC_VERSION"))'; }

compat_setup() {
	[ ! -f "$COMPAT_CACHE/complete" ] || return 0
	local file
	[ "$(uname -m)" = x86_64 ] || { echo "not x86-64"; return 77; }
	rm -rf "$ROOT" "$COMPAT_CACHE/apt"
	mkdir -p "$ROOT"
	# shellcheck disable=SC2086 # words
	from_debian "deb trixie" download $PACKAGES || return
	for file in "$COMPAT_CACHE"/apt/got/*.deb; do dpkg -x "$file" "$ROOT" || return; done
	# The interpreter as it is, but for where it finds its loader and libraries; it finds its modules by
	# its own path.
	patchelf --set-interpreter "$ROOT/usr/lib64/ld-linux-x86-64.so.2" --force-rpath \
		--set-rpath "$ROOT/usr/lib/x86_64-linux-gnu" "$PYTHON" && compat_version >/dev/null &&
		rm -rf "$COMPAT_CACHE/apt" && touch "$COMPAT_CACHE/complete"
}
