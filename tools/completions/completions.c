/* SPDX-License-Identifier: ISC */
/*
 * Prints a program's completions for a shell: completions bash|zsh|fish PROGRAM. It is linked with all
 * programs for their option tables, run by the build, and never installed.
 */
#include <stdio.h>
#include <string.h>

#include "tools/completions/shells.h"

/* All of FLAGS_PROGRAM(), by the linker. */
extern const struct flags_program *const __start_flags_programs[], *const __stop_flags_programs[];

static const struct {
	const char *name;
	void (*write)(FILE *to, const struct flags_program *program,
		      const struct describe_flag *flags, int count);
} shells[] = {{"bash", bash_write}, {"zsh", zsh_write}, {"fish", fish_write}};

static const struct flags_program *find(const char *name)
{
	for (const struct flags_program *const *at = __start_flags_programs;
	     at < __stop_flags_programs; at++)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	return NULL;
}

static int fail(const char *program, const char *why, const char *what)
{
	fprintf(stderr, "completions: %s: %s%s\n", program, why, what);
	return 1;
}

static int print(const char *shell, const struct flags_program *program)
{
	static struct describe_flag flags[DESCRIBE_FLAGS];
	const char *missing;
	int count = describe_program(program, flags, &missing);

	if (count < 0)
		return fail(program->name, "its usage does not tell of -", missing);
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
		if (strcmp(shells[i].name, shell) == 0) {
			shells[i].write(stdout, program, flags, count);
			return fflush(stdout) == 0 ? 0 : 1;
		}
	return fail(shell, "no such shell", "");
}

int main(int argc, char **argv)
{
	const struct flags_program *program = argc == 3 ? find(argv[2]) : NULL;

	if (argc != 3)
		return fail("usage", "completions SHELL PROGRAM", "");
	if (!program)
		return fail(argv[2], "it has no FLAGS_PROGRAM()", "");
	return print(argv[1], program);
}
