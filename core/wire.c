/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "core/wire.h"

void wire_pack_hello(struct bytes_out *out, const struct wire_hello *hello)
{
	bytes_put_varint(out, hello->version);
	bytes_put_varint(out, hello->flags);
	bytes_put_varint(out, hello->pid);
	bytes_put_varint(out, hello->ppid);
	bytes_put_varint(out, hello->start_ticks);
	bytes_put_varint(out, hello->uid);
	bytes_put_varint(out, hello->gid);
	bytes_put_varint(out, hello->freq);
	bytes_put_blob(out, hello->comm, hello->comm_len);
	bytes_put_blob(out, hello->exe, hello->exe_len);
	bytes_put_blob(out, hello->argv, hello->argv_len);
	bytes_put_varint(out, hello->time_ns);
}

static uint32_t get_u32(struct bytes_in *in)
{
	uint64_t v = bytes_get_varint(in);

	if (v > UINT32_MAX)
		in->bad = true;
	return (uint32_t)v;
}

int wire_unpack_hello(struct bytes_in *in, struct wire_hello *ret)
{
	ret->version = get_u32(in);
	if (!in->bad && ret->version != WIRE_VERSION)
		return -EOPNOTSUPP;
	ret->flags = get_u32(in);
	ret->pid = get_u32(in);
	ret->ppid = get_u32(in);
	ret->start_ticks = bytes_get_varint(in);
	ret->uid = get_u32(in);
	ret->gid = get_u32(in);
	ret->freq = get_u32(in);
	ret->comm = (const char *)bytes_get_blob(in, &ret->comm_len);
	ret->exe = (const char *)bytes_get_blob(in, &ret->exe_len);
	ret->argv = (const char *)bytes_get_blob(in, &ret->argv_len);
	ret->time_ns = in->p < in->end ? bytes_get_varint(in) : 0;
	if (in->bad || ret->comm_len > WIRE_COMM_MAX || ret->exe_len > WIRE_EXE_MAX ||
	    ret->argv_len > WIRE_ARGV_MAX)
		return -EBADMSG;
	return 0;
}

/* A block's head: which source, and why it has no value (REASON_OK: fields follow, to a 0). */
static void put_head(struct bytes_out *out, unsigned source, unsigned reason)
{
	bytes_put_varint(out, (source << 4) | reason);
}

/* The fields of the sources that were read, a block for each run of fields of one source. */
static void put_fields(struct bytes_out *out, const struct record *now, const struct record *last)
{
	uint64_t told = 0;
	int source = -1;
	int prev = -1;

	for (unsigned word = 0; word < FIELD_MAX / 64; word++) {
		uint64_t bits = now->present[word] | last->present[word];

		for (; bits; bits &= bits - 1) {
			unsigned field = word * 64 + (unsigned)__builtin_ctzll(bits);
			bool has = record_has(now, field);
			bool had = record_has(last, field);

			if (now->reason[field_source(field)] != REASON_OK)
				continue;
			if (field_source(field) != source) {
				if (source >= 0)
					bytes_put_u8(out, 0);
				source = field_source(field);
				put_head(out, (unsigned)source, REASON_OK);
				told |= (uint64_t)1 << source;
				prev = -1;
			}
			if (has && had && now->value[field] == last->value[field])
				continue;
			bytes_put_varint(out, (uint64_t)((int)field - prev) << 1 | !has);
			prev = (int)field;
			if (has)
				bytes_put_zigzag(
					out, (int64_t)((uint64_t)now->value[field] -
						       (had ? (uint64_t)last->value[field] : 0)));
		}
	}
	if (source >= 0)
		bytes_put_u8(out, 0);
	/* Read, but nothing found in it, now as before: without a block it would be taken as not read. */
	for (unsigned s = 0; s < SOURCE_MAX; s++) {
		if (now->reason[s] == REASON_OK && !(told >> s & 1)) {
			put_head(out, s, REASON_OK);
			bytes_put_u8(out, 0);
		}
	}
}

