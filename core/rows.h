/* SPDX-License-Identifier: ISC */
/*
 * The sections of a run file's blocks, and rows of records by column; FORMAT.md has the bytes.
 *
 * A section is a varint kind, a varint length and that many bytes. Readers skip unknown kinds.
 */
#ifndef MSTAT_CORE_ROWS_H
#define MSTAT_CORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes.h"
#include "core/record.h"
#include "core/wire.h"

#define ROWS_FORMAT_VERSION 1

/* The magic number of the skippable zstd frames that hold the header and the index (RFC 8878). */
#define ROWS_SKIPPABLE_MAGIC 0x184D2A56u
/* The first bytes of the header's content. */
#define ROWS_HEADER_MAGIC     "mstat\r\n\x1a"
#define ROWS_HEADER_MAGIC_LEN 8

/* No block is longer, decompressed; a reader refuses more. */
#define ROWS_BLOCK_MAX (8u << 20)
/* No header is longer; an index may be as long as a block. */
#define ROWS_HEADER_MAX (1u << 20)
/* No section of rows holds more. */
#define ROWS_MAX 4096

enum section {
	SECTION_INFO = 1,     /* header: name and value, text */
	SECTION_SOURCES = 2,  /* header: the table of sources */
	SECTION_FIELDS = 3,   /* header: the table of fields */
	SECTION_REASONS = 4,  /* header: the names of the reasons */
	SECTION_PROCESS = 5,  /* block: who a process is */
	SECTION_ROWS = 6,     /* block: records of one subject */
	SECTION_EVENT = 7,    /* block: something that happened */
	SECTION_SUMMARY = 8,  /* block: rows again: the run so far, the last one counts */
	SECTION_LIFE = 12,    /* block: rows again: a process's whole life; what is new counts */
	SECTION_HOLDERS = 13, /* block: who held what at the peak; the last one counts */
	SECTION_PACKED = 10,  /* header: more sections (none PACKED), in a zstd frame */
	SECTION_INDEX = 9,    /* index: where the blocks are; the mark of a finished file */
	SECTION_PHASE = 11,   /* block: what lies between two marks */
	SECTION_HEAP = 14,    /* block: a process's message of heapwire.h, as it came */
};

/* What happened, and the meaning of an event's number and text. Part of the run file. */
enum event {
	EVENT_START = 1,   /* a process was first heard of; text: comm, and how it is measured */
	EVENT_EXEC = 2,	   /* the process runs another program now */
	EVENT_END = 3,	   /* the sampler's connection ended */
	EVENT_GAP = 4,	   /* no sampling for that many ns: suspend, freeze or overload (text) */
	EVENT_OOM = 5,	   /* the cgroup's oom_kill counter went up by that many */
	EVENT_REFUSED = 6, /* a peer was not admitted; number: its pid, text: why */
	EVENT_NOTE = 7,	   /* mstat's own remark, in text */
	EVENT_MARK = 8,	   /* the program's own remark; number: from 1, text: what it wrote */
};
#define EVENT_MAX 9
extern const char event_table[EVENT_MAX][8];

/* A process of the run; strings borrowed. id counts from 1, 0 is the tree. */
struct rows_process {
	uint64_t id;
	uint64_t pid, ppid;   /* as the collector sees them; ppid 0: not known */
	uint64_t start_ticks; /* clock ticks since boot; with pid it names the process for good */
	uint64_t uid, gid;
	uint64_t first_ns; /* when it was first heard of, ns since the run's start */
	uint64_t last_ns;  /* when it was last heard of; the newest section of an id counts */
	uint64_t ended;	   /* 1: its connection has ended */
	uint64_t samples, dropped;
	const char *comm, *exe, *argv, *how;
	size_t comm_len, exe_len, argv_len, how_len;
};

struct rows_event {
	uint64_t time_ns; /* since the run's start */
	uint64_t kind;	  /* enum event */
	uint64_t process; /* id, 0: the tree */
	int64_t number;
	const char *text; /* borrowed */
	size_t text_len;
};

