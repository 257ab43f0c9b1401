/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "core/rows.h"

/* A length of up to 28 bits as a varint of exactly this many bytes. */
#define LENGTH_BYTES 4

const char event_table[EVENT_MAX][8] = {
	[EVENT_START] = "start", [EVENT_EXEC] = "exec", [EVENT_END] = "end",
	[EVENT_GAP] = "gap",	 [EVENT_OOM] = "oom",	[EVENT_REFUSED] = "refused",
	[EVENT_NOTE] = "note",	 [EVENT_MARK] = "mark",
};

uint8_t *rows_begin(struct bytes_out *out, enum section kind)
{
	uint8_t *at;

	bytes_put_varint(out, kind);
	at = out->p;
	for (int i = 0; i < LENGTH_BYTES; i++)
		bytes_put_u8(out, 0);
	return at;
}

void rows_end(struct bytes_out *out, uint8_t *length_at)
{
	size_t len;

	if (out->full)
		return;
	len = (size_t)(out->p - length_at) - LENGTH_BYTES;
	if (len >> (7 * LENGTH_BYTES)) {
		out->full = true;
		return;
	}
	for (int i = 0; i < LENGTH_BYTES; i++, len >>= 7)
		length_at[i] = (uint8_t)((len & 0x7f) | (i < LENGTH_BYTES - 1 ? 0x80 : 0));
}

bool rows_next_section(struct bytes_in *in, uint64_t *ret_kind, struct bytes_in *ret_content)
{
	size_t len;

	if (in->bad || !bytes_left(in))
		return false;
	*ret_kind = bytes_get_varint(in);
	ret_content->p = bytes_get_blob(in, &len);
	ret_content->bad = false;
	if (in->bad)
		return false;
	ret_content->end = ret_content->p + len;
	return true;
}

static size_t text_len(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static void put_text(struct bytes_out *out, const char *text)
{
	bytes_put_blob(out, text, text_len(text));
}

static void pack_sources(struct bytes_out *out)
{
	uint8_t *at = rows_begin(out, SECTION_SOURCES);

	for (unsigned i = 0; i < SOURCE_MAX; i++) {
		if (!source_table[i].known)
			continue;
		bytes_put_varint(out, i);
		bytes_put_varint(out, source_table[i].scope);
		put_text(out, source_table[i].file);
	}
	rows_end(out, at);
}

static void pack_fields(struct bytes_out *out)
{
	uint8_t *at = rows_begin(out, SECTION_FIELDS);

	for (unsigned i = 0; i < FIELD_MAX; i++) {
		if (!field_table[i].known)
			continue;
		bytes_put_varint(out, i);
		bytes_put_varint(out, field_table[i].source);
		bytes_put_varint(out, field_table[i].scale);
		put_text(out, field_table[i].key);
		put_text(out, field_table[i].column);
	}
	rows_end(out, at);
}

void rows_pack_tables(struct bytes_out *out)
{
	uint8_t *at;

	pack_sources(out);
	pack_fields(out);
	at = rows_begin(out, SECTION_REASONS);
	for (unsigned i = 0; i < REASON_MAX; i++)
		put_text(out, reason_table[i]);
	rows_end(out, at);
}

void rows_pack_process(struct bytes_out *out, const struct rows_process *process)
{
	uint8_t *at = rows_begin(out, SECTION_PROCESS);

	bytes_put_varint(out, process->id);
	bytes_put_varint(out, process->pid);
	bytes_put_varint(out, process->ppid);
	bytes_put_varint(out, process->start_ticks);
	bytes_put_varint(out, process->uid);
	bytes_put_varint(out, process->gid);
	bytes_put_varint(out, process->first_ns);
	bytes_put_varint(out, process->last_ns);
	bytes_put_varint(out, process->ended);
	bytes_put_varint(out, process->samples);
	bytes_put_varint(out, process->dropped);
	bytes_put_blob(out, process->comm, process->comm_len);
	bytes_put_blob(out, process->exe, process->exe_len);
	bytes_put_blob(out, process->argv, process->argv_len);
	bytes_put_blob(out, process->how, process->how_len);
	rows_end(out, at);
}

int rows_unpack_process(struct bytes_in *in, struct rows_process *ret)
{
	ret->id = bytes_get_varint(in);
	ret->pid = bytes_get_varint(in);
	ret->ppid = bytes_get_varint(in);
	ret->start_ticks = bytes_get_varint(in);
	ret->uid = bytes_get_varint(in);
	ret->gid = bytes_get_varint(in);
	ret->first_ns = bytes_get_varint(in);
	ret->last_ns = bytes_get_varint(in);
	ret->ended = bytes_get_varint(in);
	ret->samples = bytes_get_varint(in);
	ret->dropped = bytes_get_varint(in);
	ret->comm = (const char *)bytes_get_blob(in, &ret->comm_len);
	ret->exe = (const char *)bytes_get_blob(in, &ret->exe_len);
	ret->argv = (const char *)bytes_get_blob(in, &ret->argv_len);
	ret->how = (const char *)bytes_get_blob(in, &ret->how_len);
	return in->bad ? -EBADMSG : 0;
}

void rows_pack_event(struct bytes_out *out, const struct rows_event *event)
{
	uint8_t *at = rows_begin(out, SECTION_EVENT);

	bytes_put_varint(out, event->time_ns);
	bytes_put_varint(out, event->kind);
	bytes_put_varint(out, event->process);
	bytes_put_zigzag(out, event->number);
	bytes_put_blob(out, event->text, event->text_len);
	rows_end(out, at);
}

int rows_unpack_event(struct bytes_in *in, struct rows_event *ret)
{
	ret->time_ns = bytes_get_varint(in);
	ret->kind = bytes_get_varint(in);
	ret->process = bytes_get_varint(in);
	ret->number = bytes_get_zigzag(in);
	ret->text = (const char *)bytes_get_blob(in, &ret->text_len);
	return in->bad ? -EBADMSG : 0;
}

void rows_pack_holders(struct bytes_out *out, const struct rows_holder *holder, size_t n)
{
	uint8_t *at = rows_begin(out, SECTION_HOLDERS);

	bytes_put_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		bytes_put_varint(out, holder[i].id);
		bytes_put_varint(out, holder[i].pid);
		bytes_put_blob(out, holder[i].comm, holder[i].comm_len);
		bytes_put_zigzag(out, holder[i].rss_anon);
		bytes_put_zigzag(out, holder[i].rss_shmem);
		bytes_put_u8(out, holder[i].has_pss);
		bytes_put_zigzag(out, holder[i].pss);
		bytes_put_varint(out, holder[i].pss_age_ns);
	}
	rows_end(out, at);
}

