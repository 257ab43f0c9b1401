/* SPDX-License-Identifier: ISC */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/quantity.h"

bool quantity_decimal(const char *text, double *ret, const char **ret_rest)
{
	char *end;

	if (*text != '.' && (*text < '0' || *text > '9'))
		return false;
	*ret = strtod(text, &end);
	*ret_rest = end;
	return end != text && isfinite(*ret) && *ret <= 1e15;
}

bool quantity_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1},	 {"us", 1e3},	{"\xc2\xb5s", 1e3}, {"ms", 1e6},
		     {"s", 1e9}, {"h", 3600e9}, {"d", 86400e9}};
	const char *rest;
	double v;

	if (!quantity_decimal(text, &v, &rest))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(rest, units[i].unit) || v * units[i].ns > 1e18)
			continue;
		*ret_ns = (uint64_t)(v * units[i].ns);
		return true;
	}
	*ret_ns = 0;
	return v == 0 && !*rest;
}

bool quantity_instant(const char *text, uint64_t *ret_ns)
{
	static const struct {
		char unit;
		double seconds;
	} units[] = {{'h', 3600}, {'m', 60}, {'s', 1}};
	double sum = 0;
	size_t at = 0;
	const char *rest;
	double v;

	if (quantity_decimal(text, &v, &rest) && !*rest) {
		sum = v;
		text = rest;
	} else if (!*text) {
		return false;
	}
	for (; *text; text = rest + 1) {
		if (!quantity_decimal(text, &v, &rest))
			return false;
		while (at < 3 && *rest != units[at].unit)
			at++;
		if (at == 3)
			return false;
		sum += v * units[at++].seconds;
	}
	if (sum > 1e9)
		return false;
	*ret_ns = (uint64_t)(sum * 1e9 + 0.5);
	return true;
}

bool quantity_size(const char *text, uint64_t *ret)
{
	static const char letters[] = "KMGT";
	const char *rest = text + strspn(text, "0123456789.");
	const char *letter = *rest ? strchr(letters, *rest) : NULL;
	double v;
	const char *end;

	/* strtod() would also read 1e9 and 0x10. */
	if (!quantity_decimal(text, &v, &end) || end != rest)
		return false;
	for (const char *at = letters; letter && at <= letter; at++)
		v *= 1024;
	rest += letter != NULL;
	if (*rest && strcmp(rest, "B") && !(letter && !strcmp(rest, "iB")))
		return false;
	if (v >= 0x1p62)
		return false;
	*ret = (uint64_t)v;
	return true;
}
