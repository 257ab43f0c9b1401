#!/bin/bash
# SPDX-License-Identifier: ISC
# An extension of Python, written in C: what its functions hold is found by function, file and line.
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"
# shellcheck source=tests/cli/collect_lib
. "$SRC/tests/cli/collect_lib"

python=/usr/bin/python3
[ -x "$python" ] || skip_all "no $python"
include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
[ -e "$include/Python.h" ] || skip_all "no Python.h (Debian: python3-dev)"

cat >store.c <<'END_OF_SOURCE'
#define PY_SSIZE_T_CLEAN
#include <Python.h>
__attribute__((noinline)) static PyObject *make_index(PyObject *self, PyObject *args)
{
	PyObject *index = PyDict_New();
	Py_ssize_t n, size;
	(void)self;
	if (!index || !PyArg_ParseTuple(args, "nn", &n, &size))
		return NULL;
	for (Py_ssize_t i = 0; i < n; i++) {
		PyObject *key = PyLong_FromSsize_t(i + 1000);
		PyObject *value = PyBytes_FromStringAndSize(NULL, size); /* the line of the values */
		if (!key || !value)
			return NULL;
		memset(PyBytes_AS_STRING(value), 'v', (size_t)size);
		if (PyDict_SetItem(index, key, value))
			return NULL;
		Py_DECREF(key);
		Py_DECREF(value);
	}
	return index;
}
__attribute__((noinline)) static PyObject *read_blob(PyObject *self, PyObject *args)
{
	PyObject *blob;
	Py_ssize_t size;
	(void)self;
	if (!PyArg_ParseTuple(args, "n", &size))
		return NULL;
	blob = PyBytes_FromStringAndSize(NULL, size); /* the line of the blob */
	if (blob)
		memset(PyBytes_AS_STRING(blob), 'b', (size_t)size);
	return blob;
}
static PyMethodDef methods[] = {
	{"make_index", make_index, METH_VARARGS, NULL}, {"read_blob", read_blob, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "store", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_store(void)
{
	return PyModule_Create(&module);
}
END_OF_SOURCE
ok "an extension is compiled" "${CC:-gcc}" -O1 -g -shared -fPIC -I"$include" -o store.so store.c

# Objects of more than 512 bytes are malloc()'s; smaller ones are in arenas that Python maps.
cat >work.py <<'END_OF_PROGRAM'
import gc, os, store, sys, time
index = store.make_index(60000, 1000)
blob = store.read_blob(32 << 20)
print(sum(map(sys.getsizeof, index.values())), sys.getsizeof(blob), index[1005][:3], blob[-3:])
if "MSTAT_SOCKET" in os.environ: time.sleep(0.5)
del index, blob
gc.collect()
if "MSTAT_SOCKET" in os.environ: time.sleep(0.5)
END_OF_PROGRAM
ok "it works" "$python" work.py
want=$out
ok "under mstat as well" mstat -q -freq 50 -heap -o run.mstat -- "$python" work.py
is "... and says the same" "$out$err" "$want"
read -r values blob _ <<<"$want"
line() { sed -n "/the line of the $1 /=" store.c; }

exits "the profile of the peak" 0 mstat-decode -what heap run.mstat
printf '%s\n' "$out" >text
is "... is of what could be seen" "$err" ""
ok "... names function, file and line of the values" grep -qE "  make_index  $TMP/store\.c:$(line values)$" text
ok "... and of the blob" grep -qE "  read_blob  $TMP/store\.c:$(line blob)$" text
ok "... below Python's own" grep -qE '  (_PyEval_EvalFrameDefault|PyBytes_FromStringAndSize)( |$)' text
read -r bytes error < <(heap_told make_index cum <text)
# The dictionary itself, and its keys, are 32 MiB / 10 more at most.
ok "... the index within 4 standard errors: $bytes +- $error of $values" \
	awk -v got="$bytes" -v error="$error" -v want="$values" 'BEGIN {
		exit !(error > 0 && error < want / 5 && got > want - 4 * error && got < want + 4 * error + 8 * 1048576) }'
read -r bytes _ < <(heap_told read_blob cum <text)
within "... the blob" "$bytes" "$blob" 1
# Python keeps a few of its arenas.
is "what was freed is not live at the end: the blob" "$(heap_live read_blob)" 0
ok "... the index" test "$(heap_live make_index)" -le $((4 << 20))
