/* A scope: no task outlives it, however it is closed, and memory that is refused leaves everything as it was. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "tests/unit/refuse.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);

void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	if (refuse_now()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return __real_mmap(at, n, prot, flags, fd, offset);
}

static struct scope *scope;

/* Only a cancel ends it. */
static int sleep_then_mark(void *arg)
{
	int r = await_sleep_until(CLOCK_NEVER);
	world_mark(*(char *)arg);
	return r;
}

static void spawn_in(struct scope *s, const char *name, int (*fn)(void *arg), void *arg)
{
	struct task_spec spec = {.name = name, .fn = fn, .arg = arg, .scope = s};
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
}

static int open_and_close(void *arg)
{
	char *letters = arg;
	ck_assert_int_eq(scope_new(&scope, "scope"), 0);
	for (int i = 0; letters[i]; i++)
		spawn_in(scope, "member", sleep_then_mark, letters + i);
	ck_assert_uint_eq(scope_count(scope), 3);
	await_yield();
	world_mark('(');
	await_scope_close(scope);
	world_mark(')');
	return 0;
}

START_TEST (closing_cancels_and_waits) {
	char letters[] = "abc";
	world_spawn("owner", open_and_close, letters);
	world_run();
	ck_assert_str_eq(world_marks(), "(abc)");
}
END_TEST

START_TEST (a_cancelled_owner_still_waits_for_its_tasks) {
	char letters[] = "abc";
	struct task *owner = world_spawn("owner", open_and_close, letters);
	task_cancel(owner);
	world_run();
	ck_assert_str_eq(world_marks(), "(abc)");
}
END_TEST

static int close_empty(void *arg)
{
	(void)arg;
	ck_assert_int_eq(scope_new(&scope, "empty"), 0);
	await_scope_close(scope);
	world_mark('e');
	return 0;
}

START_TEST (an_empty_scope_closes_at_once) {
	world_spawn("owner", close_empty, NULL);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "e");
}
END_TEST

static int spawn_when_cancelled(void *arg)
{
	await_sleep_until(CLOCK_NEVER);
	spawn_in(scope, "late", sleep_then_mark, arg);
	return 0;
}

static int own_one_that_spawns(void *arg)
{
	ck_assert_int_eq(scope_new(&scope, "scope"), 0);
	spawn_in(scope, "spawner", spawn_when_cancelled, arg);
	await_yield();
	await_scope_close(scope);
	world_mark(')');
	return 0;
}

START_TEST (who_is_spawned_into_a_closing_scope_is_born_cancelled) {
	char l = 'l';
	world_spawn("owner", own_one_that_spawns, &l);
	world_run();
	ck_assert_str_eq(world_marks(), "l)");
}
END_TEST

static int wait_shielded(void *arg)
{
	ck_assert_int_eq(await_future_shielded(arg), 0);
	world_mark('s');
	ck_assert_int_eq(await_yield(), ERR_CANCELLED);
	return 0;
}

static int own_a_shielded_one(void *arg)
{
	ck_assert_int_eq(scope_new(&scope, "scope"), 0);
	spawn_in(scope, "shielded", wait_shielded, arg);
	await_yield();
	await_scope_close(scope);
	world_mark(')');
	return 0;
}

START_TEST (closing_waits_for_who_is_shielded) {
	struct future f;
	future_init(&f, "commit");
	world_spawn("owner", own_a_shielded_one, &f);
	world_turns(5);
	ck_assert_str_eq(world_marks(), "");
	future_set_result(&f, NULL);
	world_run();
	ck_assert_str_eq(world_marks(), "s)");
}
END_TEST

static int end_at_once(void *arg)
{
	(void)arg;
	return 0;
}

static int owner_of_the_quick(void *arg)
{
	(void)arg;
	ck_assert_int_eq(scope_new(&scope, "scope"), 0);
	spawn_in(scope, "quick", end_at_once, NULL);
	await_yield();
	await_yield();
	ck_assert_uint_eq(scope_count(scope), 0);
	await_scope_close(scope);
	return 0;
}

START_TEST (ended_tasks_leave_their_scope) {
	world_spawn("owner", owner_of_the_quick, NULL);
	world_run();
}
END_TEST

static int spawn_quick_then_cancel(void *arg)
{
	ck_assert_int_eq(scope_new(&scope, "scope"), 0);
	spawn_in(scope, "quick", end_at_once, NULL);
	for (int i = 0; i < 3; i++)
		await_yield();
	/* On the stack that has just been given back. */
	struct task *other = world_spawn("other", sleep_then_mark, arg);
	await_yield();
	scope_cancel(scope);
	await_yield();
	await_yield();
	world_mark('.');
	task_cancel(other);
	await_scope_close(scope);
	return 0;
}

