/*
 * The window of a recipe against a simple model that holds everything: whatever comes in whatever order, the window's first is the next order of the
 * line, nothing is lost, nothing comes twice, and its bounds hold.
 *
 * The store is played here: a disk (what is queued), its news (told later, in order) and the answer of a refill (a look at the disk at some moment,
 * told after the news of before that moment, before or after the news since).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/rand.h"
#include "daemon/sched/window.h"
#include "tests/unit/unit.h"

/* ---- heads: the store's part ---- */

static int heads_alive;

void store_head_free(struct store_head *h)
{
	heads_alive -= h != NULL;
	free(h);
}

static struct store_head *new_head(int64_t id, int priority, int attempts, size_t payload)
{
	struct store_head *h = calloc(1, sizeof(*h) + payload);

	ck_assert_ptr_nonnull(h);
	h->id = id;
	h->priority = priority;
	h->attempts = attempts;
	h->has_payload = true;
	h->payload_len = payload;
	heads_alive++;
	return h;
}

/* ---- the model ---- */

enum { IDS = 4096 };

/* A sorted line of places. */
struct line {
	struct place at[IDS];
	size_t count;
};

static size_t line_search(const struct line *l, struct place p)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (place_before(l->at[middle], p))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool line_has(const struct line *l, struct place p)
{
	size_t i = line_search(l, p);

	return i < l->count && l->at[i].id == p.id && l->at[i].priority == p.priority;
}

static void line_add(struct line *l, struct place p)
{
	size_t i = line_search(l, p);

	ck_assert_uint_lt(l->count, IDS);
	memmove(&l->at[i + 1], &l->at[i], (l->count - i) * sizeof(l->at[0]));
	l->at[i] = p;
	l->count++;
}

static void line_remove(struct line *l, struct place p)
{
	size_t i = line_search(l, p);

	if (!line_has(l, p))
		return;
	l->count--;
	memmove(&l->at[i], &l->at[i + 1], (l->count - i) * sizeof(l->at[0]));
}

struct news {
	bool queued; /* else: not any more */
	int64_t id;
	int attempts;
};

struct world {
	struct window w;
	struct line disk; /* queued, by the store */
	struct line told; /* queued, by the news that were told and what is held */
	int priority[IDS];
	int attempts[IDS]; /* by the store */
	bool held[IDS], final[IDS];
	int64_t ids; /* so many exist */
	struct news queue[64 * IDS];
	size_t head, tail;
	/* the refill in flight */
	struct store_refill refill;
	enum { REFILL_NONE, REFILL_ASKED, REFILL_LOOKED } stage;
	size_t looked_at; /* the news of before the look end here */
	size_t payload;
	/* of what comes at random */
	uint64_t priorities, slowness;
	size_t backlog;
	int64_t takes, refills;
};

static struct place place_id(const struct world *o, int64_t id)
{
	return (struct place){o->priority[id], id};
}

static struct world *world_new(bool complete, size_t max, size_t max_bytes)
{
	struct world *o = calloc(1, sizeof(*o));

	ck_assert_ptr_nonnull(o);
	window_init(&o->w, complete);
	if (max) {
		o->w.main.max_count = o->w.late.max_count = max;
		o->w.main.max_bytes = o->w.late.max_bytes = max_bytes;
	}
	return o;
}

static void tell(struct world *o, bool queued, int64_t id)
{
	ck_assert_uint_lt(o->tail, sizeof(o->queue) / sizeof(o->queue[0]));
	o->queue[o->tail++] = (struct news){queued, id, o->attempts[id]};
}

static int64_t submit(struct world *o, int priority)
{
	int64_t id = o->ids++;

	o->priority[id] = priority;
	line_add(&o->disk, place_id(o, id));
	return id;
}

static void deliver(struct world *o)
{
	struct news n = o->queue[o->head];

	if (o->head == o->tail)
		return;
	o->head++;
	if (n.queued) {
		window_add(&o->w, new_head(n.id, o->priority[n.id], n.attempts, o->payload));
		line_remove(&o->told, place_id(o, n.id));
		line_add(&o->told, place_id(o, n.id));
	} else {
		window_remove(&o->w, n.id);
		line_remove(&o->told, place_id(o, n.id));
	}
}

static bool is_held(void *arg, int64_t id)
{
	return ((struct world *)arg)->held[id];
}