static void unpack_holder(struct bytes_in *in, struct rows_holder *ret)
{
	const uint8_t *comm;

	ret->id = bytes_get_varint(in);
	ret->pid = bytes_get_varint(in);
	comm = bytes_get_blob(in, &ret->comm_len);
	if (ret->comm_len > sizeof(ret->comm))
		in->bad = true;
	for (size_t i = 0; !in->bad && i < ret->comm_len; i++)
		ret->comm[i] = (char)comm[i];
	ret->rss_anon = bytes_get_zigzag(in);
	ret->rss_shmem = bytes_get_zigzag(in);
	ret->has_pss = bytes_get_u8(in) != 0;
	ret->pss = bytes_get_zigzag(in);
	ret->pss_age_ns = bytes_get_varint(in);
}

int rows_unpack_holders(struct bytes_in *in, struct rows_holder *ret)
{
	uint64_t n = bytes_get_varint(in);

	if (in->bad || n > ROWS_HOLDERS_MAX)
		return -EBADMSG;
	for (uint64_t i = 0; i < n; i++)
		unpack_holder(in, &ret[i]);
	return in->bad ? -EBADMSG : (int)n;
}

void rows_pack_heap(struct bytes_out *out, uint64_t id, enum wire_kind kind, const uint8_t *body,
		    size_t len)
{
	uint8_t *at = rows_begin(out, SECTION_HEAP);

	bytes_put_varint(out, id);
	bytes_put_u8(out, (uint8_t)kind);
	bytes_put_raw(out, body, len);
	rows_end(out, at);
}

int rows_unpack_heap(struct bytes_in *in, uint64_t *ret_id, uint8_t *ret_kind)
{
	*ret_id = bytes_get_varint(in);
	*ret_kind = bytes_get_u8(in);
	return in->bad ? -EBADMSG : 0;
}

