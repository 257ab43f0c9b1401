/* SPDX-License-Identifier: ISC */
#include "tools/completions/shells.h"

static const char *const operands[] = {
	[FLAGS_NO_OPERAND] = "",
	[FLAGS_RUN_FILES] = " \\\n	'*:run file:_files -g \"*.mstat(-.)\"'",
	[FLAGS_PIDS] = " \\\n	'*:process:_pids'",
	[FLAGS_COMMAND] =
		" \\\n	'(-):program:_command_names -e' \\\n	'*::argument:_normal'",
};

/* Within brackets within quotes. */
static void write_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		char one[2] = {*text};

		if (*text == '[' || *text == ']' || *text == '\\')
			fputc('\\', to);
		shells_quote(to, one);
	}
}

static void write_value(FILE *to, const struct describe_flag *flag)
{
	if (flag->value == DESCRIBE_NONE)
		return;
	fprintf(to, ":%s:", flag->value_name);
	if (flag->value == DESCRIBE_FILE)
		fputs("_files", to);
	if (flag->value == DESCRIBE_FOLDER)
		fputs("_files -/", to);
	if (flag->value == DESCRIBE_PID)
		fputs("_pids", to);
	for (unsigned i = 0; flag->value == DESCRIBE_WORDS && i < flag->words->count; i++)
		fprintf(to, "%c%s%s", i ? ' ' : '(', flag->words->words[i],
			i + 1 == flag->words->count ? ")" : "");
	/* Nothing can be said of it; a blank is that to zsh. */
	if (flag->value == DESCRIBE_PLAIN)
		fputc(' ', to);
}

void zsh_write(FILE *to, const struct flags_program *program, const struct describe_flag *flags,
	       int count)
{
	fprintf(to, "#compdef %s\n# Made of its option table.\n_arguments -S -A '-*'",
		program->name);
	for (int i = 0; i < count; i++) {
		fprintf(to, " \\\n	'%s-%s%s", flags[i].is_many ? "*" : "", flags[i].name,
			flags[i].value == DESCRIBE_NONE ? "" : "=");
		if (flags[i].text[0]) {
			fputc('[', to);
			write_text(to, flags[i].text);
			fputc(']', to);
		}
		write_value(to, &flags[i]);
		fputc('\'', to);
	}
	fprintf(to, "%s\n", operands[program->operand]);
}
