# SPDX-License-Identifier: ISC
#
# mstat. `make help` lists what can be asked for; everything made goes to build/.

VERSION = 0.1.0

CC      = gcc
LD      = ld
AR      = ar
NM      = nm
OBJCOPY = objcopy
CLANG   = clang
CXX     = g++
PKG_CONFIG   = pkg-config
CLANG_FORMAT = clang-format

PREFIX  = /usr/local
BINDIR  = $(PREFIX)/bin
UNITDIR = $(PREFIX)/lib/systemd/system
LIBDIR  = $(PREFIX)/lib
MANDIR  = $(PREFIX)/share/man
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR  = $(PREFIX)/share/zsh/site-functions
FISHDIR = $(PREFIX)/share/fish/vendor_completions.d
DESTDIR =

# SAN=address,undefined  sanitizers for tools and unit tests, in a build folder of their own; the
#                        preload is never sanitized
# DEBUG=1                -Og instead of -O2
# V=1                    whole command lines
SAN   =
DEBUG =
V     =

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
all:

Q   = $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

# ---- folders and flags -----------------------------------------------------------------------

comma := ,
P := build/preload
F := build/fuzz
B := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

WARN = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat=2 -Wundef \
       -Werror=implicit-function-declaration -Werror=incompatible-pointer-types \
       -Werror=int-conversion -Werror=return-type -Werror=format-security -Werror=format \
       -Werror=vla -Werror=shadow -Werror=missing-prototypes -Werror=strict-prototypes \
       -Werror=uninitialized -Werror=implicit-fallthrough
CFLAGS = $(if $(DEBUG),-Og,-O2) -g
BASE   = -std=gnu11 -D_GNU_SOURCE -I. -MMD -MP $(WARN)
HARDEN = -fstack-protector-strong -fPIE

DEFS   = -DMSTAT_VERSION='"$(VERSION)"' -DMSTAT_LIBDIR='"$(LIBDIR)"'
TOOLS_CFLAGS  = $(BASE) $(CFLAGS) $(HARDEN) $(DEFS) -pthread \
                $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
TOOLS_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS) $(if $(SAN),-fsanitize=$(SAN))

# The code that runs inside the measured program. The sampler is freestanding: it imports no symbol.
# Only the app-side files may touch libc.
GUEST_CFLAGS   = $(BASE) $(CFLAGS) $(DEFS) -fPIC -fvisibility=hidden -ftls-model=initial-exec \
                 -ffunction-sections -fdata-sections -fno-exceptions
SAMPLER_CFLAGS = $(GUEST_CFLAGS) -ffreestanding -fno-stack-protector -U_FORTIFY_SOURCE \
                 -fno-asynchronous-unwind-tables
# noseparate-code: two mappings fewer in every process, 2.5% of what spawning /bin/true takes.
GUEST_LDFLAGS  = -shared -Wl,-z,noseparate-code \
                 -Wl,-z,now -Wl,-z,relro -Wl,-z,defs -Wl,-z,nodelete -Wl,-z,noexecstack \
                 -Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,--build-id -Wl,--hash-style=gnu \
                 -Wl,--as-needed
PLAIN_LDFLAGS  = $(GUEST_LDFLAGS) -Wl,--version-script=preload/libmstat.map -Wl,-soname,libmstat.so
HEAP_LDFLAGS   = $(GUEST_LDFLAGS) -Wl,--version-script=preload/heap/libmstat-heap.map \
                 -Wl,-soname,libmstat-heap.so

# Asked for only when something is linked: `make deps` may have to install pkg-config first.
ZSTD_LIBS    = $(shell $(PKG_CONFIG) --libs libzstd)
ZLIB_LIBS    = $(shell $(PKG_CONFIG) --libs zlib)
DWARF_LIBS   = $(shell $(PKG_CONFIG) --libs libdw zlib) -lelf -liberty
SQLITE_LIBS  = $(shell $(PKG_CONFIG) --libs sqlite3)
SYSTEMD_LIBS = $(shell $(PKG_CONFIG) --libs libsystemd)
# Pictures of pixels: by libcairo, where there is one.
CAIRO_CFLAGS = $(shell if $(PKG_CONFIG) --exists cairo 2>/dev/null; then echo -DMSTAT_CAIRO; $(PKG_CONFIG) --cflags cairo; fi)
CAIRO_LIBS   = $(shell $(PKG_CONFIG) --libs cairo 2>/dev/null)
CMOCKA_LIBS  = $(shell $(PKG_CONFIG) --libs cmocka)
ZSTD_STATIC  = $(shell $(CC) -print-file-name=libzstd.a)

# ---- sources ---------------------------------------------------------------------------------

