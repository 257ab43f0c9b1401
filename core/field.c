/* SPDX-License-Identifier: ISC */
#include "core/field.h"

#define SOURCE_ROW(id, token, scope, format, file) [id] = {1, scope, format, file},
const struct source_info source_table[SOURCE_MAX] = {SOURCE_TABLE(SOURCE_ROW)};

#define FIELD_ROW(id, token, source, key, arg, scale, column) \
	[id] = {1, SOURCE_##source, arg, scale, key, column},
const struct field_info field_table[FIELD_MAX] = {FIELD_TABLE(FIELD_ROW)};

#define OWNER(id, token, source, key, arg, scale, column) [id] = SOURCE_##source + 1,
const uint8_t field_owner[FIELD_MAX] = {FIELD_TABLE(OWNER)};

const char reason_table[REASON_MAX][12] = {
	[REASON_OK] = "ok",	    [REASON_NOT_DUE] = "not_due", [REASON_STALL] = "stall",
	[REASON_DENIED] = "denied", [REASON_ABSENT] = "absent",	  [REASON_FAILED] = "failed",
	[REASON_STALE] = "stale",   [REASON_UNKNOWN] = "unknown", [REASON_THREADS] = "threads",
};
