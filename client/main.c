/*
 * bakery, the command line: global options, then a command from the table. bakery(1) is the manual.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "client/cli.h"
#include "client/commands.h"

static const struct command *const commands[] = {&cmd_order, &cmd_run, &cmd_map, &cmd_wait, &cmd_result,
    &cmd_list, &cmd_show, &cmd_explain, &cmd_cancel, &cmd_recipes, &cmd_stats, &cmd_tasks, &cmd_pause,
    &cmd_resume, &cmd_health, &cmd_ping};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *find(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void help_all(void)
{
	puts("usage: bakery [options] COMMAND ...\n");
	for (int i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("  %-10s %s\n\nOptions, before or after the command:\n%s", "help",
	    "about a command: bakery help COMMAND", cli_options_help);
}

static int unknown(const char *name)
{
	fprintf(stderr, "bakery: no command %s; bakery help lists them\n", name);
	return STATUS_USAGE;
}

static int help(const char *name)
{
	bool all = !name || strcmp(name, "help") == 0 || strcmp(name, "--help") == 0;
	const struct command *command = all ? NULL : find(name);
	if (!all && !command)
		return unknown(name);
	if (command)
		cli_help(command);
	else
		help_all();
	return STATUS_OK;
}

int main(int argc, char **argv)
{
	static const struct option none[] = {{0}};
	struct cli c = {0};
	setlocale(LC_CTYPE, "");
	int status = cli_environment(&c);
	if (status)
		return status;
	int option = cli_getopt(&c, argc, argv, "+", none);
	if (option == CLI_HELP)
		return help(NULL);
	if (option != -1)
		return STATUS_USAGE;
	if (optind == argc) {
		help_all();
		return STATUS_USAGE;
	}
	int rest = argc - optind;
	char **words = argv + optind;
	if (strcmp(words[0], "help") == 0)
		return help(words[1]);
	c.command = find(words[0]);
	if (!c.command)
		return unknown(words[0]);
	/* getopt(3) begins its complaints with argv[0]. */
	char name[64];
	snprintf(name, sizeof name, "bakery %s", c.command->name);
	words[0] = name;
	optind = 0; /* glibc's: begin afresh */
	status = c.command->run(&c, rest, words);
	bakery_close(c.bakery);
	return status;
}
