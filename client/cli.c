/* Failures, exit statuses, the connection and signals of the command line. */
#include "client/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/json.h"
#include "client/params.h"
#include "client/text.h"
#include "conf/units.h"

enum { ASK_TIMEOUT_MS = 30000, ASK_ARGS = 32, WAIT_RETRY_FOR_MS = 60000 };

struct slice slice_of(const char *text)
{
	return (struct slice){text, strlen(text)};
}

static int own_status(const struct cli *c, int status)
{
	return c->waits_for_one ? STATUS_WAIT_OTHER : status;
}

int cli_fail(struct cli *c, int status, const char *format, ...)
{
	fputs("bakery: ", stderr);
	if (c->line)
		fprintf(stderr, "line %zu: ", c->line);
	va_list args;
	va_start(args, format);
	text_vprint(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return own_status(c, status);
}

int cli_usage_said(struct cli *c)
{
	fprintf(stderr, "usage: bakery %s%s%s\nMore: bakery help %s\n", c->command->name,
	    *c->command->usage ? " " : "", c->command->usage, c->command->name);
	return own_status(c, STATUS_USAGE);
}

int cli_usage(struct cli *c, const char *format, ...)
{
	fprintf(stderr, "bakery %s: ", c->command->name);
	va_list args;
	va_start(args, format);
	text_vprint(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return cli_usage_said(c);
}

int cli_lost(struct cli *c, int code)
{
	int status = STATUS_NO_DAEMON;
	if (code == -EACCES || code == -EPERM)
		status = STATUS_DENIED;
	else if (code == -EAGAIN)
		status = STATUS_REFUSED;
	else if (code == -EINVAL)
		status = STATUS_USAGE;
	else if (code == -EINTR)
		cli_die(cli_take_signal(c));
	return cli_fail(c, status, "%s", c->bakery ? bakery_error(c->bakery) : strerror(-code));
}

int cli_refusal_status(const struct value *error)
{
	static const struct {
		const char *code;
		int status;
	} rows[] = {
	    {"NOAUTH", STATUS_DENIED},
	    {"WRONGPASS", STATUS_DENIED},
	    {"NOPERM", STATUS_DENIED},
	    {"LOADING", STATUS_REFUSED},
	    {"QUEUEFULL", STATUS_REFUSED},
	    {"DRAINING", STATUS_REFUSED},
	    {"STORAGE", STATUS_REFUSED},
	    {"UNCERTAIN", STATUS_REFUSED},
	    {"BADARG", STATUS_USAGE},
	    {"BADID", STATUS_USAGE},
	    {"TOOBIG", STATUS_USAGE},
	};
	size_t len = strcspn(error->text, " ");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strlen(rows[i].code) == len && memcmp(rows[i].code, error->text, len) == 0)
			return rows[i].status;
	return STATUS_NO;
}

int cli_refused(struct cli *c, const struct value *error)
{
	if (c->json) {
		size_t len = strcspn(error->text, " ");
		const char *text = error->text + len;
		json_t *o = json_object();
		json_object_set_new(o, "error", json_text(error->text, len));
		json_object_set_new(
		    o, "message", json_text(text + strspn(text, " "), strlen(text + strspn(text, " "))));
		json_print(o);
	}
	return cli_fail(c, cli_refusal_status(error), "%s", error->text);
}

int cli_strange(struct cli *c)
{
	return cli_fail(c, STATUS_NO_DAEMON,
	    "%s: a reply that this program does not understand: is the daemon another version?",
	    bakery_address(c->bakery));
}

/* The first line of the password file. */
static int read_password(struct cli *c, struct buf *password)
{
	int r = params_read_file(c->password_file, password);
	if (r < 0)
		return cli_fail(c, STATUS_USAGE, "%s: %s", c->password_file, strerror(-r));
	if (buf_append(password, "", 1) < 0)
		return cli_fail(c, STATUS_NO, "out of memory");
	password->data[strcspn(password->data, "\r\n")] = '\0';
	c->options.password = password->data;
	return 0;
}

int cli_open(struct cli *c)
{
	if (c->bakery)
		return 0;
	struct buf password = {0};
	if (c->password_file && *c->password_file) {
		int status = read_password(c, &password);
		if (status)
			return status;
	}
	if (c->options.login && *c->options.login && !password.data)
		return cli_fail(c, STATUS_USAGE, "to log in as %s a password is needed: --password-file",
		    c->options.login);
	if (c->waits && !c->retry_for_given)
		c->options.retry_for_ms = WAIT_RETRY_FOR_MS;
	int r = bakery_open(&c->options, &c->bakery);
	/* Taken and lost again: the daemon is being replaced. Refused is another thing: nobody is there. */
	for (int64_t since = 0; r == -ECONNRESET && bakery_pause(c->bakery, &since) == 0;)
		r = bakery_reopen(c->bakery);
	if (password.data)
		explicit_bzero(password.data, password.cap);
	buf_clear(&password);
	c->options.password = NULL;
	return r < 0 ? cli_lost(c, r) : 0;
}

int cli_ask_argv(struct cli *c, struct value **reply, size_t argc, const struct slice *argv)
{
	int status = cli_open(c);
	if (status)
		return status;
	struct value *v;
	int r = bakery_call_again(c->bakery, argc, argv, ASK_TIMEOUT_MS, &v);
	if (r < 0)
		return cli_lost(c, r);
	if (v->type == VALUE_ERROR) {
		status = cli_refused(c, v);
		value_free(v);
		return status;
	}
	*reply = v;
	return 0;
}

int cli_ask(struct cli *c, struct value **reply, ...)
{
	struct slice argv[ASK_ARGS];
	size_t argc = 0;
	va_list args;
	va_start(args, reply);
	const char *arg;
	while ((arg = va_arg(args, const char *)) && argc < ASK_ARGS)
		argv[argc++] = slice_of(arg);
	va_end(args);
	return cli_ask_argv(c, reply, argc, argv);
}

int cli_catch_signals(struct cli *c)
{
	if (c->options.interrupt_fd)
		return 0;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return cli_fail(c, STATUS_NO, "signalfd: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &set, NULL);
	c->options.interrupt_fd = fd;
	if (c->bakery)
		bakery_set_interrupt(c->bakery, fd);
	return 0;
}

int cli_take_signal(struct cli *c)
{
	struct signalfd_siginfo info;
	ssize_t n = read(c->options.interrupt_fd, &info, sizeof info);
	return n == sizeof info ? (int)info.ssi_signo : SIGINT;
}

void cli_die(int signal_number)
{
	fflush(NULL);
	signal(signal_number, SIG_DFL);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	raise(signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(STATUS_SIGNAL + signal_number);
}

int cli_duration(struct cli *c, const char *option, const char *text, int64_t *out_ms)
{
	int r = units_parse_duration(text, strlen(text), 0, out_ms);
	if (r == 0 && *out_ms >= 0)
		return 0;
	if (r == -ERANGE)
		return cli_usage(c, "--%s %s: that is more than 100 years", option, text);
	return cli_usage(
	    c, "--%s %s: a duration is a whole number with a unit: 500ms, 10s, 5m, 2h, 7d", option, text);
}

int cli_close_output(struct cli *c)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return cli_fail(c, STATUS_NO, "standard output: %s", strerror(errno));
}