static void look(struct world *o)
{
	struct store_refill *r = &o->refill;
	struct place after = {r->after_priority, r->after_id + 1};
	size_t i = r->from_start ? 0 : line_search(&o->disk, after);

	r->heads = calloc((size_t)r->limit, sizeof(r->heads[0]));
	ck_assert_ptr_nonnull(r->heads);
	for (; i < o->disk.count && r->count < (size_t)r->limit; i++) {
		int64_t id = o->disk.at[i].id;

		r->heads[r->count++] = new_head(id, o->priority[id], o->attempts[id], o->payload);
	}
	r->end = i == o->disk.count;
	o->looked_at = o->tail;
	o->stage = REFILL_LOOKED;
}

/* One step of the refill in flight, if there is one or should be. */
static void refill_step(struct world *o)
{
	switch (o->stage) {
	case REFILL_NONE:
		if (window_wants_refill(&o->w)) {
			o->refill = (struct store_refill){.recipe = NULL};
			window_refill_begin(&o->w, &o->refill);
			o->stage = REFILL_ASKED;
			o->refills++;
		}
		break;
	case REFILL_ASKED:
		look(o);
		break;
	case REFILL_LOOKED:
		while (o->head < o->looked_at)
			deliver(o);
		window_refill_end(&o->w, &o->refill, 0, is_held, o);
		o->stage = REFILL_NONE;
		break;
	}
}

static void check_bounds(const struct world *o)
{
	ck_assert_uint_le(o->w.main.count, o->w.main.max_count);
	ck_assert_uint_le(o->w.late.count, o->w.late.max_count);
	if (o->w.main.count > 1)
		ck_assert_uint_le(o->w.main.bytes, o->w.main.max_bytes);
}

/* Takes the next, which must be the first of all that were told. Returns its id, or −1: nothing is known to be there. */
static int64_t take(struct world *o, bool exact)
{
	const struct store_head *first = window_first(&o->w);
	struct store_head *head = window_take(&o->w);
	int64_t id;

	ck_assert_ptr_eq(first, head);
	if (!head)
		return -1;
	id = head->id;
	ck_assert_msg(!o->held[id], "order %lld is taken twice", (long long)id);
	if (exact) {
		ck_assert_uint_gt(o->told.count, 0);
		ck_assert_msg(o->told.at[0].id == id, "order %lld is taken before %lld", (long long)id,
		    (long long)o->told.at[0].id);
		ck_assert_int_eq(head->attempts, o->attempts[id]);
	}
	line_remove(&o->told, place_id(o, id));
	o->held[id] = true;
	o->takes++;
	store_head_free(head);
	return id;
}

/* The store begins the attempt of a held order: false when it is not queued any more. */
static bool begin(struct world *o, int64_t id)
{
	if (!line_has(&o->disk, place_id(o, id)))
		return false;
	line_remove(&o->disk, place_id(o, id));
	o->attempts[id]++;
	return true;
}

/* The end of a held order that had begun. The run is not held any more when that is told: so both are told at once. */
static void end(struct world *o, int64_t id, bool again)
{
	while (o->head < o->tail)
		deliver(o);
	o->held[id] = false;
	if (again)
		line_add(&o->disk, place_id(o, id));
	else
		o->final[id] = true;
	tell(o, again, id);
	deliver(o);
}

static void settle(struct world *o)
{
	for (int i = 0;
	     i < 3 * IDS && (o->head < o->tail || o->stage != REFILL_NONE || window_wants_refill(&o->w));
	     i++) {
		while (o->head < o->tail)
			deliver(o);
		refill_step(o);
	}
	ck_assert_int_eq(o->stage, REFILL_NONE);
}

/* Everything that is queued comes, in order, and then nothing. */
static void take_all(struct world *o)
{
	settle(o);
	while (o->told.count > 0) {
		int64_t id = take(o, true);

		ck_assert_int_ge(id, 0);
		ck_assert(begin(o, id));
		end(o, id, false);
		check_bounds(o);
		settle(o);
	}
	ck_assert_ptr_null(window_first(&o->w));
	ck_assert_uint_eq(o->disk.count, 0);
}

static void world_free(struct world *o)
{
	window_clear(&o->w);
	free(o);
	ck_assert_int_eq(heads_alive, 0);
}

/* ---- cases ---- */

START_TEST (order_of_priority_then_id) {
	struct world *o = world_new(true, 0, 0);
	static const int priorities[] = {0, 5, 0, -3, 5, 100, -100};
	static const int64_t expected[] = {5, 1, 4, 0, 2, 3, 6};

	for (size_t i = 0; i < 7; i++)
		tell(o, true, submit(o, priorities[i]));
	settle(o);
	for (size_t i = 0; i < 7; i++)
		ck_assert_int_eq(take(o, true), expected[i]);
	ck_assert_ptr_null(window_first(&o->w));
	world_free(o);
}
END_TEST

