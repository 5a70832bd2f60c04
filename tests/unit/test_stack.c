/* Stacks: of the size asked for, apart from each other, used again, guarded, and measured. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/task/stack.h"
#include "daemon/task/switch.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

enum { TAKEN_MAX = 40000 };
static struct stack *taken[TAKEN_MAX];
static int taken_count;

static struct stack *take(enum stack_size kind)
{
	struct stack *s = stack_take(kind);
	ck_assert_ptr_nonnull(s);
	taken[taken_count++] = s;
	return s;
}

static void give_all_back(void)
{
	while (taken_count > 0)
		stack_give(taken[--taken_count]);
}

static bool is_old_kernel;

#ifdef TASK_MEASURE_STACKS
#define TASK_MEASURES 1
#else
#define TASK_MEASURES 0
#endif

static void clear(void)
{
	is_old_kernel = false;
	give_all_back();
	ck_assert_uint_eq(stack_count_used(), 0);
	stack_clear_all();
	ck_assert_uint_eq(stack_count_cached(), 0);
}

START_TEST (stacks_have_their_size_and_are_apart) {
	static const size_t bytes[] = {16 << 10, 64 << 10, 256 << 10};
	struct stack *s[STACK_SIZES][100];
	for (int kind = 0; kind < STACK_SIZES; kind++) {
		for (int i = 0; i < 100; i++) {
			s[kind][i] = stack_take(kind);
			ck_assert_ptr_nonnull(s[kind][i]);
			ck_assert_uint_eq(s[kind][i]->size, bytes[kind]);
			memset(s[kind][i]->low, kind * 100 + i, bytes[kind]);
		}
	}
	ck_assert_uint_eq(stack_count_used(), 300);
	for (int kind = 0; kind < STACK_SIZES; kind++) {
		for (int i = 0; i < 100; i++) {
			ck_assert_int_eq(s[kind][i]->low[0], (char)(kind * 100 + i));
			ck_assert_int_eq(s[kind][i]->low[bytes[kind] - 1], (char)(kind * 100 + i));
			stack_give(s[kind][i]);
		}
	}
}
END_TEST

START_TEST (the_last_given_back_is_the_next_given_out) {
	struct stack *a = stack_take(STACK_SMALL), *b = take(STACK_SMALL);
	ck_assert_ptr_ne(a, b);
	uint32_t cached = stack_count_cached();
	stack_give(a);
	ck_assert_uint_eq(stack_count_cached(), cached + 1);
	ck_assert_ptr_eq(take(STACK_SMALL), a);
	ck_assert_ptr_ne(take(STACK_MEDIUM), a);
}
END_TEST

START_TEST (after_a_crowd_pages_go_back) {
	for (int i = 0; i < 3000; i++)
		memset(take(STACK_SMALL)->low, 0x5a, 16 << 10);
	/* The first given back stay as they are, for the next; so look at the one that was taken first. */
	char *last = taken[0]->low;
	give_all_back();
	unsigned char resident;
	ck_assert_int_eq(mincore(last, 1, &resident), 0);
	ck_assert_int_eq(resident & 1, 0);
}
END_TEST

START_TEST (an_address_in_a_guard_names_its_stack) {
	struct stack *s = take(STACK_MEDIUM);
	ck_assert_ptr_eq(stack_of_guard(s->low - 1), s);
	ck_assert_ptr_eq(stack_of_guard(s->low - 4096), s);
	ck_assert_ptr_null(stack_of_guard(s->low));
	ck_assert_ptr_null(stack_of_guard(s->low + s->size - 1));
	ck_assert_ptr_null(stack_of_guard(&s));
}
END_TEST

int __real_madvise(void *at, size_t n, int advice);
int __wrap_madvise(void *at, size_t n, int advice);

int __wrap_madvise(void *at, size_t n, int advice)
{
	if (is_old_kernel && advice == 102) {
		errno = EINVAL;
		return -1;
	}
	return __real_madvise(at, n, advice);
}

START_TEST (there_are_stacks_where_guards_would_use_up_the_mappings) {
	is_old_kernel = true;
	for (int i = 0; i < TAKEN_MAX; i++)
		take(STACK_SMALL);
	ck_assert_uint_eq(stack_count_used(), TAKEN_MAX);
}
END_TEST

