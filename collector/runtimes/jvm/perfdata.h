/* SPDX-License-Identifier: ISC */
/*
 * The counters in a hsperfdata file: hotspot/share/runtime/perfMemory.hpp and perfData.hpp. Pure: the bytes are
 * handed in, and believed in nothing.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_JVM_PERFDATA_H
#define MSTAT_COLLECTOR_RUNTIMES_JVM_PERFDATA_H

#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

/* A file is 32 KiB large (-XX:PerfDataMemorySize); of a larger one no more is looked at. */
#define PERFDATA_MAX (1u << 20)

#define PERFDATA_TABLE(COUNTER)                                   \
	COUNTER(EDEN_USED, "sun.gc.generation.0.space.0.used")    \
	COUNTER(FROM_USED, "sun.gc.generation.0.space.1.used")    \
	COUNTER(TO_USED, "sun.gc.generation.0.space.2.used")      \
	COUNTER(OLD_USED, "sun.gc.generation.1.space.0.used")     \
	COUNTER(YOUNG_CAPACITY, "sun.gc.generation.0.capacity")   \
	COUNTER(OLD_CAPACITY, "sun.gc.generation.1.capacity")     \
	COUNTER(YOUNG_MAX, "sun.gc.generation.0.maxCapacity")     \
	COUNTER(OLD_MAX, "sun.gc.generation.1.maxCapacity")       \
	COUNTER(META_USED, "sun.gc.metaspace.used")               \
	COUNTER(META_CAPACITY, "sun.gc.metaspace.capacity")       \
	COUNTER(YOUNG_GCS, "sun.gc.collector.0.invocations")      \
	COUNTER(FULL_GCS, "sun.gc.collector.1.invocations")       \
	COUNTER(CONCURRENT_GCS, "sun.gc.collector.2.invocations") \
	COUNTER(YOUNG_TIME, "sun.gc.collector.0.time")            \
	COUNTER(FULL_TIME, "sun.gc.collector.1.time")             \
	COUNTER(CONCURRENT_TIME, "sun.gc.collector.2.time")       \
	COUNTER(TICKS_A_SECOND, "sun.os.hrt.frequency")           \
	COUNTER(THREADS, "java.threads.live")                     \
	COUNTER(POLICY, "sun.gc.policy.name")                     \
	COUNTER(VM_NAME, "java.property.java.vm.name")            \
	COUNTER(VM_VERSION, "java.property.java.vm.version")

#define PERFDATA_ENUM(token, name) PERFDATA_##token,
enum perfdata_counter { PERFDATA_TABLE(PERFDATA_ENUM) PERFDATA_COUNTERS };
#undef PERFDATA_ENUM

struct perfdata {
	/* Where in the file the value is, and how many bytes it has at most; 0, 0: there is none. */
	uint32_t at[PERFDATA_COUNTERS], size[PERFDATA_COUNTERS];
};

/*
 * Finds the counters. Returns 0; -EAGAIN where the JVM is not done with writing the file; -EBADMSG where it is
 * none; -EOPNOTSUPP where its version is not known.
 */
int perfdata_open(struct perfdata *ret, const uint8_t *data, size_t size);

/* The values in as many bytes of the same file, into the fields of SOURCE_JVM. */
void perfdata_fill(const struct perfdata *counters, const uint8_t *data, struct record *rec);

/* "OpenJDK 64-Bit Server VM 17.0.15+6", printable and cut; text[0] = 0 where it is not told. */
void perfdata_version(const struct perfdata *counters, const uint8_t *data, char *text,
		      size_t size);

#endif