START_TEST (a_backlog_costs_no_memory) {
	struct world *o = world_new(true, 0, 0);

	o->payload = 100;
	for (int i = 0; i < IDS - 1; i++) {
		tell(o, true, submit(o, 0));
		deliver(o);
		ck_assert_int_le(heads_alive, WINDOW_MAX);
	}
	ck_assert_uint_eq(window_count(&o->w), WINDOW_MAX);
	ck_assert(!window_wants_refill(&o->w));
	take_all(o);
	/* Half a window at a time: few refills. */
	ck_assert_int_le(o->refills, IDS / (WINDOW_MAX / 2) + 1);
	world_free(o);
}
END_TEST

START_TEST (large_payloads_are_bounded_by_bytes) {
	struct world *o = world_new(true, 0, 0);

	o->payload = STORE_INLINE_PAYLOAD;
	for (int i = 0; i < 2000; i++) {
		tell(o, true, submit(o, i % 3));
		deliver(o);
	}
	ck_assert_uint_le(o->w.main.bytes, WINDOW_MAX_BYTES);
	ck_assert_uint_gt(window_count(&o->w), WINDOW_MAX_BYTES / STORE_INLINE_PAYLOAD / 2);
	take_all(o);
	world_free(o);
}
END_TEST

START_TEST (a_full_window_takes_what_sorts_before_its_end) {
	struct world *o = world_new(true, 8, 1 << 20);
	int64_t urgent;

	for (int i = 0; i < 20; i++)
		tell(o, true, submit(o, 0));
	urgent = submit(o, 1);
	tell(o, true, urgent);
	settle(o);
	ck_assert_uint_eq(window_count(&o->w), 8);
	ck_assert_int_eq(take(o, true), urgent);
	ck_assert_int_eq(take(o, true), 0);
	world_free(o);
}
END_TEST

START_TEST (an_order_that_comes_back_is_in_its_place) {
	struct world *o = world_new(true, 8, 1 << 20);

	for (int i = 0; i < 20; i++)
		tell(o, true, submit(o, 0));
	settle(o);
	ck_assert_int_eq(take(o, true), 0);
	ck_assert(begin(o, 0));
	ck_assert_int_eq(take(o, true), 1);
	end(o, 0, true);
	ck_assert_int_eq(take(o, true), 0);
	ck_assert_int_eq(take(o, true), 2);
	world_free(o);
}
END_TEST

START_TEST (a_refill_that_failed_loses_nothing) {
	struct world *o = world_new(false, 8, 1 << 20);

	for (int i = 0; i < 30; i++)
		line_add(&o->told, place_id(o, submit(o, 0)));
	o->refill = (struct store_refill){.recipe = NULL};
	ck_assert(window_wants_refill(&o->w));
	window_refill_begin(&o->w, &o->refill);
	ck_assert(!window_wants_refill(&o->w));
	tell(o, true, submit(o, 3));
	deliver(o);
	window_refill_end(&o->w, &o->refill, -1, is_held, o);
	ck_assert(window_wants_refill(&o->w));
	take_all(o);
	world_free(o);
}
END_TEST

START_TEST (a_distrusted_window_finds_what_nobody_told) {
	struct world *o = world_new(true, 8, 1 << 20);
	int64_t untold;

	for (int i = 0; i < 3; i++)
		tell(o, true, submit(o, 0));
	settle(o);
	untold = submit(o, 9);
	ck_assert_int_eq(take(o, true), 0);
	window_distrust(&o->w);
	line_add(&o->told, place_id(o, untold));
	/* Order 0 is queued on disk still, but it is held. */
	settle(o);
	ck_assert_int_eq(take(o, true), untold);
	ck_assert_int_eq(take(o, true), 1);
	ck_assert_int_eq(take(o, true), 2);
	ck_assert_int_eq(take(o, true), -1);
	world_free(o);
}
END_TEST

START_TEST (many_leave_while_a_refill_is_in_flight) {
	struct world *o = world_new(false, 0, 0);

	for (int i = 0; i < IDS - 1; i++)
		line_add(&o->told, place_id(o, submit(o, 0)));
	refill_step(o);
	refill_step(o);
	ck_assert_int_eq(o->stage, REFILL_LOOKED);
	/* More than can be noted; what was read goes last. */
	for (int64_t i = 0; i < WINDOW_GONE_MAX + 1; i++) {
		tell(o, false, 1000 + i % 3000);
		deliver(o);
	}
	for (int64_t id = 1; id < o->ids; id++) {
		line_remove(&o->disk, place_id(o, id));
		tell(o, false, id);
		deliver(o);
	}
	take_all(o);
	ck_assert_int_eq(o->takes, 1);
	world_free(o);
}
END_TEST

