/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/runtimes/go/signature.h"

/* A table has fewer functions. */
#define FUNCTIONS_MAX 512

/* A program has fewer: to look at so many takes a second. */
#define LISTED_MAX (1u << 20)

/* Addresses that places voted for; what comes after so many different ones is no choice any more. */
#define CANDIDATES_MAX 8

/* One is elected by so many of a hundred votes; and so many must be for those that were elected. */
#define PERCENT_MIN 75

/* By fewer, nothing is known. */
#define AGREED_MIN 16

/* A table fits if no other has more than so many of a hundred of its votes. */
#define PERCENT_OTHER 80

struct election {
	struct {
		uint64_t address;
		unsigned votes;
	} candidates[CANDIDATES_MAX];
	unsigned votes;
};

static int compare_name(const void *name, const void *function)
{
	return strcmp(name, ((const struct go_table_function *)function)->name);
}

/* Where the functions of the table are that are as long as it says; 0: not there. */
static void find_functions(const struct go_table *table, const struct go_pclntab *tab,
			   uint64_t *ret)
{
	struct go_function function;

	memset(ret, 0, table->functions_count * sizeof(*ret));
	for (uint32_t i = 0; i < tab->count; i++) {
		const struct go_table_function *known;

		/* All of them are the runtime's, and it is a small part of most programs. */
		if (go_pclntab_function(tab, i, &function) < 0 ||
		    strncmp(function.name, "runtime.", 8))
			continue;
		known = bsearch(function.name, table->functions, table->functions_count,
				sizeof(*known), compare_name);
		if (known && function.end - function.entry == known->size)
			ret[known - table->functions] = function.entry;
	}
}

/* For an address; 0: for none, which is a vote all the same. */
static void vote(struct election *election, uint64_t address)
{
	election->votes++;
	for (int i = 0; address && i < CANDIDATES_MAX; i++)
		if (!election->candidates[i].votes || election->candidates[i].address == address) {
			election->candidates[i].address = address;
			election->candidates[i].votes++;
			return;
		}
}

/* How many the winner has; 0 where nobody wins. */
static unsigned elect(const struct election *election, uint64_t *ret_address)
{
	unsigned best = 0;

	for (int i = 0; i < CANDIDATES_MAX; i++)
		if (election->candidates[i].votes > best) {
			best = election->candidates[i].votes;
			*ret_address = election->candidates[i].address;
		}
	return best * 100 >= election->votes * PERCENT_MIN ? best : 0;
}

/* 0: its code is not there. */
static uint64_t ask(const struct go_table_place *place, uint64_t entry, const struct go_code *code)
{
	uint64_t at = entry + place->offset;
	int32_t distance;

	if (code->read(code->arg, at, &distance, sizeof(distance)) < 0)
		return 0;
	return at + sizeof(distance) + (uint64_t)(int64_t)distance -
	       (uint64_t)(int64_t)place->addend;
}

int go_signature_match(const struct go_table *table, const struct go_pclntab *tab,
		       const struct go_code *code, struct go_signature *ret)
{
	struct election elections[GO_GLOBALS] = {0};
	uint64_t entries[FUNCTIONS_MAX];

	*ret = (struct go_signature){0};
	if (table->functions_count > FUNCTIONS_MAX || tab->count > LISTED_MAX)
		return -ENOENT;
	find_functions(table, tab, entries);
	for (size_t i = 0; i < table->places_count; i++) {
		const struct go_table_place *place = &table->places[i];
		uint64_t entry = entries[place->function];

		if (entry)
			vote(&elections[place->global], ask(place, entry, code));
	}
	for (int i = 0; i < GO_GLOBALS; i++) {
		unsigned won = elect(&elections[i], &ret->global[i]);

		ret->votes += elections[i].votes;
		ret->agreed += won;
		if (!won)
			ret->global[i] = 0;
	}
	return ret->agreed >= AGREED_MIN && ret->agreed * 100 >= ret->votes * PERCENT_MIN ? 0
											  : -ENOENT;
}

int go_signature_find(const struct go_pclntab *tab, const struct go_code *code,
		      struct go_signature *ret, const struct go_table **ret_table)
{
	const struct go_table *table;
	unsigned second = 0;

	*ret = (struct go_signature){0};
	for (size_t i = 0; (table = go_table_at(i)); i++) {
		struct go_signature one;

		if (go_signature_match(table, tab, code, &one) < 0)
			continue;
		if (one.agreed > ret->agreed) {
			second = ret->agreed;
			*ret = one;
			*ret_table = table;
		} else if (one.agreed > second) {
			second = one.agreed;
		}
	}
	return second * 100 < ret->agreed * PERCENT_OTHER ? 0 : -ENOENT;
}
