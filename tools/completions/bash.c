/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "tools/completions/shells.h"

/*
 * Which flags and values stand before the word: -flag=value are three words to bash, and flags end where
 * the first other word is. $value: the flag whose value the word is; $rest: where the other words begin.
 */
static const char walk[] =
	"	while ((i < COMP_CWORD)); do\n"
	"		word=${COMP_WORDS[i++]}\n"
	"		case $word in\n"
	"		--) rest=$i; break ;;\n"
	"		-?*) ;;\n"
	"		*) rest=$((i - 1)); break ;;\n"
	"		esac\n"
	"		flag=${word#-} flag=${flag#-}\n"
	"		if [[ ${COMP_WORDS[i]} == = ]]; then\n"
	"			if ((i == COMP_CWORD)); then value=$flag cur=''; fi\n"
	"			((i++))\n"
	"		elif [[ $takes != *\" $flag \"* ]]; then\n"
	"			continue\n"
	"		fi\n"
	"		if ((i == COMP_CWORD)); then value=$flag; fi\n"
	"		((i++))\n"
	"	done\n";

static const char *const operands[] = {
	[FLAGS_NO_OPERAND] = "		:\n",
	[FLAGS_RUN_FILES] = "		mapfile -t COMPREPLY < <(compgen -f -X '!*.mstat' -- "
			    "\"$cur\"; compgen -d -- \"$cur\")\n"
			    "		compopt -o filenames 2>/dev/null\n",
	[FLAGS_PIDS] = "		mapfile -t COMPREPLY < <(compgen -W \"$(cd /proc && echo "
		       "[0-9]*)\" -- \"$cur\")\n",
	[FLAGS_COMMAND] = "		if declare -F _command_offset >/dev/null; then\n"
			  "			_command_offset \"$rest\"\n"
			  "		elif ((rest == COMP_CWORD)); then\n"
			  "			mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
			  "		else\n"
			  "			mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
			  "			compopt -o filenames 2>/dev/null\n"
			  "		fi\n",
};

static void write_words(FILE *to, const struct flags_words *words)
{
	fputs("mapfile -t COMPREPLY < <(compgen -W '", to);
	for (unsigned i = 0; i < words->count; i++)
		fprintf(to, "%s%s", i ? " " : "", words->words[i]);
	fputs("' -- \"$cur\")", to);
}

static void write_value(FILE *to, const struct describe_flag *flag)
{
	fprintf(to, "	%s) ", flag->name);
	switch (flag->value) {
	case DESCRIBE_WORDS:
		write_words(to, flag->words);
		break;
	case DESCRIBE_FILE:
	case DESCRIBE_FOLDER:
		fprintf(to,
			"mapfile -t COMPREPLY < <(compgen -%c -- \"$cur\"); compopt -o filenames "
			"2>/dev/null",
			flag->value == DESCRIBE_FILE ? 'f' : 'd');
		break;
	case DESCRIBE_PID:
		fputs("mapfile -t COMPREPLY < <(compgen -W \"$(cd /proc && echo [0-9]*)\" -- "
		      "\"$cur\")",
		      to);
		break;
	default:
		break;
	}
	fputs(" ;;\n", to);
}

static void write_names(FILE *to, const struct describe_flag *flags, int count, bool with_value)
{
	for (int i = 0; i < count; i++)
		if (!with_value || flags[i].value != DESCRIBE_NONE)
			fprintf(to, " %s", flags[i].name);
}

void bash_write(FILE *to, const struct flags_program *program, const struct describe_flag *flags,
		int count)
{
	char name[64];

	snprintf(name, sizeof(name), "_%s", program->name);
	for (char *at = name; (at = strchr(at, '-'));)
		*at = '_';
	fprintf(to, "# %s in bash: made of its option table.\n%s()\n{\n", program->name, name);
	fputs("	local cur=${COMP_WORDS[COMP_CWORD]} word flag value='' rest='' dash=- i=1\n	"
	      "local "
	      "takes='",
	      to);
	write_names(to, flags, count, true);
	fputs(" '\n\n	COMPREPLY=()\n", to);
	fputs(walk, to);
	fputs("	case $value in\n	'') ;;\n", to);
	for (int i = 0; i < count; i++)
		if (flags[i].value != DESCRIBE_NONE && flags[i].value != DESCRIBE_PLAIN)
			write_value(to, &flags[i]);
	fputs("	esac\n	[[ -z $value ]] || return 0\n", to);
	fputs("	if [[ -z $rest && $cur == -* ]]; then\n		[[ $cur != --* ]] || dash=--\n"
	      "		mapfile -t COMPREPLY < <(compgen -P \"$dash\" -W '",
	      to);
	write_names(to, flags, count, false);
	fputs(" ' -- \"${cur#\"$dash\"}\")\n	else\n		rest=${rest:-$COMP_CWORD}\n", to);
	fputs(operands[program->operand], to);
	fprintf(to, "	fi\n}\ncomplete -F %s %s\n", name, program->name);
}
