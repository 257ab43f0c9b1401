/* SPDX-License-Identifier: ISC */
#include "tools/completions/shells.h"

static void write_value(FILE *to, const struct describe_flag *flag)
{
	switch (flag->value) {
	case DESCRIBE_NONE:
		break;
	case DESCRIBE_FILE:
		fputs(" -r -F", to);
		break;
	case DESCRIBE_FOLDER:
		fputs(" -x -a '(__fish_complete_directories)'", to);
		break;
	case DESCRIBE_PID:
		fputs(" -x -a '(__fish_complete_pids)'", to);
		break;
	case DESCRIBE_PLAIN:
		fputs(" -x", to);
		break;
	case DESCRIBE_WORDS:
		fputs(" -x -a '", to);
		for (unsigned i = 0; i < flag->words->count; i++)
			fprintf(to, "%s%s", i ? " " : "", flag->words->words[i]);
		fputc('\'', to);
		break;
	}
}

/* What of the line is the program that is run fish finds out by itself, if it knows which flags have a value. */
static void write_operand(FILE *to, const struct flags_program *program,
			  const struct describe_flag *flags, int count)
{
	switch (program->operand) {
	case FLAGS_NO_OPERAND:
		break;
	case FLAGS_RUN_FILES:
		fprintf(to, "complete -c %s -k -a '(__fish_complete_suffix .mstat)'\n",
			program->name);
		break;
	case FLAGS_PIDS:
		fprintf(to, "complete -c %s -a '(__fish_complete_pids)'\n", program->name);
		break;
	case FLAGS_COMMAND:
		fprintf(to, "complete -c %s -a '(__fish_complete_subcommand --", program->name);
		for (int i = 0; i < count; i++)
			if (flags[i].value != DESCRIBE_NONE)
				fprintf(to, " -%s --%s", flags[i].name, flags[i].name);
		fputs(")'\n", to);
		break;
	}
}

void fish_write(FILE *to, const struct flags_program *program, const struct describe_flag *flags,
		int count)
{
	fprintf(to, "# %s in fish: made of its option table.\ncomplete -c %s -f\n", program->name,
		program->name);
	write_operand(to, program, flags, count);
	for (int i = 0; i < count; i++) {
		fprintf(to, "complete -c %s -o %s", program->name, flags[i].name);
		write_value(to, &flags[i]);
		if (flags[i].text[0]) {
			fputs(" -d '", to);
			/* Within quotes of fish two characters have a meaning. */
			for (const char *at = flags[i].text; *at; at++)
				fprintf(to, "%s%c", *at == '\'' || *at == '\\' ? "\\" : "", *at);
			fputc('\'', to);
		}
		fputc('\n', to);
	}
}
