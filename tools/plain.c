/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "tools/plain.h"

size_t plain_utf8_len(const unsigned char *p, size_t left)
{
	size_t len = *p < 0x80	 ? 1
		     : *p < 0xc2 ? 0
		     : *p < 0xe0 ? 2
		     : *p < 0xf0 ? 3
		     : *p < 0xf5 ? 4
				 : 0;

	if (len > left || len == 0)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what lies above U+10FFFF. */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

size_t plain_len(const unsigned char *p, size_t left)
{
	size_t len = plain_utf8_len(p, left);

	if (*p < 0x20 || *p == 0x7f)
		return 0;
	/* U+0080 to U+009F are control characters again; U+FFFE and U+FFFF never any. */
	if (len == 2 && *p == 0xc2 && p[1] < 0xa0)
		return 0;
	return len == 3 && *p == 0xef && p[1] == 0xbf && p[2] >= 0xbe ? 0 : len;
}

void plain_line(char *ret, size_t shown, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i = 0;

	while (i < len && i < shown) {
		size_t n = plain_len(p + i, len - i);

		if (n)
			ret = mempcpy(ret, p + i, n);
		else
			ret += sprintf(ret, "\\x%02x", p[i]);
		i += n ? n : 1;
	}
	strcpy(ret, i < len ? "..." : "");
}

void plain_text(char ret[PLAIN_ROOM], const char *text, size_t len)
{
	plain_line(ret, PLAIN_SHOWN, text, len);
}