START_TEST (a_scope_cancels_nobody_that_is_not_its_own) {
	char o = 'o';
	world_spawn("owner", spawn_quick_then_cancel, &o);
	world_run();
	ck_assert_str_eq(world_marks(), ".o");
}
END_TEST

static void see_owner(void *arg, const struct task_view *v)
{
	if (strcmp(v->name, "owner") == 0)
		snprintf(arg, 64, "%s %s", v->state, v->on ? v->on : "-");
}

START_TEST (who_closes_is_seen_to_wait_for_the_scope) {
	char seen[64] = "";
	struct future f;
	future_init(&f, "commit");
	world_spawn("owner", own_a_shielded_one, &f);
	world_turns(3);
	task_each(see_owner, seen);
	ck_assert_str_eq(seen, "waiting scope");
	future_set_result(&f, NULL);
	world_run();
}
END_TEST

/* ---- memory refused at each allocation ---- */

enum { CROWD = 200 };
static int refusals, refused_waits;

static int clean_up_count;

static void clean_up(void *arg)
{
	(void)arg;
	clean_up_count--;
}

static int sleep_with_clean_up(void *arg)
{
	(void)arg;
	int r = task_defer(clean_up, NULL);
	if (r < 0) {
		refusals++;
		return r;
	}
	clean_up_count++;
	r = await_sleep_ms(1000);
	refused_waits += r == -ENOMEM;
	return r;
}

static int use_memory(void *arg)
{
	(void)arg;
	struct scope *s;
	int r = scope_new(&s, "crowd");
	if (r < 0) {
		refusals++;
		return r;
	}
	for (int i = 0; i < CROWD && r == 0; i++) {
		struct task_spec spec = {
		    .name = "one", .fn = sleep_with_clean_up, .scope = s, .stack = i % 3};
		r = task_spawn(&spec, NULL);
	}
	if (r < 0)
		refusals++;
	refused_waits += await_yield() != 0 || await_sleep_ms(1) != 0;
	await_scope_close(s);
	return r;
}

START_TEST (refused_memory_is_an_error_and_leaves_nothing) {
	bool was_refused;
	long n = 0;
	do {
		refusals = 0;
		world_setup();
		refuse_memory_after(n++);
		int r = task_spawn(&(struct task_spec){.name = "user", .fn = use_memory}, NULL);
		if (r == 0)
			world_run();
		refuse_memory_never();
		was_refused = r < 0 || refusals > 0;
		if (r < 0)
			ck_assert_int_eq(r, -ENOMEM);
		ck_assert_int_eq(clean_up_count, 0);
		/* Who lives can wait. */
		ck_assert_int_eq(refused_waits, 0);
		world_clear();
	} while (was_refused);
	/* At least: slabs of three sizes, two allocations each, many of them; places of timers; a scope;
	 * clean-ups. */
	ck_assert_int_gt(n, CROWD);
}
END_TEST

static int sleep_a_little(void *arg)
{
	(void)arg;
	return await_sleep_ms(0) == 0 ? await_sleep_until(clock_mono_ns() + 1) : -1;
}

START_TEST (after_the_first_a_life_needs_no_memory) {
	int refused = 0;
	struct task_spec spec = {.name = "one of many", .fn = sleep_a_little};
	world_setup();
	for (int i = 0; i < 1000; i++) {
		refused += task_spawn(&spec, NULL) < 0;
		world_run();
		world_turns(2);
		refuse_memory_after(0);
	}
	refuse_memory_never();
	ck_assert_int_eq(refused, 0);
	world_clear();
}
END_TEST

START_TEST (a_runtime_without_memory_is_not_set_up) {
	struct loop *loop;
	ck_assert_int_eq(loop_new(&loop), 0);
	refuse_memory_after(0);
	int r = task_runtime_init(loop);
	refuse_memory_never();
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_int_eq(task_runtime_init(loop), 0);
	task_runtime_clear();
	loop_free(loop);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("scope");
	tcase_add_checked_fixture(t, world_setup, world_clear);
	tcase_add_test(t, closing_cancels_and_waits);
	tcase_add_test(t, a_cancelled_owner_still_waits_for_its_tasks);
	tcase_add_test(t, an_empty_scope_closes_at_once);
	tcase_add_test(t, who_is_spawned_into_a_closing_scope_is_born_cancelled);
	tcase_add_test(t, closing_waits_for_who_is_shielded);
	tcase_add_test(t, ended_tasks_leave_their_scope);
	tcase_add_test(t, a_scope_cancels_nobody_that_is_not_its_own);
	tcase_add_test(t, who_closes_is_seen_to_wait_for_the_scope);
	TCase *m = unit_case("memory");
	tcase_add_test(m, refused_memory_is_an_error_and_leaves_nothing);
	tcase_add_test(m, after_the_first_a_life_needs_no_memory);
	tcase_add_test(m, a_runtime_without_memory_is_not_set_up);
	return unit_run();
}
