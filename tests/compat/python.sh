# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: ISC
# CPython's own regression tests.
# packages: python3 libpython3.11-testsuite gdb
# timeout: 3600
# long: yes
# shellcheck source=tests/compat/python_lib
. "$COMPAT_FROM/python_lib"

PYTHON=/usr/bin/python3
# Processes, threads, signals and memory first; then what every program does.
MODULES="
test_subprocess test_os test_posix test_signal test_threading test_fork1 test_socket test_fcntl
test_resource test_multiprocessing_fork test_multiprocessing_forkserver test_multiprocessing_spawn
test_multiprocessing_main_handling test_gdb test_concurrent_futures test_asyncio test_eintr
test_faulthandler test_popen test_pty test_openpty test_ioctl test_poll test_epoll test_select
test_selectors test_devpoll test_wait3 test_wait4 test_threadsignals test_thread test_threading_local
test_threadedtempfile test_tracemalloc test_mmap test_largefile test_mailbox test_pipes test_shutil
test_tempfile test_io test_bufio test_fileio test_file test_file_eintr test_regrtest
test_cmd_line test_cmd_line_script test_c_locale_coercion test_utf8_mode test_embed test_sys
test_sysconfig test_site test_gc test_finalization test_atexit test_audit test_socketserver
test_asyncore test_asynchat test_httpservers test_ssl test_queue test_sched test_time test_timeout
test_timeit test_platform test_pwd test_grp test_spwd test_getpass test_syslog test_logging
test_ctypes test_dtrace test_bdb test_pdb test_trace test_sys_settrace test_sys_setprofile
test_cprofile test_profile test_traceback test_warnings test_weakref test_contextlib test_context
test_import test_importlib test_imp test_runpy test_repl test_code test_script_helper test_support
test_unittest test_venv test_zipimport test_tarfile test_zipfile test_gzip test_bz2 test_lzma test_zlib
test_hashlib test_hmac test_random test_math test_float test_long test_unicode test_bytes test_re
test_json test_pickle test_marshal test_struct test_array test_buffer test_memoryview test_list
test_dict test_set test_deque test_ordered_dict test_functools test_itertools test_generators
test_coroutines test_asyncgen test_exceptions test_descr test_builtin test_decimal test_statistics
test_datetime test_dbm test_shelve test_glob test_pathlib test_posixpath test_fileinput
test_filecmp test_ipaddress test_xmlrpc test_smtplib test_ftplib test_poplib test_imaplib test_telnetlib
test_httplib test_urllib2_localnet test_docxmlrpc test_wsgiref test_crypt test_locale test_codecs
test_curses test_readline test_rlcompleter test_xxtestfuzz test__xxsubinterpreters test_interpreters
"

compat_version() { "$PYTHON" -VV | head -n 1; }

compat_quick() {
	printf '%s\n' test_posix test_fcntl test_resource test_popen test_select |
		run_modules
}