void rows_pack_phase(struct bytes_out *out, const struct rows_phase *phase)
{
	uint8_t *at = rows_begin(out, SECTION_PHASE);

	bytes_put_varint(out, phase->number);
	bytes_put_varint(out, phase->start_ns);
	bytes_put_varint(out, phase->end_ns);
	bytes_put_varint(out, phase->known);
	bytes_put_zigzag(out, phase->peak_exact);
	bytes_put_zigzag(out, phase->peak_sampled);
	bytes_put_varint(out, phase->peak_ns);
	bytes_put_blob(out, phase->name, phase->name_len);
	rows_end(out, at);
}

int rows_unpack_phase(struct bytes_in *in, struct rows_phase *ret)
{
	ret->number = bytes_get_varint(in);
	ret->start_ns = bytes_get_varint(in);
	ret->end_ns = bytes_get_varint(in);
	ret->known = bytes_get_varint(in);
	ret->peak_exact = bytes_get_zigzag(in);
	ret->peak_sampled = bytes_get_zigzag(in);
	ret->peak_ns = bytes_get_varint(in);
	ret->name = (const char *)bytes_get_blob(in, &ret->name_len);
	return in->bad ? -EBADMSG : 0;
}

static void pack_heads(struct bytes_out *out, const struct record *const *rows, size_t n)
{
	uint64_t tick = 0;

	for (size_t i = 0; i < n; i++) {
		bytes_put_varint(out, rows[i]->tick - tick);
		tick = rows[i]->tick;
	}
	for (size_t i = 0; i < n; i++)
		bytes_put_varint(out, rows[i]->late_us);
	for (size_t i = 0; i < n; i++)
		bytes_put_varint(out, rows[i]->dropped);
}

/* A source's reasons as runs: reason, how many. */
static void pack_reasons(struct bytes_out *out, unsigned source, const struct record *const *rows,
			 size_t n)
{
	bytes_put_varint(out, source + 1);
	for (size_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n; run++)
			if (rows[i + run]->reason[source] != rows[i]->reason[source])
				break;
		bytes_put_varint(out, rows[i]->reason[source]);
		bytes_put_varint(out, run);
	}
}

static void pack_sources_used(struct bytes_out *out, const struct record *const *rows, size_t n)
{
	for (unsigned source = 0; source < SOURCE_MAX; source++) {
		bool told = false;

		for (size_t i = 0; i < n && !told; i++)
			told = rows[i]->reason[source] != REASON_UNKNOWN;
		if (source_table[source].known && told)
			pack_reasons(out, source, rows, n);
	}
	bytes_put_varint(out, 0);
}

/*
 * How many low bits are zero in all differences of a column: values come in pages, or in KiB that
 * are pages, and a varint would carry those bits along.
 */
static unsigned common_shift(unsigned field, const struct record *const *rows, size_t n)
{
	uint64_t bits = 0;
	uint64_t last = 0;

	for (size_t i = 0; i < n; i++) {
		if (!record_has(rows[i], field))
			continue;
		bits |= (uint64_t)rows[i]->value[field] - last;
		last = (uint64_t)rows[i]->value[field];
	}
	return bits ? (unsigned)__builtin_ctzll(bits) : 0;
}

static void pack_column(struct bytes_out *out, unsigned field, const struct record *const *rows,
			size_t n, size_t count)
{
	unsigned shift = common_shift(field, rows, n);
	uint64_t last = 0;

	bytes_put_varint(out, field + 1);
	bytes_put_u8(out, (uint8_t)(shift << 1 | (count < n)));
	for (size_t i = 0; count < n && i < n; i += 8) {
		uint8_t bits = 0;

		for (size_t b = 0; b < 8 && i + b < n; b++)
			bits |= (uint8_t)(record_has(rows[i + b], field) << b);
		bytes_put_u8(out, bits);
	}
	for (size_t i = 0; i < n; i++) {
		if (!record_has(rows[i], field))
			continue;
		/* Arithmetic shift: no bit is lost, and the sign is kept. */
		bytes_put_zigzag(out, (int64_t)((uint64_t)rows[i]->value[field] - last) >> shift);
		last = (uint64_t)rows[i]->value[field];
	}
}

