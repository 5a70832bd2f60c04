/*
 * The store: what is known about orders, durably. One interface at the level of what happens to orders; the engine behind it (SQLite) is nobody
 * else's business, and nothing outside this room knows SQL.
 *
 * Writes go to one writer thread, which takes all that is pending, applies it in one transaction, commits with fsync, and only then makes the futures
 * final: group commit with no timer. Reads go to a reader thread with a connection of its own, in short transactions. All functions belong to the
 * loop's thread, return at once, and never block it.
 *
 * Every request is a struct of the caller that begins with a struct store_op: fill in the first part, call, wait for op.done
 * (await_future_shielded, or a callback), read the second part. Everything that it points to is borrowed until then. op.done's error is one of:
 *   ERR_STORAGE    refused before anything was written: certainly not stored
 *   ERR_UNCERTAIN  the commit failed: perhaps stored; repeat with the same key
 *   and those named at each request.
 *
 * Events: after each commit, and before the futures of that commit are final, on_events() is told of every change of state in
 * the order of the sequence numbers. Invariants and transaction boundaries: README.md in this folder.
 */
#ifndef BAKERY_STORE_STORE_H
#define BAKERY_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/order/order.h"
#include "daemon/task/future.h"
#include "proto/buf.h"

struct store;
struct loop;

/* Payloads up to this many bytes come with the head; larger ones are read when the order starts. */
enum { STORE_INLINE_PAYLOAD = 4096 };

/* What the scheduler needs to know of a queued order. Made by the store, owned by whoever it was handed to. */
struct store_head {
	int64_t id;
	int priority;
	int attempts;       /* that have begun */
	int charged;        /* of these, how many count against retries */
	int lost;           /* times that it took its worker down with it */
	int64_t timeout_ms; /* the order's own; −1: the recipe's */
	int retries;        /* the order's own; −1: the recipe's */
	int64_t created_ms;
	const char *recipe;    /* interned: valid as long as the store, same pointer for same name */
	const char *user;      /* interned */
	bool cancel_requested; /* store_recover only */
	bool has_payload;      /* payload is here */
	size_t payload_len;
	char payload[]; /* when has_payload */
};
void store_head_free(struct store_head *h);

struct store_event {
	uint64_t seq;
	int64_t id;
	int64_t time_ms;
	const char *recipe, *user; /* interned */
	enum order_state state;
	enum order_cause cause;
	int attempt, exit, signal;
	/* For state queued: the order for the scheduler's window. The receiver takes it by setting NULL; else the store frees it. */
	struct store_head *head;
};

struct store_options {
	const char *dir;     /* must be there, writable, locked by the caller */
	int sync;            /* enum in struct conf: 0 full, 1 normal, 2 off */
	const char *owner;   /* who holds claims: a name of this daemon's run */
	uint64_t max_queued; /* more than so many orders not final: ERR_QUEUEFULL */
	struct loop *loop;
	void (*on_events)(void *arg, struct store_event *events, size_t count);
	void *arg;
};

/* Opens or creates. 0; ERR_NEWER (written by a newer version), ERR_CORRUPT, or a negative errno value; why says more, naming the file. */
int store_open(const struct store_options *o, struct store **out, char why[static 256]);
/* Finishes what is pending, checkpoints, closes. Blocks; no task may be waiting. NULL is fine. */
void store_close(struct store *s);
/* Name → the interned pointer that heads and events carry. NULL when memory is refused. */
const char *store_intern(struct store *s, const char *name, size_t len);
/* The same for a name that comes from outside and may be any: nothing is kept of it. NULL: no order has it. */
const char *store_find_name(struct store *s, const char *name, size_t len);

struct store_op {
	STAILQ_ENTRY(store_op) entry;
	int kind, error;
	struct future done;
};

/* ---- writes ---- */

/* A new order. KEYCONFLICT: the key belongs to another payload, and id says to which order. QUEUEFULL; a key that is known is answered also then. */
struct store_submit {
	struct store_op op;
	const char *recipe, *user; /* interned */
	struct slice payload;      /* canonical */
	struct slice key;          /* len 0: none */
	int priority;
	int64_t delay_ms;   /* 0: queued at once; else scheduled, due at submission + delay */
	int64_t timeout_ms; /* −1: the recipe's */
	int retries;        /* −1: the recipe's */
	/* out */
	int64_t id;
	bool existed; /* the key was known: id is the earlier order's */
};
void store_submit(struct store *s, struct store_submit *r);