static int sleep_for_ever(void *arg)
{
	(void)arg;
	return await_sleep_until(CLOCK_NEVER);
}

static void see(void *arg, const struct task_view *v)
{
	snprintf(arg, 64, "%s %s", v->state, v->on ? v->on : "-");
}

START_TEST (a_task_on_a_used_stack_knows_nothing_of_the_last) {
	char seen[64];
	struct task_stats stats;
	struct stack *s = stack_take(STACK_SMALL);
	memset(s->low, 0xff, s->size);
	stack_give(s);
	world_setup();
	struct task *t = world_spawn("next", sleep_for_ever, NULL);
	task_each(see, seen);
	ck_assert_str_eq(seen, "ready -");
	world_turns(1);
	task_each(see, seen);
	ck_assert_str_eq(seen, "waiting sleep");
	ck_assert_int_eq(task_cancel(t), 0);
	world_run();
	world_turns(2);
	task_stats_get(&stats);
	ck_assert_uint_eq(stats.stacks_used, 0);
	world_clear();
}
END_TEST

/* ---- how much of it is used ---- */

static int grow(int depth)
{
	volatile char frame[1024];
	frame[0] = (char)depth;
	return depth == 0 ? 0 : grow(depth - 1) + frame[0];
}

START_TEST (a_stack_tells_how_much_of_it_was_touched) {
	ck_assert_uint_eq(stack_used(take(STACK_SMALL)), 0);
	stack_measure(true);
	struct stack *s = take(STACK_SMALL);
	ck_assert_uint_eq(stack_used(s), 0);
	s->low[s->size - 1] = 1;
	ck_assert_uint_eq(stack_used(s), 8);
	s->low[s->size - 1000] = 1;
	ck_assert_uint_eq(stack_used(s), 1000);
	s->low[0] = 1;
	ck_assert_uint_eq(stack_used(s), s->size);
	give_all_back();
	ck_assert_uint_eq(stack_used(take(STACK_SMALL)), 0);
	stack_measure(false);
}
END_TEST

static int use(void *arg)
{
	return grow(*(int *)arg);
}

static int use_and_wait(void *arg)
{
	grow(*(int *)arg);
	return await_yield();
}

static char said[256];

static void say(void *arg, const char *name, uint32_t stack_bytes, uint32_t used_bytes)
{
	(void)arg;
	snprintf(said + strlen(said), sizeof said - strlen(said), "%s of %u: %s\n", name, stack_bytes >> 10,
	    used_bytes < 7 << 10    ? "little"
	    : used_bytes < 16 << 10 ? "some"
				    : "much");
}

static void view(void *arg, const struct task_view *v)
{
	*(uint32_t *)arg = v->used_bytes;
}

START_TEST (the_highest_marks_are_kept_by_name) {
	int none = 0, some = 8, much = 100;
	world_setup();
	task_measure_stacks(false);
	world_spawn("unmeasured", use, &some);
	task_measure_stacks(true);
	world_spawn("a", use, &some);
	world_spawn("a", use, &none);
	struct task_spec spec = {.name = "b", .stack = TASK_STACK_LARGE, .fn = use, .arg = &much};
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	world_spawn("c", use_and_wait, &none);
	world_spawn("c", use_and_wait, &some);
	world_turns(1);
	/* One that is alive counts. */
	uint32_t used;
	task_each(view, &used);
	ck_assert_uint_gt(used, 8 << 10);
	said[0] = '\0';
	task_each_mark(say, NULL);
	ck_assert_str_eq(said, "a of 16: some\nb of 256: much\nc of 16: some\n");
	world_run();
	world_clear();
	/* Only who asks has it. */
	world_setup();
	world_spawn("a", use, &none);
	world_run();
	said[0] = '\0';
	task_each_mark(say, NULL);
	ck_assert_str_eq(said, TASK_MEASURES ? "a of 16: little\n" : "");
	world_clear();
}
END_TEST

