/* Permits go to the first in the line, by priority and age, and none is ever lost or invented. */
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/task/semaphore.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

static struct semaphore sem;

struct taker {
	char letter;
	int priority;
	int64_t deadline_ns;
	int result;
	int next; /* of the wait after it */
};

static int take(void *arg)
{
	struct taker *t = arg;
	t->result = await_semaphore(&sem, t->priority, t->deadline_ns);
	world_mark(t->letter);
	t->next = await_yield();
	return 0;
}

START_TEST (as_many_as_there_are_permits) {
	semaphore_init(&sem, 2);
	struct taker t[] = {{'a', 0, CLOCK_NEVER, 1, 1}, {'b', 0, CLOCK_TRY, 1, 1}, {'c', 0, CLOCK_TRY, 1, 1},
	    {'d', 0, CLOCK_NEVER, 1, 1}};
	for (int i = 0; i < 4; i++)
		world_spawn("taker", take, &t[i]);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "abc");
	ck_assert_int_eq(t[0].result, 0);
	ck_assert_int_eq(t[1].result, 0);
	ck_assert_int_eq(t[2].result, ERR_TIMEOUT);
	semaphore_give(&sem);
	world_run();
	ck_assert_int_eq(t[3].result, 0);
	ck_assert_int_eq(sem.permits, 0);
	semaphore_give(&sem);
	ck_assert_int_eq(sem.permits, 1);
}
END_TEST

START_TEST (higher_priority_first_then_first_come_first_served) {
	semaphore_init(&sem, 0);
	struct taker t[] = {{'a', 1, CLOCK_NEVER, 1, 1}, {'b', 1, CLOCK_NEVER, 1, 1},
	    {'c', 5, CLOCK_NEVER, 1, 1}, {'d', -3, CLOCK_NEVER, 1, 1}, {'e', 5, CLOCK_NEVER, 1, 1},
	    {'f', 1, CLOCK_NEVER, 1, 1}, {'g', 9, CLOCK_NEVER, 1, 1}};
	for (int i = 0; i < 7; i++)
		world_spawn("taker", take, &t[i]);
	world_turns(1);
	for (int i = 0; i < 7; i++) {
		semaphore_give(&sem);
		world_turns(1);
	}
	world_run();
	ck_assert_str_eq(world_marks(), "gceabfd");
}
END_TEST

START_TEST (nobody_overtakes_who_was_given_a_permit) {
	semaphore_init(&sem, 0);
	struct taker a = {'a', 0, CLOCK_NEVER, 1, 1}, late = {'l', 100, CLOCK_TRY, 1, 1};
	world_spawn("late", take, &late);
	world_turns(2);
	ck_assert_int_eq(late.result, ERR_TIMEOUT);
	world_spawn("a", take, &a);
	world_turns(1);
	semaphore_give(&sem);
	ck_assert(!semaphore_try(&sem));
	world_run();
	ck_assert_int_eq(a.result, 0);
	ck_assert(!semaphore_try(&sem));
	semaphore_give(&sem);
	ck_assert(semaphore_try(&sem));
	ck_assert(!semaphore_try(&sem));
}
END_TEST

START_TEST (who_has_a_permit_and_is_then_cancelled_has_it) {
	semaphore_init(&sem, 0);
	struct taker a = {'a', 0, CLOCK_NEVER, 1, 1};
	struct task *t = world_spawn("a", take, &a);
	world_turns(1);
	semaphore_give(&sem);
	task_cancel(t);
	world_run();
	ck_assert_int_eq(a.result, 0);
	ck_assert_int_eq(a.next, ERR_CANCELLED);
	ck_assert_int_eq(sem.permits, 0);
}
END_TEST