/* queued → running, attempt `attempt`. ERR_STATE: it is not queued any more (cancelled meanwhile), or attempt is not the next one. */
struct store_start {
	struct store_op op;
	int64_t id;
	int attempt;
	int worker; /* number in its pool, for ATTEMPTS */
};
void store_start(struct store *s, struct store_start *r);

/*
 * A step that is not the last has ended well: its result is durable before the next begins. Guarded as a finish is: only while this attempt runs, else
 * ERR_STATE. What is stored of this step and of later ones (of an earlier form of the recipe) is replaced.
 */
struct store_step {
	struct store_op op;
	int64_t id;
	int attempt, step;
	uint64_t digest; /* of the recipe (recipe_digest) */
	bool cut;
	struct slice result;
};
void store_step(struct store *s, struct store_step *r);

/* The end of an attempt, and what comes next. Guarded: only from running with this attempt, else ERR_STATE and nothing changes but a counter. */
struct store_finish {
	struct store_op op;
	int64_t id;
	int attempt;
	enum order_state next;        /* done, failed, cancelled; queued or scheduled: another attempt */
	enum order_cause cause;       /* of the order, when next is final; usually outcome.cause */
	int64_t delay_ms;             /* for scheduled: from now */
	bool charge;                  /* counts against retries */
	bool lost;                    /* counts towards poison_after */
	const char *step;             /* interned: in which it failed; NULL: in none, or there is only one */
	struct order_outcome outcome; /* of the attempt; its result is kept when next is done or failed */
};
void store_finish(struct store *s, struct store_finish *r);

/* NOTFOUND, GONE. */
struct store_cancel {
	struct store_op op;
	int64_t id;
	const char *by; /* user */
	struct slice reason;
	/* out */
	enum {
		STORE_CANCEL_FINAL,
		STORE_CANCEL_DONE,
		STORE_CANCEL_REQUESTED
	} what;                 /* was final before; is cancelled now; is running: requested */
	enum order_state state; /* as it is now */
};
void store_cancel(struct store *s, struct store_cancel *r);

/* Orders whose time has come: scheduled → queued, at most `limit`, the longest due first. */
struct store_promote {
	struct store_op op;
	int limit;
	/* out */
	int promoted;
	int64_t next_due_ms; /* wall clock; INT64_MAX: nothing is scheduled that can be promoted */
};
void store_promote(struct store *s, struct store_promote *r);

/* Pauses or resumes a recipe, across restarts. */
struct store_pause {
	struct store_op op;
	const char *recipe; /* interned */
	bool paused;
	const char *by;
	struct slice reason;
};
void store_pause(struct store *s, struct store_pause *r);

/* ---- reads that the scheduler needs; done by the writer thread, between commits, so that they see all that was submitted before ---- */

/* The next queued orders of a recipe, by priority (higher first), then id, strictly after (priority, id). */
struct store_refill {
	struct store_op op;
	const char *recipe; /* interned */
	bool from_start;
	int after_priority;
	int64_t after_id;
	int limit;
	/* out: malloc'ed array of heads, both the caller's */
	struct store_head **heads;
	size_t count;
	bool end; /* nothing is left beyond these */
};
void store_refill(struct store *s, struct store_refill *r);

/* What a restarted daemon must know: every running order, every recipe that has queued orders, every pause, the next due time. */
struct store_recover {
	struct store_op op;
	/* out: malloc'ed, the caller's; heads[i]->attempts is the attempt that is running */
	struct store_head **running;
	size_t running_count;
	const char **recipes; /* interned */
	size_t recipe_count;
	const char **paused; /* interned */
	size_t paused_count;
	int64_t next_due_ms;
};
void store_recover(struct store *s, struct store_recover *r);

/* ---- reads: by the reader thread; they see every commit whose futures were final before the call ---- */

