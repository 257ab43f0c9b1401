/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>

#include "collector/runtimes/go/moduledata.h"
#include "collector/runtimes/words.h"

/* Its words: the table of functions and parts of it, each as address, length, capacity; then addresses. */
#define NAMES_WORD	1
#define VALUES_WORD	10
#define FUNCTIONS_WORD	16
#define FUNCTIONS_COUNT 17
#define FIRST_PC_WORD	20
#define END_PC_WORD	21
#define TEXT_WORD	22
#define TEXT_END_WORD	23
#define WORDS		44

/* Where the address of the functions' data is, by minor; before 1.18 there is none. */
#define DATA_WORD_18 38
#define DATA_WORD_20 40
#define DATA_WORD_27 43

static uint64_t word(const uint8_t *p, unsigned number)
{
	return words_64(p + 8 * (size_t)number);
}

/* It says of the table what that says of itself. */
static bool is_it(const uint8_t *p, const struct go_pclntab *tab, uint64_t tab_address)
{
	return word(p, 0) == tab_address && word(p, NAMES_WORD) == tab_address + tab->names &&
	       word(p, VALUES_WORD) == tab_address + tab->values &&
	       word(p, FUNCTIONS_WORD) == tab_address + tab->functions &&
	       word(p, FUNCTIONS_COUNT) == (uint64_t)tab->count + 1 &&
	       word(p, TEXT_WORD) <= word(p, FIRST_PC_WORD) &&
	       word(p, FIRST_PC_WORD) < word(p, END_PC_WORD) &&
	       word(p, END_PC_WORD) <= word(p, TEXT_END_WORD);
}

static unsigned data_word(const struct go_pclntab *tab, unsigned minor)
{
	if (tab->layout == GO_PCLNTAB_18)
		return DATA_WORD_18;
	if (tab->layout != GO_PCLNTAB_20 || minor < 21)
		return 0;
	return minor < 27 ? DATA_WORD_20 : DATA_WORD_27;
}

int go_moduledata_find(const void *bytes, size_t size, const struct go_pclntab *tab,
		       uint64_t tab_address, unsigned minor, struct go_moduledata *ret)
{
	unsigned number = data_word(tab, minor);
	const uint8_t *found = NULL;

	for (size_t at = 0; size >= 8 * WORDS && at <= size - 8 * WORDS; at += 8) {
		const uint8_t *p = (const uint8_t *)bytes + at;

		if (!is_it(p, tab, tab_address))
			continue;
		if (found)
			return -ENOENT;
		found = p;
	}
	if (!found)
		return -ENOENT;
	*ret = (struct go_moduledata){
		.text = word(found, TEXT_WORD),
		.text_end = word(found, TEXT_END_WORD),
		.functions_data = number ? word(found, number) : 0,
	};
	return 0;
}
