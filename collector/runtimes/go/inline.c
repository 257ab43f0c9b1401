/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "collector/runtimes/go/inline.h"

/* Which of a function's tables of values, and of its data, tells of inlined calls. */
#define TREE_INDEX 2
#define TREE	   3

/* A call, of which these are needed; its size is that of all its members. */
struct call {
	size_t size, name, parent;
};

static const struct call CALL_18 = {20, 12, 16}, CALL_20 = {16, 4, 8};

int go_inline_next(const struct go_pclntab *tab, const struct go_moduledata *module,
		   const struct go_code *code, const struct go_function *function,
		   struct go_inline *at, const char **ret_name)
{
	const struct call *call = tab->layout == GO_PCLNTAB_18 ? &CALL_18 : &CALL_20;
	int32_t number, name, parent;
	uint8_t bytes[20];
	uint32_t tree;
	int err = go_pclntab_value(tab, function, TREE_INDEX, at->pc, &number);

	/* Most functions have none inlined. */
	if (err == -ENODATA || (err == 0 && number < 0))
		return 0;
	if (err == 0 && !module->functions_data)
		err = -ENODATA;
	if (err == 0)
		err = go_pclntab_data(tab, function, TREE, &tree);
	if (err == 0)
		err = code->read(code->arg,
				 module->functions_data + tree + (uint64_t)number * call->size,
				 bytes, call->size);
	if (err < 0)
		return err;
	memcpy(&name, bytes + call->name, sizeof(name));
	memcpy(&parent, bytes + call->parent, sizeof(parent));
	*ret_name = go_pclntab_name(tab, (uint32_t)name);
	if (!*ret_name || parent < 0 || at->depth >= GO_INLINE_MAX)
		return -EBADMSG;
	at->pc = function->entry + (uint32_t)parent;
	at->depth++;
	return 1;
}