START_TEST (the_environment_asks_for_marks) {
	int none = 0;
	setenv("BAKERY_STACKS", _i == 0 ? "1" : "0", 1);
	world_setup();
	world_spawn("a", use, &none);
	world_run();
	said[0] = '\0';
	task_each_mark(say, NULL);
	ck_assert_str_eq(said, _i == 0 ? "a of 16: little\n" : "");
	world_clear();
}
END_TEST

static void count_row(void *arg, const char *name, uint32_t stack_bytes, uint32_t used_bytes)
{
	++*(unsigned *)arg;
	snprintf(said, sizeof said, "%s of %u: %s", name, stack_bytes >> 10,
	    used_bytes < 7 << 10 ? "little" : "much");
}

START_TEST (names_beyond_the_table_share_a_mark) {
	static char names[70][8];
	int none = 0, some = 8;
	world_setup();
	task_measure_stacks(true);
	for (int i = 0; i < 70; i++) {
		snprintf(names[i], sizeof names[i], "name%d", i);
		world_spawn(names[i], use, i == 66 ? &some : &none);
	}
	struct task_spec spec = {.name = "large", .stack = TASK_STACK_LARGE, .fn = use, .arg = &some};
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	world_run();
	unsigned rows = 0;
	task_each_mark(count_row, &rows);
	ck_assert_uint_eq(rows, 64);
	/* Of those, the one that has the least left. */
	ck_assert_str_eq(said, "(others) of 16: much");
	world_clear();
}
END_TEST

/* ---- beyond ---- */

static int overflow(void *arg)
{
	(void)arg;
	return grow(1000);
}

static void overflow_in_child(int fd)
{
	dup2(fd, STDERR_FILENO);
	world_setup();
	struct task_spec spec = {.name = "greedy", .id = 17, .fn = overflow};
	task_spawn(&spec, NULL);
	world_run();
	_exit(0);
}

START_TEST (an_overflow_ends_the_process_and_names_the_task) {
	int fds[2], status;
	ck_assert_int_eq(pipe(fds), 0);
	is_old_kernel = _i == 1;
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		overflow_in_child(fds[1]);
	close(fds[1]);
	FILE *output = fdopen(fds[0], "r");
	char line[512], ours[512] = "";
	/* A sanitizer may have something to say before, and has more after. */
	while (fgets(line, sizeof line, output))
		if (strncmp(line, "bakeryd: ", 9) == 0)
			strcpy(ours, line);
	fclose(output);
	ck_assert_str_eq(ours, "bakeryd: stack overflow in task greedy id=17: its stack of 16 KiB is full\n");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}
END_TEST

/* kill(2) and not a fault: nothing of ours happened, and the process ends all the same. */
START_TEST (a_signal_that_was_sent_is_not_swallowed) {
	int status;
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		world_setup();
		kill(getpid(), SIGSEGV);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("stack");
	tcase_add_checked_fixture(t, NULL, clear);
	tcase_add_test(t, stacks_have_their_size_and_are_apart);
	tcase_add_test(t, the_last_given_back_is_the_next_given_out);
	tcase_add_test(t, after_a_crowd_pages_go_back);
	tcase_add_test(t, an_address_in_a_guard_names_its_stack);
	tcase_add_test(t, a_task_on_a_used_stack_knows_nothing_of_the_last);
	tcase_add_test(t, a_stack_tells_how_much_of_it_was_touched);
	tcase_add_test(t, the_highest_marks_are_kept_by_name);
	tcase_add_loop_test(t, the_environment_asks_for_marks, 0, 2);
	tcase_add_test(t, names_beyond_the_table_share_a_mark);
	tcase_add_loop_test(t, an_overflow_ends_the_process_and_names_the_task, 0, 2);
	tcase_add_test(t, a_signal_that_was_sent_is_not_swallowed);
	/* As the leak checker's roots, so many take it minutes. Valgrind has not enough segments for them: CK_EXCLUDE_TAGS=crowd. */
	if (!SWITCH_ASAN) {
		TCase *crowd = unit_case("crowd");
		tcase_set_tags(crowd, "crowd");
		tcase_add_checked_fixture(crowd, NULL, clear);
		tcase_add_test(crowd, there_are_stacks_where_guards_would_use_up_the_mappings);
	}
	return unit_run();
}
