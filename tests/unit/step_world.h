/*
 * A loop with tasks, light steps and a server, for tests of the steps: each test fills in a recipe and carries out tries of it.
 */
#ifndef BAKERY_TESTS_UNIT_STEP_WORLD_H
#define BAKERY_TESTS_UNIT_STEP_WORLD_H

#include "daemon/step/step.h"
#include "tests/unit/step_server.h"
#include "tests/unit/task_world.h"

/* One try, its recipe of one step, and how it ended. */
struct trial {
	struct conf_recipe recipe;
	struct conf_step step;
	struct step_try try;
	char url[512];
	char waited[64]; /* the first letter of each wait */
	char mark;       /* of world_mark(), at its end */
	struct task *task;
	int r; /* what await_step() said; 1: it has not ended */
};

extern struct conf world_conf;
extern struct steps *world_steps;
extern struct step_server *world_server;

/* Fixtures of a test case. */
void step_world_setup(void);
void step_world_clear(void);

/* A GET of the server's path, or of a whole URL; 2xx is expected, result_max is 1 MiB, redirects are off, no time limit. */
void trial_init(struct trial *x, const char *path);
/* Begins it in a task. */
void trial_spawn(struct trial *x);
/* Carries it out, to its end. */
void trial_run(struct trial *x);
void trial_clear(struct trial *x);

/* The three together: they assert how it ended. The message must contain the text. */
void expect_result(struct trial *x, size_t len);
void expect_failure(struct trial *x, enum order_cause cause, bool permanent, const char *text);

#endif
