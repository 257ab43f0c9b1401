/* SPDX-License-Identifier: ISC */
/*
 * Tells of a heap as HotSpot does: a mapped file of counters (perfMemory.hpp, perfData.hpp).
 *   fake_jvm FOLDER TICKS [z]    FOLDER/hsperfdata_test/PID; so many hundredths of a second; z: as the Z collector
 * It may not be read in the first 0.3 s, has 1 MiB in eden from then on, and 1 MiB more each hundredth. The file of
 * another JVM is mapped, too, below its own, as jstat has it.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 32768u

static uint8_t *file;
static uint32_t end = 32, count;

static void put32(uint32_t at, uint32_t value)
{
	memcpy(file + at, &value, sizeof(value));
}

/* Returns where its value is. */
static uint8_t *add(const char *name, char type, const void *value, uint32_t length)
{
	uint32_t value_at = (20 + (uint32_t)strlen(name) + 1 + 7) & ~7u;
	uint32_t size = (value_at + length + 7) & ~7u;
	uint8_t *at = file + end;

	put32(end, size);
	put32(end + 4, 20);
	put32(end + 8, type == 'B' ? length : 0);
	at[12] = (uint8_t)type;
	put32(end + 16, value_at);
	strcpy((char *)at + 20, name);
	memcpy(at + value_at, value, length);
	end += size;
	count++;
	return at + value_at;
}

static uint8_t *add_long(const char *name, int64_t value)
{
	return add(name, 'J', &value, sizeof(value));
}

/* Returns where eden is. */
static uint8_t *add_young(void)
{
	uint8_t *eden = add_long("sun.gc.generation.0.space.0.used", 1 << 20);

	add_long("sun.gc.generation.0.space.1.used", 4096);
	add_long("sun.gc.generation.0.space.2.used", 8192);
	add_long("sun.gc.generation.0.capacity", (64 << 20) + 24);
	add_long("sun.gc.generation.0.maxCapacity", (256 << 20) + 24);
	add("sun.gc.policy.name", 'B', "GarbageFirst", 13);
	return eden;
}

static uint8_t *add_all(bool is_z)
{
	uint8_t *eden = is_z ? NULL : add_young();

	add_long("sun.gc.generation.1.space.0.used", 5 << 20);
	add_long("sun.gc.generation.1.capacity", (32 << 20) + 8);
	add_long("sun.gc.generation.1.maxCapacity", (256 << 20) + 8);
	add_long("sun.gc.metaspace.used", 12345);
	add_long("sun.gc.metaspace.capacity", 65536);
	for (int i = is_z ? 2 : 0; i < 3; i++) {
		char name[48];

		snprintf(name, sizeof(name), "sun.gc.collector.%d.invocations", i);
		add_long(name, i + 1);
		snprintf(name, sizeof(name), "sun.gc.collector.%d.time", i);
		add_long(name, 1000 * (i + 1));
	}
	add_long("sun.os.hrt.frequency", 1000000);
	add_long("java.threads.live", 17);
	add("java.property.java.vm.name", 'B', "Fake\nVM", 8);
	add("java.property.java.vm.version", 'B', "42.0", 5);
	return eden;
}

/* A new file, mapped; MAP_FAILED where it cannot be. */
static void *map_file(const char *path, int protection)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	void *ret = MAP_FAILED;

	if (fd < 0)
		return ret;
	if (ftruncate(fd, SIZE) == 0)
		ret = mmap(NULL, SIZE, protection, MAP_SHARED, fd, 0);
	close(fd);
	return ret;
}

int main(int argc, char **argv)
{
	static const uint8_t magic[] = {0xca, 0xfe, 0xc0, 0xc0, 1, 2, 0, 0};
	int64_t used = 1 << 20;
	char path[512];
	uint8_t *eden;
	char other[512];

	if (argc < 3)
		return 2;
	snprintf(path, sizeof(path), "%s/hsperfdata_test", argv[1]);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/hsperfdata_test/%d", argv[1], (int)getpid());
	snprintf(other, sizeof(other), "%s/hsperfdata_test/other", argv[1]);
	file = map_file(path, PROT_READ | PROT_WRITE);
	if (file == MAP_FAILED || map_file(other, PROT_READ) == MAP_FAILED)
		return 1;
	eden = add_all(argc > 3);
	put32(8, end);
	put32(24, 32);
	put32(28, count);
	memcpy(file, magic, sizeof(magic));
	for (int ticks = atoi(argv[2]); ticks > 0; ticks--) {
		usleep(10000);
		used += 1 << 20;
		if (eden)
			memcpy(eden, &used, sizeof(used));
		file[7] = ticks < atoi(argv[2]) - 30; /* it may be read */
	}
	unlink(path);
	unlink(other);
	return 0;
}
