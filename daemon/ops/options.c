#include "daemon/ops/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "daemon/net/password.h"

enum { PASSWORD_MAX = 1024 };

static const struct option long_options[] = {
    {"check", no_argument, NULL, OPTIONS_CHECK},
    {"print-config", no_argument, NULL, OPTIONS_PRINT_CONFIG},
    {"hash-password", no_argument, NULL, OPTIONS_HASH_PASSWORD},
    {"version", no_argument, NULL, OPTIONS_VERSION},
    {"help", no_argument, NULL, OPTIONS_HELP},
    {"verbose", no_argument, NULL, 'v'},
    {0},
};

static const char usage[] = "Usage: bakeryd [-c FILE] [-v]\n"
			    "       bakeryd --check | --print-config [-c FILE]\n"
			    "       bakeryd --hash-password | --version | --help\n";

static const char help[] =
    "\n"
    "The task-queue daemon. It stays in the foreground and writes its log to standard error.\n"
    "\n"
    "  -c FILE            the configuration (bakery.yaml(5)); else $BAKERY_CONF, /etc/bakery/bakery.yaml\n"
    "                     for root and system users, $XDG_CONFIG_HOME/bakery/bakery.yaml for others\n"
    "  -v, --verbose      log more, as log: {level: debug} does\n"
    "  --check            check the configuration: every error and warning with its place; exit 0 or 1\n"
    "  --print-config     print the whole effective configuration, defaults included\n"
    "  --hash-password    read a password, print its hash for users in the configuration\n"
    "  --version, --help\n"
    "\n"
    "bakeryd(8) is the manual. bakery(1) is the command line for orders.\n";

static int say_usage(void)
{
	fputs(usage, stderr);
	return EXIT_USAGE;
}

int options_read(int argc, char **argv, struct options *out)
{
	struct options o = {.action = OPTIONS_SERVE};
	int c;
	optind = 0; /* glibc: begin afresh (getopt(3)) */
	while ((c = getopt_long(argc, argv, "c:v", long_options, NULL)) != -1) {
		if (c == 'c') {
			o.file = optarg;
		} else if (c == 'v') {
			o.verbose = true;
		} else if (c == '?') {
			return say_usage();
		} else if (o.action != OPTIONS_SERVE && o.action != (enum options_action)c) {
			fprintf(
			    stderr, "bakeryd: one of --check, --print-config, --hash-password at a time\n");
			return say_usage();
		} else {
			o.action = (enum options_action)c;
		}
	}
	if (optind < argc) {
		fprintf(
		    stderr, "bakeryd: %s: no argument is taken; a configuration is -c FILE\n", argv[optind]);
		return say_usage();
	}
	*out = o;
	return 0;
}

int options_load(
    const struct options *o, struct conf_sources *sources, struct conf **out, struct conf_report *report)
{
	char *found = o->file ? NULL : conf_find_file();
	int r = conf_read_sources(o->file ? o->file : found, sources, report);
	free(found);
	return r ? r : conf_parse(sources, out, report);
}

static void print_report(const struct conf_report *report)
{
	for (size_t i = 0; i < report->error_count; i++)
		fprintf(stderr, "%s\n", report->errors[i]);
	for (size_t i = 0; i < report->warning_count; i++)
		fprintf(stderr, "warning: %s\n", report->warnings[i]);
}

/* What was printed has arrived, or the exit status says that it has not. */
static int finish_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "bakeryd: cannot write to standard output: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

static int print_config(const struct conf *conf)
{
	char *text;
	int r = conf_print(conf, &text);
	if (r) {
		fprintf(stderr, "bakeryd: %s\n", err_text(r));
		return EXIT_FAILURE;
	}
	fputs(text, stdout);
	free(text);
	return finish_output(EXIT_SUCCESS);
}

static int with_configuration(const struct options *o)
{
	struct conf_sources sources = {0};
	struct conf_report report = {0};
	struct conf *conf = NULL;
	int status = EXIT_FAILURE, r = options_load(o, &sources, &conf, &report);
	print_report(&report);
	if (r && !report.error_count)
		fprintf(stderr, "bakeryd: %s\n", err_text(r));
	if (!r && o->action == OPTIONS_PRINT_CONFIG) {
		status = print_config(conf);
	} else if (!r) {
		printf("%s: all right, %zu recipes, %zu pools%s\n", conf->file ? conf->file : "the defaults",
		    conf->recipe_count, conf->pool_count, report.warning_count ? ", with warnings" : "");
		status = finish_output(EXIT_SUCCESS);
	}
	conf_free(conf);
	conf_report_clear(&report);
	conf_sources_clear(&sources);
	return status;
}

/* ---- --hash-password ---- */

/* A line, without what ends it. The length, or −1: too long or not there. */
static ssize_t read_line(FILE *f, char out[static PASSWORD_MAX])
{
	size_t n = 0;
	int c;
	while ((c = getc(f)) != EOF && c != '\n' && n < PASSWORD_MAX)
		out[n++] = (char)c;
	if (n == PASSWORD_MAX || (c == EOF && n == 0))
		return -1;
	if (n && out[n - 1] == '\r')
		n--;
	return (ssize_t)n;
}

static ssize_t ask(FILE *terminal, const char *question, char out[static PASSWORD_MAX])
{
	struct termios before, silent;
	int fd = fileno(terminal);
	if (tcgetattr(fd, &before) < 0)
		return -1;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	fputs(question, stderr);
	if (tcsetattr(fd, TCSAFLUSH, &silent) < 0)
		return -1;
	ssize_t n = read_line(terminal, out);
	tcsetattr(fd, TCSAFLUSH, &before);
	putc('\n', stderr);
	return n;
}

static int hash_password(void)
{
	char first[PASSWORD_MAX], second[PASSWORD_MAX], hash[PASSWORD_HASH_MAX];
	bool terminal = isatty(STDIN_FILENO);
	/* Nothing of it stays in the library's buffer. */
	setvbuf(stdin, NULL, _IONBF, 0);
	ssize_t n = terminal ? ask(stdin, "Password: ", first) : read_line(stdin, first);
	bool same = !terminal || n < 1 ||
		    (ask(stdin, "The same again: ", second) == n && memcmp(first, second, (size_t)n) == 0);
	int status = EXIT_FAILURE;
	if (n < 1) {
		fprintf(stderr, "bakeryd: expected a password of 1 to %d bytes on standard input\n",
		    PASSWORD_MAX - 1);
	} else if (!same) {
		fprintf(stderr, "bakeryd: the two are not the same\n");
	} else {
		int r = password_hash(first, (size_t)n, hash);
		if (r) {
			fprintf(stderr, "bakeryd: cannot hash: %s\n", err_text(r));
		} else {
			printf("%s\n", hash);
			status = finish_output(EXIT_SUCCESS);
		}
	}
	explicit_bzero(first, sizeof first);
	explicit_bzero(second, sizeof second);
	return status;
}

int options_run_command(const struct options *o)
{
	switch (o->action) {
	case OPTIONS_CHECK:
	case OPTIONS_PRINT_CONFIG:
		return with_configuration(o);
	case OPTIONS_HASH_PASSWORD:
		return hash_password();
	case OPTIONS_VERSION:
		printf("bakeryd %s\n", PACKAGE_VERSION);
		return finish_output(EXIT_SUCCESS);
	case OPTIONS_HELP:
		printf("%s%s", usage, help);
		return finish_output(EXIT_SUCCESS);
	case OPTIONS_SERVE:
		break;
	}
	return EXIT_USAGE;
}
