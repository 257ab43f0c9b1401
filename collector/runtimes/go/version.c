/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/version.h"

/* debug/buildinfo: a header of 32 bytes; then, where a flag says so, a length of up to 10 bytes and the text. */
#define HEADER_SIZE  32
#define FLAGS_AT     15
#define FLAG_INLINE  2
#define POINTER_AT   16
#define NOTES_MAX    4096
#define NOTE_BUILDID 4

static bool has_note(const struct go_elf *elf, const Elf64_Phdr *segment)
{
	uint8_t notes[NOTES_MAX];
	size_t size = segment->p_filesz < NOTES_MAX ? segment->p_filesz : NOTES_MAX;

	if (go_elf_pread(elf, segment->p_offset, notes, size) < 0)
		return false;
	for (size_t at = 0; at + sizeof(Elf64_Nhdr) + 4 <= size;) {
		Elf64_Nhdr note;
		uint64_t step;

		memcpy(&note, notes + at, sizeof(note));
		if (note.n_namesz == 4 && note.n_type == NOTE_BUILDID &&
		    !memcmp(notes + at + sizeof(note), "Go\0", 4))
			return true;
		step = sizeof(note) + (((uint64_t)note.n_namesz + 3) & ~(uint64_t)3) +
		       (((uint64_t)note.n_descsz + 3) & ~(uint64_t)3);
		if (step > size - at)
			return false;
		at += step;
	}
	return false;
}

bool go_version_is_go(const struct go_elf *elf)
{
	static const char *const sections[] = {".go.buildinfo", ".note.go.buildid", ".gopclntab",
					       ".go.module"};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (go_elf_section(elf, sections[i]))
			return true;
	for (size_t i = 0; i < elf->segments_count; i++)
		if (elf->segments[i].p_type == PT_NOTE && has_note(elf, &elf->segments[i]))
			return true;
	return false;
}

/* A text with its length before it, a varint. Returns how long it is, 0 where there is none. */
static size_t inline_text(const uint8_t *from, size_t size, const uint8_t **ret)
{
	uint64_t length = 0;

	for (size_t i = 0; i < 2 && i < size; i++) {
		length |= (uint64_t)(from[i] & 0x7f) << (7 * i);
		*ret = from + i + 1;
		if (!(from[i] & 0x80))
			return length <= size - i - 1 ? length : 0;
	}
	return 0;
}

/* Before 1.18: the address of a Go string, which is an address and a length. */
static size_t far_text(const struct go_elf *elf, const uint8_t *header, uint8_t *buf, size_t size)
{
	uint64_t string, text[2];

	memcpy(&string, header + POINTER_AT, sizeof(string));
	if (go_elf_read(elf, string, text, sizeof(text)) < 0 || text[1] > size ||
	    go_elf_read(elf, text[0], buf, text[1]) < 0)
		return 0;
	return text[1];
}

/* It is shown to people, and may be anything. */
static void copy(const uint8_t *text, size_t length, char *ret)
{
	size_t n = length < GO_VERSION_MAX ? length : GO_VERSION_MAX - 1;

	for (size_t i = 0; i < n; i++)
		ret[i] = isprint(text[i]) ? (char)text[i] : '?';
	ret[n] = '\0';
}

unsigned go_version_minor(const char *version)
{
	const char *at = strstr(version, "go1.");
	unsigned long minor = at ? strtoul(at + 4, NULL, 10) : 0;

	return minor < 1000 ? (unsigned)minor : 0;
}

void go_version_read(const struct go_elf *elf, char *ret_version, unsigned *ret_minor)
{
	const Elf64_Shdr *section = go_elf_section(elf, ".go.buildinfo");
	uint8_t info[HEADER_SIZE + 2 + GO_VERSION_MAX], far[GO_VERSION_MAX];
	const uint8_t *text = far;
	size_t size, length;

	ret_version[0] = '\0';
	*ret_minor = 0;
	if (!section || section->sh_type == SHT_NOBITS || section->sh_size < HEADER_SIZE)
		return;
	size = section->sh_size < sizeof(info) ? section->sh_size : sizeof(info);
	if (go_elf_pread(elf, section->sh_offset, info, size) < 0 ||
	    memcmp(info, "\xff Go buildinf:", 14) != 0)
		return;
	if (info[FLAGS_AT] & FLAG_INLINE)
		length = inline_text(info + HEADER_SIZE, size - HEADER_SIZE, &text);
	else
		length = far_text(elf, info, far, sizeof(far));
	copy(text, length, ret_version);
	*ret_minor = go_version_minor(ret_version);
}
