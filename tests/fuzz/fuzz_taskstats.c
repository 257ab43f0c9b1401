/* SPDX-License-Identifier: ISC */
/* Netlink answers: any bytes. */
#include "core/cgroupstats.h"
#include "core/parse.h"
#include "core/taskstats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken must be in bounds, and the fields' reader must agree that it is readable. */
static void exit_record(const uint8_t *data, size_t size)
{
	struct taskstats_exit end;
	struct record rec;
	int err = taskstats_unpack_exit(data, size, &end);

	if (err > 0)
		__builtin_trap();
	if (err)
		return;
	if (end.len > sizeof(end.bytes) || end.comm[sizeof(end.comm) - 1] ||
	    (!end.tells_group && end.tgid != end.pid))
		__builtin_trap();
	record_init(&rec);
	if (!parse_source(SOURCE_EXIT, end.bytes, end.len, &rec))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record rec;
	uint64_t states[CGROUPSTATS_COUNT];

	if (cgroupstats_unpack(data, size, states) > 1)
		__builtin_trap();
	if (taskstats_unpack_family(data, size) > UINT16_MAX)
		__builtin_trap();
	taskstats_seq(data, size);
	exit_record(data, size);
	if (taskstats_error(data, size) > 0)
		__builtin_trap();
	for (unsigned source = SOURCE_TASKSTATS_PID; source <= SOURCE_COLLECTOR_TGID; source++) {
		int err;

		record_init(&rec);
		err = taskstats_unpack(data, size, source, &rec);
		if ((err == 0) != (rec.reason[source] == REASON_OK) || err > 0)
			__builtin_trap();
	}
	return 0;
}
