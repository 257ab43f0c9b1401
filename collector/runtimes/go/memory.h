/* SPDX-License-Identifier: ISC */
/*
 * The memory of a live process, read by process_vm_readv(): many places at once, and all or nothing of them.
 */
#ifndef MSTAT_COLLECTOR_RUNTIMES_GO_MEMORY_H
#define MSTAT_COLLECTOR_RUNTIMES_GO_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Places of one call; the kernel's own limit is 1024. */
#define GO_MEMORY_BATCH 512

struct go_elf;

struct go_memory {
	pid_t pid;
	uint64_t bias; /* between addresses as linked and as loaded */
};

/* Places that are read together, in the order in which they are added. */
struct go_batch {
	const struct go_memory *memory; /* borrowed */
	struct iovec here[GO_MEMORY_BATCH], there[GO_MEMORY_BATCH];
	size_t count, size;
	int err; /* of what has been read already */
};

/*
 * dir is its /proc/PID, elf the program that it runs. Returns 0, -EPERM or -EACCES (it is not ours to be
 * read), -EAGAIN (it is on its way through exec), or another error.
 */
int go_memory_open(pid_t pid, int dir, const struct go_elf *elf, struct go_memory *ret);

/* An address of its own. Returns 0, -EFAULT (not all of it is there), -ESRCH (it has ended), -EPERM. */
int go_memory_read(const struct go_memory *memory, uint64_t address, void *buf, size_t size);

void go_batch_begin(struct go_batch *batch, const struct go_memory *memory);
/* buf must stay until the end. More than one call can take is read at once. */
void go_batch_add(struct go_batch *batch, uint64_t address, void *buf, size_t size);
/* Reads. As go_memory_read(): where it is an error, nothing of what was read is of use. */
int go_batch_end(struct go_batch *batch);

#endif