/* One of the largest processes at the peak. Sizes in KiB, as the kernel tells them. */
struct rows_holder {
	uint64_t id;
	int64_t rss_anon, rss_shmem;
	bool has_pss;
	int64_t pss;
	uint64_t pss_age_ns; /* how long before the peak it was read */
	uint64_t pid;
	char comm[16];
	size_t comm_len;
};
#define ROWS_HOLDERS_MAX 10
/* A phase of the run, which lasts from one mark (or the run's start) to the next (or its end). */
struct rows_phase {
	uint64_t number; /* from 1 */
	uint64_t start_ns, end_ns;
	uint64_t known;	      /* bit 0: peak_exact is, bit 1: peak_sampled and peak_ns are */
	int64_t peak_exact;   /* bytes, by the kernel */
	int64_t peak_sampled; /* bytes, of the ticks' rows */
	uint64_t peak_ns;     /* when that was */
	const char *name;     /* of the mark that began it; borrowed */
	size_t name_len;
};
#define ROWS_PHASE_EXACT   1u
#define ROWS_PHASE_SAMPLED 2u

/*
 * Begins a section and ends it: the length is written in four bytes (a padded varint) when it is
 * known. Returns where the length stands, to be given to rows_end.
 */
uint8_t *rows_begin(struct bytes_out *out, enum section kind);
void rows_end(struct bytes_out *out, uint8_t *length_at);

/* The next section's kind and content; false at the end, or with in->bad set. */
bool rows_next_section(struct bytes_in *in, uint64_t *ret_kind, struct bytes_in *ret_content);

void rows_pack_tables(struct bytes_out *out); /* SOURCES, FIELDS and REASONS sections */
void rows_pack_process(struct bytes_out *out, const struct rows_process *process);
void rows_pack_event(struct bytes_out *out, const struct rows_event *event);
void rows_pack_phase(struct bytes_out *out, const struct rows_phase *phase);
/* The body of a message of that kind, which process id has sent. */
void rows_pack_heap(struct bytes_out *out, uint64_t id, enum wire_kind kind, const uint8_t *body,
		    size_t len);
/* n: at most ROWS_HOLDERS_MAX. */
void rows_pack_holders(struct bytes_out *out, const struct rows_holder *holder, size_t n);
/* A ROWS, SUMMARY or LIFE section of n (1 to ROWS_MAX) records, their ticks in ascending order. */
void rows_pack(struct bytes_out *out, enum section kind, uint64_t subject,
	       const struct record *const *rows, size_t n);

/* 0 or -EBADMSG; strings are borrowed from the input. */
int rows_unpack_process(struct bytes_in *in, struct rows_process *ret);
int rows_unpack_event(struct bytes_in *in, struct rows_event *ret);
/* ret has room for ROWS_HOLDERS_MAX. Returns how many there are, or -EBADMSG. */
int rows_unpack_holders(struct bytes_in *in, struct rows_holder *ret);
int rows_unpack_phase(struct bytes_in *in, struct rows_phase *ret);
/* What is left of the input is the body, which nobody has looked into yet. */
int rows_unpack_heap(struct bytes_in *in, uint64_t *ret_id, uint8_t *ret_kind);

/*
 * Reading rows column by column: rows_open, the three head columns, then any number of sources
 * and, after them, of fields. Arrays are the caller's, with room for `n` of rows_open.
 */
int rows_open(struct bytes_in *in, uint64_t *ret_subject, size_t *ret_n);
int rows_get_heads(struct bytes_in *in, size_t n, uint64_t *ret_tick, uint64_t *ret_late_us,
		   uint64_t *ret_dropped);
/* 1 and the reasons of the next source, 0 when there are no more, -EBADMSG. */
int rows_next_source(struct bytes_in *in, size_t n, uint64_t *ret_source, uint8_t *ret_reason);
/* 1 and the values of the next field (present 0: no value), 0 when there are no more, -EBADMSG. */
int rows_next_field(struct bytes_in *in, size_t n, uint64_t *ret_field, uint8_t *ret_present,
		    int64_t *ret_value);
/* The same in two steps, for who wants some fields alone: first which it is, then its values or past them. */
int rows_next_id(struct bytes_in *in, uint64_t *ret_field);
int rows_get_values(struct bytes_in *in, size_t n, uint8_t *ret_present, int64_t *ret_value);
int rows_pass_values(struct bytes_in *in, size_t n);

#endif
