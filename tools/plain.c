/* SPDX-License-Identifier: ISC */
#include "tools/plain.h"

size_t plain_len(const unsigned char *p, size_t left)
{
	size_t len = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	if (*p < 0x20 || *p == 0x7f || (*p >= 0x80 && *p < 0xc2) || *p > 0xf4 || len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	/* U+0080 to U+009F are control characters again. */
	return *p == 0xc2 && p[1] < 0xa0 ? 0 : len;
}
