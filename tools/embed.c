/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tools/embed.h"
#include "tools/plain.h"

/* A multiple of 3: base64 of what is not the end then has no padding. */
#define PACKED (3u << 14)

struct embed {
	FILE *to; /* borrowed */
	z_stream zlib;
	uint8_t packed[PACKED];
	char text[PACKED / 3 * 4];
};

static void put_base64(struct embed *embed, size_t len)
{
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = embed->text;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t three = (uint32_t)embed->packed[i] << 16;

		three |= n > 1 ? (uint32_t)embed->packed[i + 1] << 8 : 0;
		three |= n > 2 ? embed->packed[i + 2] : 0;
		*out++ = digit[three >> 18];
		*out++ = digit[three >> 12 & 63];
		*out++ = n > 1 ? digit[three >> 6 & 63] : '=';
		*out++ = n > 2 ? digit[three & 63] : '=';
	}
	fwrite(embed->text, 1, (size_t)(out - embed->text), embed->to);
}

int embed_open(FILE *to, const char *id, struct embed **ret)
{
	struct embed *embed = malloc(sizeof(*embed));

	if (!embed)
		return -ENOMEM;
	memset(&embed->zlib, 0, sizeof(embed->zlib));
	embed->to = to;
	if (deflateInit(&embed->zlib, Z_DEFAULT_COMPRESSION) != Z_OK) {
		free(embed);
		return -ENOMEM;
	}
	embed->zlib.next_out = embed->packed;
	embed->zlib.avail_out = PACKED;
	fprintf(to, "<script type=\"application/octet-stream\" id=\"%s\">", id);
	*ret = embed;
	return 0;
}

/* Runs the compressor until it wants more, or, when finishing, has no more. */
static void squeeze(struct embed *embed, int how)
{
	bool is_full;

	do {
		deflate(&embed->zlib, how);
		is_full = embed->zlib.avail_out == 0;
		if (is_full) {
			put_base64(embed, PACKED);
			embed->zlib.next_out = embed->packed;
			embed->zlib.avail_out = PACKED;
		}
	} while (is_full || embed->zlib.avail_in);
}

void embed_put(struct embed *embed, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len) {
		uInt n = len > 1u << 30 ? 1u << 30 : (uInt)len;

		embed->zlib.next_in = (Bytef *)p;
		embed->zlib.avail_in = n;
		squeeze(embed, Z_NO_FLUSH);
		p += n;
		len -= n;
	}
}

void embed_close(struct embed *embed)
{
	if (!embed)
		return;
	squeeze(embed, Z_FINISH);
	put_base64(embed, PACKED - embed->zlib.avail_out);
	fputs("</script>\n", embed->to);
	deflateEnd(&embed->zlib);
	free(embed);
}

void embed_raw(struct embed *embed, const char *json)
{
	embed_put(embed, json, strlen(json));
}

void embed_int(struct embed *embed, int64_t v)
{
	char text[24];

	embed_put(embed, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, v));
}

void embed_uint(struct embed *embed, uint64_t v)
{
	char text[24];

	embed_put(embed, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, v));
}

/* A character, or a byte that is none. Returns how many bytes of the text that were. */
static size_t put_char(struct embed *embed, const unsigned char *p, size_t left)
{
	size_t len = plain_len(p, left);
	char escaped[8];

	if (len == 0)
		embed_put(embed, escaped, (size_t)sprintf(escaped, "\\\\x%02x", *p));
	else if (*p == '"' || *p == '\\')
		embed_put(embed, escaped, (size_t)sprintf(escaped, "\\%c", *p));
	else
		embed_put(embed, p, len);
	return len ? len : 1;
}

void embed_text(struct embed *embed, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	embed_put(embed, "\"", 1);
	for (size_t i = 0; i < len;)
		i += put_char(embed, p + i, len - i);
	embed_put(embed, "\"", 1);
}

void embed_words(struct embed *embed, const char *words, size_t len)
{
	const unsigned char *p = (const unsigned char *)words;

	len -= len && !words[len - 1];
	embed_put(embed, "\"", 1);
	for (size_t i = 0; i < len;) {
		if (p[i]) {
			i += put_char(embed, p + i, len - i);
		} else {
			embed_put(embed, " ", 1);
			i++;
		}
	}
	embed_put(embed, "\"", 1);
}
