/* SPDX-License-Identifier: ISC */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "collector/runtimes/go/elf.h"
#include "collector/runtimes/go/memory.h"

/* The kernel has some twenty entries. */
#define AUXV_MAX 128

/* Where the program begins, as the kernel told it. */
static int read_entry(int dir, uint64_t *ret)
{
	Elf64_auxv_t auxv[AUXV_MAX];
	int fd = openat(dir, "auxv", O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err = -errno;

	if (fd < 0)
		return err;
	n = read(fd, auxv, sizeof(auxv));
	err = n < 0 ? -errno : -EAGAIN;
	close(fd);
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(*auxv) && auxv[i].a_type != AT_NULL; i++)
		if (auxv[i].a_type == AT_ENTRY) {
			*ret = auxv[i].a_un.a_val;
			return 0;
		}
	return err;
}

int go_memory_open(pid_t pid, int dir, const struct go_elf *elf, struct go_memory *ret)
{
	uint64_t entry;
	int err;

	*ret = (struct go_memory){.pid = pid};
	if (!elf->is_pie)
		return 0;
	err = read_entry(dir, &entry);
	if (err < 0)
		return err;
	ret->bias = entry - elf->entry;
	return ret->bias & 0xfff ? -EAGAIN : 0;
}

int go_memory_read(const struct go_memory *memory, uint64_t address, void *buf, size_t size)
{
	struct iovec here = {buf, size};
	struct iovec there = {(void *)(uintptr_t)address, size};
	ssize_t n = process_vm_readv(memory->pid, &here, 1, &there, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EFAULT;
}

void go_batch_begin(struct go_batch *batch, const struct go_memory *memory)
{
	batch->memory = memory;
	batch->count = 0;
	batch->size = 0;
	batch->err = 0;
}

int go_batch_end(struct go_batch *batch)
{
	ssize_t n;

	if (batch->err < 0 || batch->count == 0)
		return batch->err;
	n = process_vm_readv(batch->memory->pid, batch->here, batch->count, batch->there,
			     batch->count, 0);
	if (n < 0)
		batch->err = -errno;
	else if ((size_t)n != batch->size)
		batch->err = -EFAULT;
	batch->count = 0;
	batch->size = 0;
	return batch->err;
}

void go_batch_add(struct go_batch *batch, uint64_t address, void *buf, size_t size)
{
	if (batch->count == GO_MEMORY_BATCH)
		go_batch_end(batch);
	if (batch->err < 0)
		return;
	batch->here[batch->count] = (struct iovec){buf, size};
	batch->there[batch->count] = (struct iovec){(void *)(uintptr_t)address, size};
	batch->count++;
	batch->size += size;
}