PROGRAMS  = mstat mstat-decode mstat-diff mstat-doctor mstat-get mstat-mark mstatd
# Built where its page can be.
REPORT    = mstat-report
APP_SIDE  = preload/counts.c preload/entry.c preload/interpose.c

CORE      := $(wildcard core/*.c)
# Each file of collector/runtimes/ is a reader, made of what its folder has.
READERS   := $(wildcard collector/runtimes/*.c)
COLLECTOR := $(wildcard collector/*.c collector/runtimes/*/*.c) $(READERS)
TOOLS     := $(filter-out $(PROGRAMS:%=tools/%.c) tools/$(REPORT).c,$(wildcard tools/*.c))
SAMPLER   := $(filter-out $(APP_SIDE),$(wildcard preload/*.c preload/*.S))
HEAP_APP  = preload/heap/allocator.c preload/heap/begin.c preload/heap/hooks.c preload/heap/operators.c preload/heap/symbol.c
HEAP      := $(filter-out $(HEAP_APP),$(wildcard preload/heap/*.c))
UNIT      := $(wildcard tests/unit/test_*.c)
TARGETS   := $(filter-out tests/targets/counted_% tests/targets/switched_%,$(wildcard tests/targets/*.c tests/bench/*.c))
TARGETS_CXX := $(filter-out %/libcopies.cc,$(wildcard tests/targets/*.cc tests/bench/*.cc))
FUZZ      := $(wildcard tests/fuzz/fuzz_*.c)

object = $(addprefix $(1)/,$(addsuffix .o,$(basename $(2))))

BINS    = $(PROGRAMS:%=$(B)/bin/%)
PRELOAD = build/lib/libmstat.so
PRELOAD_HEAP = build/lib/libmstat-heap.so
# What is injected, and installed.
LIBRARIES = $(PRELOAD) $(PRELOAD_HEAP)
ARCHIVES = $(B)/libtools.a $(B)/libcollector.a $(B)/libcore.a

# The unit tests named test_preload_* test sampler code: they are linked with the sampler as it is
# in the library, which is never sanitized.
UNIT_BUILT   = $(if $(SAN),$(filter-out tests/unit/test_preload_%,$(UNIT)),$(UNIT))
UNIT_BINS    = $(UNIT_BUILT:%.c=$(B)/%)
TARGET_SOS   = $(patsubst %.c,build/%.so,$(filter tests/targets/lib%,$(TARGETS)))
TARGET_BINS  = $(patsubst %.c,build/%,$(filter-out tests/targets/lib%,$(TARGETS)))
CXX_SOS      = $(patsubst %.cc,build/%.so,$(filter tests/targets/lib%,$(TARGETS_CXX)))
CXX_BINS     = $(patsubst %.cc,build/%,$(filter-out tests/targets/lib%,$(TARGETS_CXX)))
FUZZ_BINS    = $(FUZZ:%.c=build/%)
COUNTED      = build/tests/targets/libmstat-counted.so
SWITCHED     = build/tests/targets/libmstat-switched.so
COPIES       = build/tests/bench/libcopies.so

.PHONY: all
all: $(BINS) report $(LIBRARIES) $(if $(SAN),$(B)/lib) ## build the programs and the library (the default)

# Objects depend on the flags they are compiled with.
$(B)/flags: export TEXT = $(CC) $(TOOLS_CFLAGS) $(TOOLS_LDFLAGS)
$(P)/flags: export TEXT = $(CC) $(SAMPLER_CFLAGS) $(PLAIN_LDFLAGS) $(HEAP_LDFLAGS) $(ZSTD_USED) $(ZSTD_REFUSED)
$(F)/flags: export TEXT = $(CLANG) $(FUZZ_CFLAGS)
$(B)/flags-png: export TEXT = $(CAIRO_CFLAGS) $(CAIRO_LIBS)
$(sort $(B)/flags $(B)/flags-png $(B)/runtimes.inc $(P)/flags $(F)/flags): force
	@mkdir -p $(@D); echo "$$TEXT" | cmp -s - $@ || echo "$$TEXT" >$@
.PHONY: force

# ---- core, collector, tools ------------------------------------------------------------------

$(B)/core/%.o: core/%.c $(B)/flags
	$(call say,CC,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_CFLAGS) -c -o $@ $<

$(B)/collector/%.o: collector/%.c $(B)/flags
	$(call say,CC,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_CFLAGS) -c -o $@ $<

$(B)/runtimes.inc: export TEXT = \#define RUNTIME_LIST(X) $(foreach r,$(READERS),X($(basename $(notdir $r))))
$(B)/collector/runtimelook.o: private TOOLS_CFLAGS += -include $(B)/runtimes.inc
$(F)/collector/runtimelook.o: private FUZZ_CFLAGS += -include $(B)/runtimes.inc
build/demo/collector/runtimelook.o: private TOOLS_CFLAGS += -include $(B)/runtimes.inc
$(B)/collector/runtimelook.o $(F)/collector/runtimelook.o build/demo/collector/runtimelook.o: $(B)/runtimes.inc

$(B)/tools/%.o: tools/%.c $(B)/flags
	$(call say,CC,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_CFLAGS) -c -o $@ $<

$(B)/tools/canvaspng.o: private TOOLS_CFLAGS += $(CAIRO_CFLAGS)
$(B)/tools/canvaspng.o: $(B)/flags-png

$(B)/libcore.a: $(call object,$(B),$(CORE))
$(B)/libcollector.a: $(call object,$(B),$(COLLECTOR))
$(B)/libtools.a: $(call object,$(B),$(TOOLS))
$(ARCHIVES):
	$(call say,AR,$(@:build/%=%))
	@mkdir -p $(@D); rm -f $@
	$(Q)$(AR) rcsD $@ $(filter %.o,$^)

$(B)/bin/mstat $(B)/bin/mstat-doctor $(B)/bin/mstat-get $(B)/bin/mstatd: $(B)/bin/%: $(B)/tools/%.o $(ARCHIVES)
	$(call say,LD,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_LDFLAGS) -o $@ $^ $(SYSTEMD_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS)

$(B)/bin/mstat-decode: $(B)/tools/mstat-decode.o $(ARCHIVES)
	$(call say,LD,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_LDFLAGS) -o $@ $^ $(ZSTD_LIBS) $(DWARF_LIBS) $(SQLITE_LIBS)

$(B)/bin/mstat-diff: $(B)/tools/mstat-diff.o $(ARCHIVES)
	$(call say,LD,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_LDFLAGS) -o $@ $^ $(ZSTD_LIBS) $(DWARF_LIBS)

$(B)/bin/mstat-mark: $(B)/tools/mstat-mark.o $(B)/libtools.a
	$(call say,LD,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_LDFLAGS) -o $@ $^

# ---- completions of shells ---------------------------------------------------------------------

# Made of the programs' own option tables: their main files are linked into one program, which prints
# them. Of mstat-report's page it needs none.
COMPLETED   = $(PROGRAMS) $(REPORT)
COMPLETIONS = $(foreach p,$(COMPLETED),$(addprefix $(B)/completions/,bash/$(p) zsh/_$(p) fish/$(p).fish))

$(B)/completions/main/%.o: $(B)/tools/%.o
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --redefine-sym main=main_of_$* $< $@
$(B)/completions/write: $(call object,$(B),$(wildcard tools/completions/*.c)) $(COMPLETED:%=$(B)/completions/main/%.o) $(ARCHIVES)
	$(call say,LD,$(@:build/%=%))
	$(Q)$(CC) $(TOOLS_LDFLAGS) -Wl,--defsym=report_page=0,--defsym=report_page_end=0 -o $@ $^ \
	  $(SYSTEMD_LIBS) $(ZSTD_LIBS) $(DWARF_LIBS) $(SQLITE_LIBS) $(CAIRO_LIBS) -lm
$(B)/completions/bash/%: $(B)/completions/write
	@mkdir -p $(@D)
	$(Q)$< bash $* >$@
$(B)/completions/zsh/_%: $(B)/completions/write
	@mkdir -p $(@D)
	$(Q)$< zsh $* >$@
$(B)/completions/fish/%.fish: $(B)/completions/write
	@mkdir -p $(@D)
	$(Q)$< fish $* >$@
.SECONDARY: $(COMPLETED:%=$(B)/completions/main/%.o)
.PHONY: completions
completions: $(COMPLETIONS)

# ---- mstat-report ----------------------------------------------------------------------------

# Its page is bundled by npm, and never changes with the flags. What `make dist` packs has it built.
PAGE_PACKED  = tools/report/packed/page.html
PAGE_BUILT   = build/report/page.html
PAGE         = $(if $(wildcard $(PAGE_PACKED)),$(PAGE_PACKED),$(PAGE_BUILT))
PAGE_SOURCES = $(wildcard tools/report/*.js tools/report/page.css tools/report/page.html \
                 tools/report/build* tools/report/package*.json)

# A page that cannot be made leaves the old one, if there is one, and nothing fails for it.
.PHONY: report
report: $(ARCHIVES) $(if $(wildcard $(PAGE_PACKED)),,build/report/tried) ## build mstat-report, where its page can be bundled
	$(if $(Q),@)+if [ -e $(PAGE) ]; then $(MAKE) --no-print-directory $(B)/bin/$(REPORT); fi

build/report/tried: $(PAGE_SOURCES)
	$(call say,NPM,$(PAGE_BUILT))
	@mkdir -p $(@D)
	$(Q)if tools/report/build $(@D); then touch $@; fi

$(B)/report/page.o: tools/report/page.S $(wildcard $(PAGE)) $(B)/flags
	$(call say,AS,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) -c -DPAGE='"$(PAGE)"' -o $@ $<

$(B)/bin/$(REPORT): $(B)/tools/$(REPORT).o $(B)/report/page.o $(ARCHIVES)
	$(call say,LD,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_LDFLAGS) -o $@ $^ $(ZSTD_LIBS) $(DWARF_LIBS) $(CAIRO_LIBS) -lm

# A sanitized mstat uses the libraries there are.
build/san-%/lib: $(LIBRARIES)
	$(Q)ln -sfn ../lib $@

# ---- tables of Go minors -----------------------------------------------------------------------

MAKETABLE = build/maketable
MAKETABLE_OF = $(patsubst %,collector/runtimes/go/%.c,tables/maketable die dwarf elf pclntab section) core/bytes.c
$(MAKETABLE): $(MAKETABLE_OF) $(wildcard collector/runtimes/go/*.h) $(P)/flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -O1 -g -MF $@.d -o $@ $(MAKETABLE_OF) $(ZLIB_LIBS)
.PHONY: go-tables
go-tables: $(MAKETABLE) ## make the tables of Go's minors anew, of the toolchains that Debian has (fetched)
	@collector/runtimes/go/get-toolchains build/go
	@collector/runtimes/go/make-tables $(MAKETABLE) build/go

# ---- libmstat.so -----------------------------------------------------------------------------

SAMPLER_OBJS = $(call object,$(P),$(SAMPLER) $(CORE))
APP_OBJS     = $(call object,$(P),$(APP_SIDE))
HEAP_OBJS     = $(call object,$(P),$(HEAP))
HEAP_APP_OBJS = $(call object,$(P),$(HEAP_APP))

$(call object,$(P),$(APP_SIDE) $(HEAP_APP)): $(P)/%.o: %.c $(P)/flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

# What syscall() has on the caller's stack is passed on by a jump alone, also where nothing is optimised.
$(P)/preload/interpose.o: GUEST_CFLAGS += -foptimize-sibling-calls

# What the compiler knows of malloc() does not hold where it is written; and the way out of a hook is a jump.
$(HEAP_APP_OBJS): GUEST_CFLAGS += -fno-builtin -foptimize-sibling-calls

# A loop that copies bytes must not be compiled into a call of memcpy(), which is this loop.
$(P)/preload/memfn.o: SAMPLER_CFLAGS += -fno-builtin \
  $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)

$(P)/%.o: %.c $(P)/flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAMPLER_CFLAGS) -c -o $@ $<

$(P)/%.o: %.S $(P)/flags
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAMPLER_CFLAGS) -c -o $@ $<

# zstd: the members that are needed out of the distribution's libzstd.a, as one object that shows
# only ZSTD_USED, and with every name that it wants from libc renamed to preload/zstd_stubs.c. What
# remains are memcpy, memmove and memset, which are preload/memfn.c's.
ZSTD_USED    = ZSTD_estimateCCtxSize_usingCParams ZSTD_initStaticCCtx ZSTD_CCtx_reset \
               ZSTD_CCtx_setParameter ZSTD_CCtx_setPledgedSrcSize ZSTD_compress2 \
               ZSTD_compressBound ZSTD_compressStream2 ZSTD_isError
ZSTD_REFUSED = malloc=malloc calloc=calloc free=free __stack_chk_fail=stack_chk_fail \
               ZSTD_trace_compress_begin=trace_begin ZSTD_trace_compress_end=trace_end

$(P)/zstd-static.o: $(P)/flags
	$(call say,LD,$@)
	$(Q)$(LD) -r -o $@ $(ZSTD_USED:%=-u %) $(ZSTD_STATIC)
	$(Q)$(OBJCOPY) $(ZSTD_USED:%=--keep-global-symbol=%) \
	  $(foreach r,$(ZSTD_REFUSED),--redefine-sym $(subst =,=mstat_zstd_no_,$(r))) $@

# libunwind: built from source (LIBUNWIND_SRC=/path/libunwind-1.6.2.tar.gz, or Debian's by apt-get), for
# no distribution's libunwind.a is position-independent, and with our changes. As one object that
# shows only UNWIND_USED; what it wants is preload/heap/unwind.c's, and preload/memfn.c's memset.
UNWIND_USED   = unw_backtrace unwind_forget
UNWIND_WEAK   = _dl_find_object dl_iterate_phdr
LIBUNWIND_SRC ?=

$(P)/libunwind/libunwind.a: preload/heap/build-libunwind preload/heap/libunwind.patch
	$(call say,BUILD,$@)
	$(Q)CC='$(CC)' LIBUNWIND_SRC='$(LIBUNWIND_SRC)' preload/heap/build-libunwind $(@D)

$(P)/unwind-static.o: $(P)/libunwind/libunwind.a $(P)/flags
	$(call say,LD,$@)
	$(Q)$(LD) -r --gc-sections -o $@ $(UNWIND_USED:%=-u %) $<
	$(Q)$(OBJCOPY) $(UNWIND_USED:%=--keep-global-symbol=%) $@

# Stacks are walked from the hooks through here.
$(P)/preload/heap/%.o: SAMPLER_CFLAGS += -fasynchronous-unwind-tables

# The whole sampler in one object. What is checked is what is linked.
$(P)/sampler.o: $(SAMPLER_OBJS) $(P)/zstd-static.o .ci/check-guest
	$(call say,LD,$@)
	$(Q)$(LD) -r -o $@ $(filter %.o,$^)
	$(Q)NM=$(NM) .ci/check-guest sampler $@

$(PRELOAD): $(APP_OBJS) $(P)/sampler.o preload/libmstat.map .ci/check-guest
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLAIN_LDFLAGS) -o $@ $(filter %.o,$^)
	$(Q)NM=$(NM) .ci/check-guest library $@ preload/libmstat.map

# ---- libmstat-heap.so: the same sampler, and the allocation hooks ------------------------------

# glibc's functions (UNWIND_WEAK) are taken where there are any.
$(P)/sampler-heap.o: $(SAMPLER_OBJS) $(HEAP_OBJS) $(P)/zstd-static.o $(P)/unwind-static.o .ci/check-guest
	$(call say,LD,$@)
	$(Q)$(LD) -r -o $@ $(filter %.o,$^)
	$(Q)NM=$(NM) .ci/check-guest sampler $@ $(UNWIND_WEAK)

$(PRELOAD_HEAP): $(APP_OBJS) $(HEAP_APP_OBJS) $(P)/sampler-heap.o preload/heap/libmstat-heap.map .ci/check-guest
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HEAP_LDFLAGS) -o $@ $(filter %.o,$^)
	$(Q)NM=$(NM) .ci/check-guest library $@ preload/heap/libmstat-heap.map

# The same library with a sampler that counts what it has sent.
COUNTED_OBJS = $(subst $(P)/preload/link.o,$(P)/tests/targets/counted_link.o,$(SAMPLER_OBJS))

$(COUNTED): $(APP_OBJS) $(COUNTED_OBJS) $(P)/zstd-static.o preload/libmstat.map
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLAIN_LDFLAGS) -o $@ $(filter %.o,$^)

# The same library with a sampler that the program can switch on and off, for measuring it.
SWITCHED_OBJS = $(filter-out $(P)/preload/guest.o $(P)/preload/sampler.o,$(SAMPLER_OBJS)) \
                $(P)/tests/targets/switched_guest.o
SWITCHED_MAP  = $(P)/tests/targets/switched.map

$(SWITCHED_MAP): preload/libmstat.map
	@mkdir -p $(@D)
	$(Q)sed 's/^global:/&\n\tswitch_sampler;/' $< >$@
$(SWITCHED): $(APP_OBJS) $(SWITCHED_OBJS) $(P)/zstd-static.o $(SWITCHED_MAP)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(subst preload/libmstat.map,$(SWITCHED_MAP),$(PLAIN_LDFLAGS)) -o $@ $(filter %.o,$^)

# ---- tests -----------------------------------------------------------------------------------

UNIT_LIBS = $(ARCHIVES)
$(B)/tests/unit/test_preload_%: UNIT_LIBS = $(P)/sampler.o
$(filter $(B)/tests/unit/test_preload_%,$(UNIT_BINS)): $(P)/sampler.o
$(B)/tests/unit/test_preload_heap $(B)/tests/unit/test_preload_unwind: UNIT_LIBS = $(P)/sampler-heap.o -lm
$(filter %_heap %_unwind,$(filter $(B)/tests/unit/test_preload_%,$(UNIT_BINS))): $(P)/sampler-heap.o

$(UNIT_BINS): $(B)/tests/unit/%: tests/unit/%.c $(B)/flags $(ARCHIVES)
	$(call say,CC,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_CFLAGS) -MF $@.d -o $@ $< $(UNIT_LIBS) $(TOOLS_LDFLAGS) \
	  $(CMOCKA_LIBS) $(ZSTD_LIBS) $(SYSTEMD_LIBS) $(DWARF_LIBS) $(SQLITE_LIBS) -lm

# The programs to be measured are compiled plainly, as other people's are; static_* statically, and
# lib* as preloads that are not ours.
build/tests/targets/static_%: TARGET_LDFLAGS = -static
build/tests/targets/heap_fenv: TARGET_LDFLAGS = -Wl,--no-as-needed -lm
$(addprefix build/tests/targets/,fake_python fake_python12 guest_allow guest_counts heap_own): TARGET_LDFLAGS = -rdynamic
GO_READERS = $(addprefix build/tests/targets/go_,read goroutines signature table) build/tests/bench/go_pace
$(GO_READERS): $(wildcard collector/runtimes/go/*.[ch])
$(GO_READERS): TARGET_LDFLAGS = $(wildcard collector/runtimes/go/*.c) collector/maps.c collector/rootfile.c core/bytes.c $(ZLIB_LIBS) -lelf
build/tests/bench/many: TARGET_LDFLAGS = $(CORE)
build/tests/bench/heap_file build/tests/bench/report_file: TARGET_LDFLAGS = collector/runfile.c $(CORE) $(ZSTD_LIBS)
$(TARGET_SOS): TARGET_LDFLAGS = -shared -fPIC
$(TARGET_BINS): build/%: %.c $(P)/flags
	$(compile_target)
$(TARGET_SOS): build/%.so: %.c $(P)/flags
	$(compile_target)
define compile_target
	$(call say,CC,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -O1 -g -pthread -MF $@.d -o $@ $< $(TARGET_LDFLAGS)
endef

# Some need a library, and find it beside themselves.
BESIDE = -Wl,--no-as-needed -Lbuild/tests/targets -l:$(1) -Wl,--as-needed,-rpath,'$$ORIGIN'
build/tests/targets/heap_early: build/tests/targets/libheap_needed.so
build/tests/targets/heap_early: TARGET_LDFLAGS = $(call BESIDE,libheap_needed.so)

# The newest standard that all compilers in use know: sized and aligned forms of new and delete.
CXX_WARN = $(filter-out -Wmissing-prototypes -Wstrict-prototypes -Werror=missing-prototypes \
             -Werror=strict-prototypes -Werror=implicit-function-declaration \
             -Werror=incompatible-pointer-types -Werror=int-conversion,$(WARN))
$(CXX_SOS): TARGET_LDFLAGS = -shared -fPIC
$(CXX_BINS): build/%: %.cc $(P)/flags
	$(compile_target_cxx)
$(CXX_SOS): build/%.so: %.cc $(P)/flags
	$(compile_target_cxx)
# Linked for addresses that no program has; with the operators of another one; as a library in C.
build/tests/targets/libheap_biased.so: TARGET_LDFLAGS = -shared -fPIC -Wl,-Ttext-segment=0x1000000000000
build/tests/targets/libheap_client.so: build/tests/targets/libheap_header.so
build/tests/targets/libheap_client.so: TARGET_LDFLAGS = -shared -fPIC $(call BESIDE,libheap_header.so)
build/tests/targets/libheap_remote.so: build/tests/targets/libheap_middle.so
build/tests/targets/libheap_remote.so: TARGET_LDFLAGS = -shared -fPIC -nodefaultlibs $(call BESIDE,libheap_middle.so) -lc
define compile_target_cxx
	$(call say,CXX,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=gnu++17 -I. -MMD -MP -MF $@.d $(CXX_WARN) -O1 -g -pthread -o $@ $< $(TARGET_LDFLAGS)
endef

$(COPIES): build/%.so: %.cc $(P)/flags
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) -O1 -g -Wall -Wextra -shared -fPIC -o $@ $<

# FUZZ_RUNS=N      so many inputs for each fuzzer, in place of so many seconds
# FUZZ="FILE..."   these fuzzers
FUZZ_SECONDS = 10
FUZZ_RUNS    =
# Without the long way to each malloc() and free() they are a fourth faster.
FUZZ_ENV     = ASAN_OPTIONS=malloc_context_size=2:quarantine_size_mb=16
FUZZ_CFLAGS  = $(BASE) -g -O1 -pthread $(DEFS) -fno-sanitize-recover=all
FUZZ_OBJS    = $(call object,$(F),$(CORE) $(COLLECTOR) $(TOOLS))

# The sources are compiled for all fuzzers once.
$(FUZZ_OBJS): $(F)/%.o: %.c $(F)/flags
	$(call say,CLANG,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(F)/libfuzzed.a: $(FUZZ_OBJS)
	$(call say,AR,$(@:build/%=%))
	@rm -f $@
	$(Q)$(AR) rcsD $@ $^

$(FUZZ_BINS): build/tests/fuzz/%: tests/fuzz/%.c $(F)/libfuzzed.a
	$(call say,CLANG,$(@:build/%=%))
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -MF $@.d -o $@ $< $(F)/libfuzzed.a \
	  $(ZSTD_LIBS) $(SYSTEMD_LIBS) $(DWARF_LIBS) $(SQLITE_LIBS) -lm

SANITIZED = $(patsubst %.c,build/san-address-undefined/%,\
              $(filter-out tests/unit/test_preload_%,$(UNIT)))

# On all processors, unless a number was asked for.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: check check-unit check-cli check-vm check-viewers test-programs unit-programs fuzz-programs
unit-programs: $(UNIT_BINS)
# Where clang has its fuzzer.
fuzz-programs:
	@+if .ci/can-fuzz $(CLANG); then $(MAKE) --no-print-directory $(JOBS) $(FUZZ_BINS); fi
test-programs: all completions unit-programs $(MAKETABLE) $(TARGET_BINS) $(CXX_BINS) $(TARGET_SOS) $(CXX_SOS) $(COUNTED) $(SWITCHED)
# What few machines have at hand: unified cgroups, systemd; begun first, for they take longest. The other kernels
# and modes take as long as all else.
CHECKED_VMS = tests/vm/v2.sh tests/vm/systemd.sh tests/vm/systemd-grant.sh
check: ## install what the tests need, build, run the tests; ends with "N passed, N failed"
	@.ci/deps build test
	@.ci/deps --try vm
	@+$(MAKE) --no-print-directory $(JOBS) test-programs
	@+$(MAKE) --no-print-directory $(JOBS) SAN=address,undefined unit-programs
	@+$(MAKE) --no-print-directory fuzz-programs
	@tests/run $(CHECKED_VMS) unit $(SANITIZED) cli
check-unit: $(UNIT_BINS) ## the unit tests (SAN=address,undefined works here)
	@tests/run --build $(B) unit
check-cli: test-programs fuzz-programs ## the tests of whole programs
	@tests/run --build $(B) cli
check-vm: test-programs ## the tests in all virtual machines: other kernels, cgroup v1, hybrid, v2, delegation
	@tests/run --build $(B) vm

check-viewers: ## what others show and read: a browser, speedscope, pprof's own tool, promtool, DuckDB
	@.ci/deps build
	@.ci/deps --try viewers
	@+$(MAKE) --no-print-directory $(JOBS) all build/tests/targets/heap_sizes build/tests/bench/report_file
	@tests/run $(wildcard tests/viewers/*.sh) tests/cli/heap_pprof.sh

.PHONY: compat
compat: ## real programs with and without mstat, compared case by case (40 minutes; COMPAT="-quick", or names)
	@.ci/deps build
	@.ci/deps --try compat
	@+$(MAKE) --no-print-directory $(JOBS) all
	@tests/compat/run $(COMPAT)

.PHONY: fuzz bench demo build/demo
fuzz: $(FUZZ_BINS) ## fuzz each reader of foreign bytes for FUZZ_SECONDS (10), or FUZZ_RUNS inputs
	@for f in $(FUZZ_BINS); do \
	  mkdir -p $$f.corpus; seeds=tests/fuzz/$${f##*/}.seeds; \
	  $(FUZZ_ENV) $$f $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$(FUZZ_SECONDS)) \
	    -artifact_prefix=$$f. $$f.corpus $$seeds >$$f.log 2>&1 || { tail -n 40 $$f.log; exit 1; }; \
	  sed -n -e "s,^Done,  FUZZ     $$f:," -e 's/ runs in \(.*\) second(s)/ inputs in \1 s/p' $$f.log; \
	done