struct store_order {
	int64_t id;
	const char *recipe, *user; /* interned */
	enum order_state state;
	enum order_cause cause;
	int attempt, charged, retries, priority, worker;
	int exit, signal, error;
	const char *step; /* interned: where the last attempt failed; NULL: not known, or the only one */
	int64_t timeout_ms, created_ms, due_ms, queued_ms, started_ms, finished_ms, cpu_ms,
	    max_rss_kib; /* 0: not yet */
	uint64_t seq;    /* of its last event */
	bool has_result, result_cut, cancel_requested;
	uint64_t result_bytes, result_total, payload_bytes;
	char *key, *message, *by, *reason; /* NULL: none; NUL-terminated */
	size_t message_len;
};
void store_order_clear(struct store_order *o);

/* NOTFOUND, GONE. */
struct store_get {
	struct store_op op;
	int64_t id;
	struct store_order order; /* out; the caller clears it */
};
void store_get(struct store *s, struct store_get *r);

/* The payload or the result, or a part of it; bytes is NULL when the order ended without a result. NOTFOUND, GONE; for a result: PENDING while the order is not final. ERR_CORRUPT: the checksum is wrong. */
struct store_read {
	struct store_op op;
	int64_t id;
	bool payload; /* else the result */
	uint64_t offset, limit;
	/* out: malloc'ed, the caller's */
	char *bytes;
	size_t len;
	uint64_t kept, total; /* of a result: bytes kept, bytes that the job wrote */
	bool cut;
};
void store_read(struct store *s, struct store_read *r);

/*
 * The results of an order's steps, kept until it is done. How many of the first are there, without a gap, of this form of the recipe; and the bytes of
 * those that are wanted. NOTFOUND, GONE; ERR_CORRUPT: a checksum is wrong.
 */
struct store_steps {
	struct store_op op;
	int64_t id;
	uint64_t digest;
	uint64_t wanted; /* bit n: the bytes of step n */
	/* out */
	int count;
	struct store_step_result {
		int step;
		bool cut;
		char *bytes;
		size_t len;
	} * results; /* the wanted ones that are among the first count, in order; malloc'ed, the caller's: store_steps_clear() */
	size_t result_count;
};
void store_steps(struct store *s, struct store_steps *r);
void store_steps_clear(struct store_steps *r);

/* Newest first, without messages. Bounded work: may return fewer than asked (at most 1,000) with a cursor, as SCAN does. */
struct store_list {
	struct store_op op;
	uint32_t states;            /* bit per enum order_state; 0: all */
	const char *recipe, *user;  /* interned; NULL: all */
	enum order_cause cause;     /* CAUSE_NONE: all */
	int64_t since_ms, until_ms; /* of creation; 0: open */
	int64_t cursor;             /* 0: from the newest; else ids below it */
	int count;
	/* out: malloc'ed, the caller's */
	struct store_order *orders;
	size_t order_count;
	int64_t next_cursor; /* 0: the end */
};
void store_list(struct store *s, struct store_list *r);

/* How many orders would start before this one in its recipe (at most `limit` are counted), and who holds it up. NOTFOUND, ERR_STATE when it is not queued. */
struct store_place {
	struct store_op op;
	int64_t id;
	int limit;
	/* out */
	int place;               /* from 0 */
	char paused_by[65];      /* who has paused the recipe; empty when nobody has, */
	char paused_reason[121]; /* and its beginning: why */
};
void store_place(struct store *s, struct store_place *r);

/* ---- counters: a copy as of the last commit; does not block ---- */
struct store_stats {
	uint64_t by_state[ORDER_STATES];
	uint64_t seq, commits, ops, stale_finishes, storage_errors;
	uint64_t wal_bytes, db_bytes;
	uint64_t commit_ops[16]; /* histogram: operations a commit, by power of two */
	uint64_t commit_us[24];  /* histogram: microseconds a commit, by power of two */
	int64_t writer_cpu_ms, reader_cpu_ms;
};
void store_stats_get(struct store *s, struct store_stats *out);
/* The same by recipe, for RECIPES. Counts of states of one recipe. */
void store_recipe_counts(struct store *s, const char *recipe, uint64_t by_state[static ORDER_STATES]);

#endif
