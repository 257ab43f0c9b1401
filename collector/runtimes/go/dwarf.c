/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "collector/runtimes/go/die.h"
#include "collector/runtimes/go/dwarf.h"

/* The package's own, and one for each of its files of assembler: some ten. */
#define UNITS_MAX 256
/* Names of names, arrays of arrays. */
#define HOPS_MAX 8
/* No structure of the runtime's is larger. */
#define OFFSET_MAX (1u << 26)

struct search {
	struct go_dies dies;
	struct go_unit units[UNITS_MAX]; /* named "runtime" */
	size_t units_count;
	uint64_t structs[GO_STRUCTS]; /* 0: not found yet */
	size_t structs_found, globals_found;
	struct go_layout *layout; /* borrowed */
};

#define GO_NAME(name, text)	       text,
#define GO_MEMBER_PATH(name, in, path) {GO_STRUCT_##in, path},

static const char *const struct_names[] = {GO_STRUCT_LIST(GO_NAME)};
static const char *const global_names[] = {GO_GLOBAL_LIST(GO_NAME)};
static const struct {
	enum go_struct within;
	const char *path;
} members[] = {GO_MEMBER_LIST(GO_MEMBER_PATH)};

static bool is_complete(const struct search *s)
{
	return s->structs_found == GO_STRUCTS && s->globals_found == GO_GLOBALS;
}

static void note_struct(struct search *s, const struct go_die *die, const char *name)
{
	for (size_t i = 0; i < GO_STRUCTS; i++)
		if (s->structs[i] == 0 && !strcmp(name, struct_names[i])) {
			s->structs[i] = die->offset;
			s->structs_found++;
			return;
		}
}

static void note_global(struct search *s, const struct go_die *die, const char *name)
{
	for (size_t i = 0; i < GO_GLOBALS; i++)
		if (s->layout->global[i] == 0 && die->address != 0 &&
		    !strcmp(name, global_names[i])) {
			s->layout->global[i] = die->address;
			s->globals_found++;
			return;
		}
}

/* All entries right below the unit's. */
static int scan_unit(struct search *s, const struct go_unit *unit, const struct go_die *root)
{
	unsigned depth = 1;
	struct go_die die;

	if (!root->has_children)
		return 0;
	for (uint64_t at = root->next; at < unit->end && !is_complete(s); at = die.next) {
		int err = go_dies_read(&s->dies, unit, at, &die);

		if (err < 0)
			return err;
		if (depth == 1 && die.tag == GO_TAG_STRUCT && die.has_children)
			note_struct(s, &die, go_dies_name(&s->dies, &die));
		if (depth == 1 && die.tag == GO_TAG_VARIABLE)
			note_global(s, &die, go_dies_name(&s->dies, &die));
		if (die.has_children)
			depth++;
		else if (die.tag == GO_TAG_END && --depth == 0)
			return 0;
	}
	return 0;
}

static int scan(struct search *s)
{
	struct go_unit unit;
	struct go_die root;
	int err;

	for (uint64_t at = 0; !is_complete(s); at = unit.end) {
		err = go_dies_unit(&s->dies, at, &unit);
		if (err == -ENOENT)
			return 0;
		if (err < 0)
			return err;
		/* One that cannot be read is another language's. */
		if (go_dies_read(&s->dies, &unit, unit.dies, &root) < 0 ||
		    root.tag != GO_TAG_UNIT ||
		    strcmp(go_dies_name(&s->dies, &root), "runtime") != 0)
			continue;
		if (s->units_count == UNITS_MAX)
			return -EBADMSG;
		s->units[s->units_count++] = unit;
		err = scan_unit(s, &unit, &root);
		if (err < 0)
			return err;
	}
	return 0;
}

/* ---- members --------------------------------------------------------------------------------- */

/* The entry at an offset, and the unit that it is in. */
static bool read_at(struct search *s, uint64_t offset, struct go_unit *ret_unit, struct go_die *ret)
{
	for (size_t i = 0; i < s->units_count; i++)
		if (offset >= s->units[i].dies && offset < s->units[i].end) {
			*ret_unit = s->units[i];
			return go_dies_read(&s->dies, ret_unit, offset, ret) == 0;
		}
	return false;
}

/* What a type is, by whatever names; with `into_arrays`, what its elements are. */
static bool read_type(struct search *s, uint64_t offset, bool into_arrays, struct go_unit *ret_unit,
		      struct go_die *ret)
{
	for (unsigned i = 0; i < HOPS_MAX; i++) {
		if (offset == 0 || !read_at(s, offset, ret_unit, ret))
			return false;
		if (ret->tag != GO_TAG_TYPEDEF && !(into_arrays && ret->tag == GO_TAG_ARRAY))
			return true;
		offset = ret->type;
	}
	return false;
}

static bool find_member(struct search *s, uint64_t offset, const char *name, size_t len,
			struct go_die *ret)
{
	struct go_unit unit;
	struct go_die die;

	if (!read_type(s, offset, true, &unit, &die) || die.tag != GO_TAG_STRUCT ||
	    !die.has_children)
		return false;
	for (uint64_t at = die.next; at < unit.end; at = ret->next) {
		const char *have;

		if (go_dies_read(&s->dies, &unit, at, ret) < 0 || ret->tag != GO_TAG_MEMBER)
			return false;
		have = go_dies_name(&s->dies, ret);
		if (!strncmp(have, name, len) && have[len] == '\0')
			return ret->has_within && !ret->has_children;
	}
	return false;
}

static bool resolve(struct search *s, uint64_t offset, const char *path, uint64_t *ret)
{
	struct go_unit unit;
	struct go_die die;

	*ret = 0;
	while (*path && *path != '#') {
		size_t len = strcspn(path, ".#");

		if (!find_member(s, offset, path, len, &die) || die.within > OFFSET_MAX)
			return false;
		*ret += die.within;
		offset = die.type;
		path += len + (path[len] == '.');
	}
	if (*path != '#')
		return true;
	if (!read_type(s, offset, false, &unit, &die) || !die.has_size || die.size > OFFSET_MAX)
		return false;
	*ret = die.size;
	return true;
}

static void resolve_members(struct search *s)
{
	uint64_t value;

	for (size_t i = 0; i < GO_MEMBERS; i++) {
		s->layout->has[i] =
			resolve(s, s->structs[members[i].within], members[i].path, &value);
		s->layout->member[i] = s->layout->has[i] ? (uint32_t)value : 0;
	}
}

int go_dwarf_layout(const struct go_elf *elf, struct go_layout *ret)
{
	struct search s = {.layout = ret};
	int err;

	*ret = (struct go_layout){0};
	err = go_dies_open(elf, &s.dies);
	if (err < 0)
		return err;
	err = scan(&s);
	if (err == 0 && (s.structs_found < GO_STRUCTS || s.globals_found == 0))
		err = -ENOENT;
	if (err == 0)
		resolve_members(&s);
	go_dies_close(&s.dies);
	return err;
}