bench: ## install what the benchmarks need, build, measure mstat's own cost
	@.ci/deps build test
	@.ci/deps --try bench
	@+$(MAKE) --no-print-directory $(JOBS) test-programs
	@+if command -v $(CXX) >/dev/null; then $(MAKE) --no-print-directory $(COPIES); fi
	@tests/bench/run
demo: ## install what the build needs, build, measure a real program and show the result
	@.ci/deps build
	@+$(MAKE) --no-print-directory $(JOBS) all
	@tests/demo.sh
# The real program of the demonstration: this source tree, compiled once more.
DEMO_OBJS = $(call object,build/demo,$(CORE) $(COLLECTOR) $(TOOLS) $(PROGRAMS:%=tools/%.c))
build/demo: $(DEMO_OBJS)
build/demo/%.o: %.c force
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(TOOLS_CFLAGS)) -c -o $@ $<

# ---- the rest --------------------------------------------------------------------------------

.PHONY: deps layers format format-check install uninstall dist clean help
deps: ## install the Debian packages for building and testing (see debian-packages)
	@.ci/deps build test vm

layers: $(P)/sampler.o $(P)/sampler-heap.o $(LIBRARIES) ## check who uses whom, and what libmstat.so imports and exports
	@NM=$(NM) .ci/check-layers $(call object,$(P),$(CORE))
	@NM=$(NM) .ci/check-guest sampler $(P)/sampler.o
	@NM=$(NM) .ci/check-guest library $(PRELOAD) preload/libmstat.map
	@NM=$(NM) .ci/check-guest sampler $(P)/sampler-heap.o $(UNWIND_WEAK)
	@NM=$(NM) .ci/check-guest library $(PRELOAD_HEAP) preload/heap/libmstat-heap.map