void rows_pack(struct bytes_out *out, enum section kind, uint64_t subject,
	       const struct record *const *rows, size_t n)
{
	uint8_t *at = rows_begin(out, kind);

	bytes_put_varint(out, subject);
	bytes_put_varint(out, n);
	pack_heads(out, rows, n);
	pack_sources_used(out, rows, n);
	for (unsigned field = 0; field < FIELD_MAX; field++) {
		size_t count = 0;

		for (size_t i = 0; i < n; i++)
			count += record_has(rows[i], field);
		if (count)
			pack_column(out, field, rows, n, count);
	}
	bytes_put_varint(out, 0);
	rows_end(out, at);
}

int rows_open(struct bytes_in *in, uint64_t *ret_subject, size_t *ret_n)
{
	uint64_t n;

	*ret_subject = bytes_get_varint(in);
	n = bytes_get_varint(in);
	if (in->bad || n == 0 || n > ROWS_MAX)
		return -EBADMSG;
	*ret_n = (size_t)n;
	return 0;
}

int rows_get_heads(struct bytes_in *in, size_t n, uint64_t *ret_tick, uint64_t *ret_late_us,
		   uint64_t *ret_dropped)
{
	uint64_t tick = 0;

	for (size_t i = 0; i < n; i++)
		ret_tick[i] = tick += bytes_get_varint(in);
	for (size_t i = 0; i < n; i++)
		ret_late_us[i] = bytes_get_varint(in);
	for (size_t i = 0; i < n; i++)
		ret_dropped[i] = bytes_get_varint(in);
	return in->bad ? -EBADMSG : 0;
}

int rows_next_source(struct bytes_in *in, size_t n, uint64_t *ret_source, uint8_t *ret_reason)
{
	uint64_t source = bytes_get_varint(in);

	if (in->bad)
		return -EBADMSG;
	if (source == 0)
		return 0;
	*ret_source = source - 1;
	for (size_t i = 0; i < n;) {
		uint64_t reason = bytes_get_varint(in);
		uint64_t run = bytes_get_varint(in);

		if (in->bad || run == 0 || run > n - i || reason > UINT8_MAX)
			return -EBADMSG;
		for (; run; run--)
			ret_reason[i++] = (uint8_t)reason;
	}
	return 1;
}

int rows_next_id(struct bytes_in *in, uint64_t *ret_field)
{
	uint64_t field = bytes_get_varint(in);

	if (in->bad)
		return -EBADMSG;
	*ret_field = field - 1;
	return field != 0;
}

/* Returns how many of n have a value, or -EBADMSG. */
static int get_present(struct bytes_in *in, size_t n, bool sparse, uint8_t *ret_present)
{
	int count = 0;

	if (!sparse) {
		__builtin_memset(ret_present, 1, n);
		return (int)n;
	}
	for (size_t i = 0; i < n; i += 8) {
		uint8_t bits = bytes_get_u8(in);

		for (size_t b = 0; b < 8 && i + b < n; b++)
			count += ret_present[i + b] = bits >> b & 1;
	}
	return in->bad ? -EBADMSG : count;
}

int rows_get_values(struct bytes_in *in, size_t n, uint8_t *ret_present, int64_t *ret_value)
{
	uint8_t mode = bytes_get_u8(in);
	uint64_t last = 0;

	if (mode >> 1 > 63 || get_present(in, n, mode & 1, ret_present) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		ret_value[i] = 0;
		if (!ret_present[i])
			continue;
		last += (uint64_t)bytes_get_zigzag(in) << (mode >> 1);
		ret_value[i] = (int64_t)last;
	}
	return in->bad ? -EBADMSG : 0;
}

int rows_pass_values(struct bytes_in *in, size_t n)
{
	uint8_t mode = bytes_get_u8(in);
	uint8_t present[ROWS_MAX];
	int count = n > ROWS_MAX ? -EBADMSG : get_present(in, n, mode & 1, present);

	for (; count > 0; count--)
		bytes_get_varint(in);
	return count < 0 || mode >> 1 > 63 || in->bad ? -EBADMSG : 0;
}

int rows_next_field(struct bytes_in *in, size_t n, uint64_t *ret_field, uint8_t *ret_present,
		    int64_t *ret_value)
{
	int more = rows_next_id(in, ret_field);

	if (more > 0 && rows_get_values(in, n, ret_present, ret_value) < 0)
		return -EBADMSG;
	return more;
}