void wire_pack_sample(struct bytes_out *out, const struct record *now, const struct record *last)
{
	bytes_put_varint(out, now->tick - last->tick);
	bytes_put_varint(out, now->late_us);
	bytes_put_varint(out, now->dropped);
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		if (now->reason[s] != REASON_OK && now->reason[s] != last->reason[s])
			put_head(out, s, now->reason[s]);
	put_fields(out, now, last);
}

void wire_advance(struct record *last, const struct record *now)
{
	last->tick = now->tick;
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		if (now->reason[s] != REASON_OK)
			last->reason[s] = now->reason[s];
	for (unsigned word = 0; word < FIELD_MAX / 64; word++) {
		uint64_t bits = now->present[word] | last->present[word];

		for (; bits; bits &= bits - 1) {
			unsigned field = word * 64 + (unsigned)__builtin_ctzll(bits);

			if (now->reason[field_source(field)] != REASON_OK)
				continue;
			if (record_has(now, field))
				record_set(last, field, now->value[field]);
			else
				record_unset(last, field);
		}
	}
}

void wire_reset(struct record *last)
{
	record_init(last);
}

/* A peer speaks of its own process only: the tree's and the run's fields are not for it to tell. */
static bool is_ours(uint64_t field, uint64_t source)
{
	return field < FIELD_MAX && field_table[field].known &&
	       field_table[field].source == source && source_table[source].scope == SCOPE_PROCESS;
}

/* One block of fields; unknown ones are read and forgotten. */
static void get_block(struct bytes_in *in, uint64_t source, struct record *last)
{
	uint64_t field = (uint64_t)-1;
	uint64_t token;

	while ((token = bytes_get_varint(in)) != 0) {
		int64_t delta = 0;

		field += token >> 1;
		if (field >= UINT16_MAX || token >> 1 == 0)
			in->bad = true;
		if (!(token & 1))
			delta = bytes_get_zigzag(in);
		if (in->bad)
			return;
		if (!is_ours(field, source))
			continue;
		if (token & 1)
			record_unset(last, (unsigned)field);
		else
			record_set(
				last, (unsigned)field,
				(int64_t)((uint64_t)delta + (record_has(last, (unsigned)field)
								     ? (uint64_t)last->value[field]
								     : 0)));
	}
}

/* What was read at this tick: of the running state, the fields of the sources that were. */
static void take_read(struct record *ret, const struct record *last)
{
	for (unsigned word = 0; word < FIELD_MAX / 64; word++) {
		for (uint64_t bits = last->present[word]; bits; bits &= bits - 1) {
			unsigned field = word * 64 + (unsigned)__builtin_ctzll(bits);

			if (ret->reason[field_source(field)] == REASON_OK)
				record_set(ret, field, last->value[field]);
		}
	}
}

int wire_unpack_sample(struct bytes_in *in, enum wire_kind kind, struct record *last,
		       struct record *ret)
{
	if (kind == WIRE_FULL)
		wire_reset(last);
	record_init(ret);
	last->tick += bytes_get_varint(in);
	ret->tick = last->tick;
	ret->late_us = bytes_get_varint(in);
	ret->dropped = bytes_get_varint(in);
	for (unsigned s = 0; s < SOURCE_MAX; s++)
		ret->reason[s] = last->reason[s];
	while (!in->bad && bytes_left(in)) {
		uint64_t head = bytes_get_varint(in);
		uint64_t source = head >> 4;
		uint64_t reason = head & 15;

		if (source < SOURCE_MAX)
			ret->reason[source] =
				(uint8_t)(reason < REASON_MAX ? reason : REASON_UNKNOWN);
		if (reason == REASON_OK)
			get_block(in, source, last);
		else if (source < SOURCE_MAX)
			last->reason[source] = ret->reason[source];
	}
	if (in->bad)
		return -EBADMSG;
	take_read(ret, last);
	return 0;
}