FORMATTED = $(wildcard $(foreach d,core preload preload/heap collector collector/runtimes collector/runtimes/* collector/runtimes/go/tables tools tools/completions tests/unit tests/targets tests/fuzz \
              tests/bench,$(d)/*.[ch])) $(TARGETS_CXX)
format: ## format the sources in place
	$(CLANG_FORMAT) -i $(FORMATTED)
format-check: ## complain about sources that are not formatted
	@bad=0; for f in $(FORMATTED); do \
	  $(CLANG_FORMAT) "$$f" | cmp -s - "$$f" || { echo "$$f: not formatted (make format)"; bad=1; }; \
	done; exit $$bad

MANUALS = $(wildcard man/*.1)
MANUALS_OF_FILES = $(wildcard man/*.5)
INSTALLED = $(notdir $(BINS) $(wildcard $(B)/bin/$(REPORT)))
install: all completions ## install to DESTDIR, PREFIX, BINDIR, LIBDIR, MANDIR, UNITDIR, BASHDIR, ZSHDIR, FISHDIR
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(UNITDIR)
	install -m 755 $(BINS) $(wildcard $(B)/bin/$(REPORT)) $(DESTDIR)$(BINDIR)
	install -m 644 $(LIBRARIES) $(DESTDIR)$(LIBDIR)
	sed 's|@BINDIR@|$(BINDIR)|' collector/mstatd.service >$(DESTDIR)$(UNITDIR)/mstatd.service
	install -m 644 collector/mstatd.socket $(DESTDIR)$(UNITDIR)
	$(if $(MANUALS),install -d $(DESTDIR)$(MANDIR)/man1)
	$(if $(MANUALS),install -m 644 $(MANUALS) $(DESTDIR)$(MANDIR)/man1)
	install -d $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(MANUALS_OF_FILES) $(DESTDIR)$(MANDIR)/man5
	install -d $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	install -m 644 $(INSTALLED:%=$(B)/completions/bash/%) $(DESTDIR)$(BASHDIR)
	install -m 644 $(INSTALLED:%=$(B)/completions/zsh/_%) $(DESTDIR)$(ZSHDIR)
	install -m 644 $(INSTALLED:%=$(B)/completions/fish/%.fish) $(DESTDIR)$(FISHDIR)
uninstall: ## remove what install put there
	rm -f $(patsubst %,$(DESTDIR)$(BINDIR)/%,$(PROGRAMS) $(REPORT)) $(LIBRARIES:build/lib/%=$(DESTDIR)$(LIBDIR)/%)
	rm -f $(DESTDIR)$(UNITDIR)/mstatd.service $(DESTDIR)$(UNITDIR)/mstatd.socket
	rm -f $(MANUALS:man/%=$(DESTDIR)$(MANDIR)/man1/%) $(MANUALS_OF_FILES:man/%=$(DESTDIR)$(MANDIR)/man5/%)
	rm -f $(COMPLETED:%=$(DESTDIR)$(BASHDIR)/%) $(COMPLETED:%=$(DESTDIR)$(ZSHDIR)/_%) \
	  $(COMPLETED:%=$(DESTDIR)$(FISHDIR)/%.fish)

dist: report ## pack the committed sources, and the built page, into build/mstat-VERSION.tar.gz
	git archive --prefix=mstat-$(VERSION)/$(dir $(PAGE_PACKED)) --add-file=$(PAGE) \
	  --prefix=mstat-$(VERSION)/ -o build/mstat-$(VERSION).tar.gz HEAD
clean: ## remove build/ (but not the downloaded VM kernels, which are kept elsewhere)
	rm -rf build
help: ## this list
	@echo 'make [TARGET] [CC= CFLAGS= PREFIX= DESTDIR= SAN=address,undefined DEBUG=1 V=1 LIBUNWIND_SRC=]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

# What the suites of other programs keep there is other people's.
-include $(shell find build \( -path build/compat -o -path build/viewers \) -prune -o -name '*.d' -print 2>/dev/null)
