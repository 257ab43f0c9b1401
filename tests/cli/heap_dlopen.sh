#!/bin/bash
# SPDX-License-Identifier: ISC
# Libraries that are loaded, allocate and are unloaded; the loader's own calls within the hooks' reach.
# timeout: 400
# shellcheck source=tests/cli/heap_lib disable=SC2154
. "$(dirname "$0")/heap_lib"

heap_same "libraries that come and go" "$TARGETS/heap_dlopen" "$TARGETS" close
heap_same "RTLD_DEEPBIND" "$TARGETS/heap_dlopen" "$TARGETS" deepbind
heap_same "dlmopen()" "$TARGETS/heap_dlopen" "$TARGETS" namespace
heap_same "dlsym(), dlerror(), dl_iterate_phdr()" "$TARGETS/heap_dlopen" "$TARGETS" symbols
heap_same "a fork while a thread is within dlclose()" "$TARGETS/heap_dlopen" "$TARGETS" forks
heap_keeps libheap_client_keeps 6000
heap_same "memory of a library that is gone, and of one that is there" "$TARGETS/heap_dlopen" "$TARGETS" keep
heap_keeps libheap_other_keeps 7000
