/*
 * What every command of the command line shares: the global options, the connection, how failures are said
 * and which exit status they have.
 */
#ifndef BAKERY_CLIENT_CLI_H
#define BAKERY_CLIENT_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/bakery.h"

enum {
	STATUS_OK = 0,
	STATUS_NO = 1, /* the daemon says no */
	STATUS_USAGE = 2,
	STATUS_NO_DAEMON = 69, /* EX_UNAVAILABLE */
	STATUS_REFUSED = 75,   /* EX_TEMPFAIL: for now */
	STATUS_DENIED = 77,    /* EX_NOPERM */
	STATUS_WAIT_TIMEOUT = 124,
	STATUS_WAIT_OTHER = 125, /* whatever goes wrong where the job's own exit status is expected */
	STATUS_SIGNAL = 128,     /* + the number */
};

struct command;

struct cli {
	struct bakery_options options;
	const char *password_file; /* NULL: none */
	bool json, quiet;
	bool retry_for_given;
	bool waits; /* goes on through a restart of the daemon: see cli_open() */
	bool
	    waits_for_one; /* this command exits with the status of a job: failures of ours are STATUS_WAIT_OTHER */
	size_t line;       /* of the input, for cli_fail() to name; 0: none */
	const struct command *command;
	struct bakery *bakery; /* NULL until cli_open() */
};

struct command {
	const char *name;
	const char *usage;   /* after "bakery name " */
	const char *summary; /* one line for the list of commands */
	const char *help;    /* paragraphs, lines of at most 80 columns */
	/* argv[0] is "bakery NAME". Returns the exit status. */
	int (*run)(struct cli *c, int argc, char **argv);
};

/*
 * getopt_long(3) with the global options, which may stand before or after the command: those are done here.
 * Returns an option of the command, -1 at the end, '?' when something is wrong and has been said. --version
 * ends the program, and so does --help, but for CLI_HELP where there is no command yet.
 */
enum { CLI_HELP = 900 };
int cli_getopt(struct cli *c, int argc, char **argv, const char *shorts, const struct option *options);
/* What the environment says of the global options. 0 or the exit status. */
int cli_environment(struct cli *c);
/* The text of --help of a command, and the lines about the global options. */
void cli_help(const struct command *command);
extern const char cli_options_help[];

/* "bakery: text" on standard error, unless it is empty. Returns the exit status, or STATUS_WAIT_OTHER for a
 * command that waits for one. */
int cli_fail(struct cli *c, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Says what is wrong with the command line, and how it is used. */
int cli_usage(struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same after getopt(3) has said what is wrong. */
int cli_usage_said(struct cli *c);
/* Says why bakery_…() returned this code. */
int cli_lost(struct cli *c, int code);
/* Says what an error reply says (with --json on standard output too). */
int cli_refused(struct cli *c, const struct value *error);
/* The status that an error reply has. */
int cli_refusal_status(const struct value *error);
/* For a reply of the wrong type. */
int cli_strange(struct cli *c);

/* Connects, if that has not been done. A lost connection is then tried again for --retry-for, by default 10
 * s, or a minute for a command that waits. 0 or the exit status, with the failure said. */
int cli_open(struct cli *c);
/* One repeatable request; NULL-terminated strings. 0 with *reply, which is not an error; or the exit status,
 * with the failure said. */
int cli_ask(struct cli *c, struct value **reply, ...) __attribute__((sentinel));
int cli_ask_argv(struct cli *c, struct value **reply, size_t argc, const struct slice *argv);

/* From now on SIGINT, SIGTERM and SIGHUP end what waits with -EINTR instead of ending the program. */
int cli_catch_signals(struct cli *c);
/* The signal that was caught; what waits can wait again. */
int cli_take_signal(struct cli *c);
/* Ends the program by this signal, as if it had not been caught. */
_Noreturn void cli_die(int signal_number);

/* A duration option ("10s"); it needs a unit. 0, or the status of cli_usage(). */
int cli_duration(struct cli *c, const char *option, const char *text, int64_t *out_ms);
/* Standard output was written, all of it: 0 or STATUS_NO with the failure said. Called once, at the end. */
int cli_close_output(struct cli *c);

struct slice slice_of(const char *text);

#endif