START_TEST (a_permit_is_not_spent_on_who_was_cancelled_or_late) {
	clock_test_hold(true);
	semaphore_init(&sem, 0);
	struct taker a = {'a', 0, CLOCK_NEVER, 1, 1}, b = {'b', 0, clock_deadline_ms(1000), 1, 1},
		     c = {'c', 0, CLOCK_NEVER, 1, 1};
	struct task *t = world_spawn("a", take, &a);
	world_spawn("b", take, &b);
	world_spawn("c", take, &c);
	world_turns(1);
	clock_test_advance(2000 * NS_PER_MS, 0);
	task_cancel(t);
	semaphore_give(&sem); /* b is late, and has not been told yet: the permit may still be its */
	world_turns(2);
	ck_assert_int_eq(a.result, ERR_CANCELLED);
	ck_assert_int_eq(b.result, 0);
	ck_assert_int_eq(c.result, 1);
	semaphore_give(&sem);
	world_run();
	ck_assert_int_eq(c.result, 0);
	ck_assert_int_eq(sem.permits, 0);
}
END_TEST

START_TEST (a_cancelled_task_takes_no_free_permit) {
	semaphore_init(&sem, 1);
	struct taker a = {'a', 0, CLOCK_NEVER, 1, 1};
	task_cancel(world_spawn("a", take, &a));
	world_run();
	ck_assert_int_eq(a.result, ERR_CANCELLED);
	ck_assert_int_eq(sem.permits, 1);
}
END_TEST

START_TEST (resized_while_permits_are_out) {
	semaphore_init(&sem, 3);
	for (int i = 0; i < 3; i++)
		ck_assert(semaphore_try(&sem));
	semaphore_resize(&sem, -2);
	ck_assert_int_eq(sem.permits, -2);
	struct taker t[] = {{'a', 0, CLOCK_NEVER, 1, 1}, {'b', 0, CLOCK_NEVER, 1, 1}};
	for (int i = 0; i < 2; i++)
		world_spawn("taker", take, &t[i]);
	world_turns(1);
	semaphore_give(&sem);
	semaphore_give(&sem);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "");
	semaphore_give(&sem);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "a");
	semaphore_resize(&sem, 2);
	world_run();
	ck_assert_str_eq(world_marks(), "ab");
	ck_assert_int_eq(sem.permits, 1);
}
END_TEST

/* ---- many, at random ---- */

enum { TAKERS = 40, PERMITS = 3 };
static int held, most;

static int take_and_give(void *arg)
{
	unsigned seed = *(unsigned *)arg;
	for (int i = 0; i < 50; i++) {
		seed = seed * 1664525 + 1013904223;
		int r = await_semaphore(
		    &sem, (int)(seed >> 16) % 3, seed >> 28 == 0 ? CLOCK_TRY : CLOCK_NEVER);
		if (r == ERR_CANCELLED)
			return r;
		if (r == 0) {
			most = ++held > most ? held : most;
			r = await_yield();
			held--;
			semaphore_give(&sem);
		}
	}
	return 0;
}

START_TEST (never_more_holders_than_permits_and_all_come_back) {
	unsigned seeds[TAKERS];
	struct task *tasks[TAKERS];
	semaphore_init(&sem, PERMITS);
	for (unsigned i = 0; i < TAKERS; i++) {
		seeds[i] = i;
		tasks[i] = world_spawn("taker", take_and_give, &seeds[i]);
	}
	for (int i = 0; i < TAKERS / 2; i++) {
		world_turns(3);
		task_cancel(tasks[i * 2]);
	}
	world_run();
	ck_assert_int_eq(most, PERMITS);
	ck_assert_int_eq(held, 0);
	ck_assert_int_eq(sem.permits, PERMITS);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("semaphore");
	tcase_add_checked_fixture(t, world_setup, world_clear);
	tcase_add_test(t, as_many_as_there_are_permits);
	tcase_add_test(t, higher_priority_first_then_first_come_first_served);
	tcase_add_test(t, nobody_overtakes_who_was_given_a_permit);
	tcase_add_test(t, who_has_a_permit_and_is_then_cancelled_has_it);
	tcase_add_test(t, a_permit_is_not_spent_on_who_was_cancelled_or_late);
	tcase_add_test(t, a_cancelled_task_takes_no_free_permit);
	tcase_add_test(t, resized_while_permits_are_out);
	tcase_add_test(t, never_more_holders_than_permits_and_all_come_back);
	return unit_run();
}