/* ---- at random ---- */

static int64_t some_id(const struct world *o)
{
	return (int64_t)rand_below((uint64_t)o->ids);
}

/* begun: ids that are held, whose start the store has. */
static void random_step(struct world *o, bool *begun)
{
	/* One of the line, or any. */
	int64_t id = o->disk.count && rand_below(2) ? o->disk.at[rand_below(o->disk.count)].id
		     : o->ids                       ? some_id(o)
						    : 0;

	switch (rand_below(400) ? rand_below(14) : 14) {
	case 0:
	case 1:
	case 2:
		if (o->ids < IDS - 1 && o->disk.count < o->backlog)
			tell(o, true, submit(o, (int)rand_below(o->priorities)));
		break;
	case 3: /* cancel; a run of it hears by its refused start */
		if (o->ids && line_has(&o->disk, place_id(o, id))) {
			line_remove(&o->disk, place_id(o, id));
			o->final[id] = true;
			tell(o, false, id);
		}
		break;
	case 4: /* the retry of one that has ended */
		if (o->ids && o->final[id] && !o->held[id] && o->head == o->tail) {
			o->final[id] = false;
			line_add(&o->disk, place_id(o, id));
			tell(o, true, id);
		}
		break;
	case 5:
	case 6:
	case 7:
		if (o->head < o->tail)
			deliver(o);
		else
			/* A distrusted window is used as it is until it has been read again. */
			(void)take(o, o->w.main.end.priority != PLACE_FIRST.priority);
		break;
	case 8:
	case 9:
		if (o->ids && o->held[id] && !begun[id]) {
			begun[id] = begin(o, id);
			o->held[id] = begun[id];
		}
		break;
	case 10:
		if (o->ids && begun[id]) {
			end(o, id, rand_below(3) == 0);
			begun[id] = false;
		}
		break;
	case 11:
		deliver(o);
		break;
	case 14: /* a commit that nobody is told of */
		if (o->ids < IDS - 1 && o->disk.count < o->backlog) {
			id = submit(o, (int)rand_below(o->priorities));
			window_distrust(&o->w);
			line_add(&o->told, place_id(o, id));
		}
		break;
	default:
		if (rand_below(o->slowness) == 0)
			refill_step(o);
		break;
	}
	check_bounds(o);
}

START_TEST (random_news_against_a_model_that_holds_everything) {
	/* CK's index of the loop is the seed: a failure names it. */
	struct world *o = world_new(_i % 2 == 0, _i % 4 < 2 ? 8 : 32, _i % 8 < 4 ? 1 << 20 : 1500);
	static bool begun[IDS];
	char seed[16];

	snprintf(seed, sizeof(seed), "%d", _i + 1);
	setenv("BAKERY_SEED", seed, 1);
	rand_init();
	memset(begun, 0, sizeof(begun));
	o->payload = rand_below(2) * 40;
	o->priorities = (uint64_t[]){1, 4, 1000}[rand_below(3)];
	o->slowness = 1 + 20 * rand_below(2);
	o->backlog = (size_t[]){12, 100, IDS}[rand_below(3)];
	if (_i % 2) {
		for (size_t i = 0; i < 300 && i < o->backlog; i++)
			line_add(&o->told, place_id(o, submit(o, (int)rand_below(o->priorities))));
	}
	for (int i = 0; i < 20000; i++)
		random_step(o, begun);
	settle(o);
	for (int64_t id = 0; id < o->ids; id++) {
		if (begun[id] || (o->held[id] && begin(o, id)))
			end(o, id, false);
		o->held[id] = false;
	}
	take_all(o);
	ck_assert_int_gt(o->takes, 200);
	world_free(o);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("window");

	tcase_add_test(t, order_of_priority_then_id);
	tcase_add_test(t, a_backlog_costs_no_memory);
	tcase_add_test(t, large_payloads_are_bounded_by_bytes);
	tcase_add_test(t, a_full_window_takes_what_sorts_before_its_end);
	tcase_add_test(t, an_order_that_comes_back_is_in_its_place);
	tcase_add_test(t, a_refill_that_failed_loses_nothing);
	tcase_add_test(t, a_distrusted_window_finds_what_nobody_told);
	tcase_add_test(t, many_leave_while_a_refill_is_in_flight);
	t = unit_case("random");
	tcase_add_loop_test(t, random_news_against_a_model_that_holds_everything, 0, 40);
	return unit_run();
}
