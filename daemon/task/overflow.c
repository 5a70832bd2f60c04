/*
 * When a task runs into the guard below its stack: say which, on standard error, and let the process end as it would have. Runs on a signal
 * stack of its own, because the task's is full; so it uses only what signal-safety(7) allows.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/task/runtime.h"

enum { SIGNAL_STACK_BYTES = 64 << 10 };

static struct sigaction before;
static void *signal_stack;

struct text {
	size_t len;
	char bytes[256];
};

static void add_text(struct text *t, const char *s)
{
	while (*s && t->len < sizeof t->bytes - 1)
		t->bytes[t->len++] = *s++;
}

static void add_number(struct text *t, uint64_t n)
{
	char digits[21], *d = digits + sizeof digits - 1;
	*d = '\0';
	do {
		*--d = (char)('0' + n % 10);
	} while (n /= 10);
	add_text(t, d);
}

static void say_overflow(const struct stack *s)
{
	const struct task *t = runtime.current;
	struct text line = {0};
	add_text(&line, "bakeryd: stack overflow in task ");
	if (t && t->stack == s) {
		add_text(&line, t->name);
		add_text(&line, " id=");
		if (t->id < 0)
			add_text(&line, "-");
		add_number(&line, t->id < 0 ? -(uint64_t)t->id : (uint64_t)t->id);
	} else {
		add_text(&line, "(not the running one)");
	}
	add_text(&line, ": its stack of ");
	add_number(&line, s->size >> 10);
	add_text(&line, " KiB is full");
	line.bytes[line.len++] = '\n';
	ssize_t n = write(STDERR_FILENO, line.bytes, line.len);
	(void)n;
}

static void on_fault(int signo, siginfo_t *info, void *machine)
{
	const struct stack *s = stack_of_guard(info->si_addr);
	if (s)
		say_overflow(s);
	/* The fault repeats on return, and meets whoever handled it before us, or the default: a core dump that shows the place.
	 * A signal that somebody sent does not repeat by itself. */
	sigaction(signo, &before, NULL);
	if (info->si_code <= 0)
		raise(signo);
	(void)machine;
}

int overflow_watch(void)
{
	stack_t now;
	if (sigaltstack(NULL, &now) < 0)
		return -errno;
	if (now.ss_flags & SS_DISABLE) {
		signal_stack = mmap(
		    NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (signal_stack == MAP_FAILED) {
			signal_stack = NULL;
			return -errno;
		}
		stack_t ours = {.ss_sp = signal_stack, .ss_size = SIGNAL_STACK_BYTES};
		if (sigaltstack(&ours, NULL) < 0) {
			int r = -errno;
			overflow_unwatch();
			return r;
		}
	}
	struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	sigemptyset(&act.sa_mask);
	return sigaction(SIGSEGV, &act, &before) < 0 ? -errno : 0;
}

void overflow_unwatch(void)
{
	struct sigaction now;
	if (sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_sigaction == on_fault)
		sigaction(SIGSEGV, &before, NULL);
	if (signal_stack) {
		stack_t none = {.ss_flags = SS_DISABLE};
		sigaltstack(&none, NULL);
		munmap(signal_stack, SIGNAL_STACK_BYTES);
		signal_stack = NULL;
	}
}
