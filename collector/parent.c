/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "collector/parent.h"
#include "collector/smallfile.h"
#include "core/parse.h"

pid_t parent_of_pid(pid_t pid)
{
	char path[32], text[4096];
	const char *line;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	len = smallfile_read(path, text, sizeof(text));
	line = parse_line(text, len, "PPid", &len);
	return line ? (pid_t)parse_number(line, len, NULL) : 0;
}
