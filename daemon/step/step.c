#include "daemon/step/step.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/step/inner.h"
#include "daemon/task/task.h"

/* ---- what they share ---- */

int steps_new(const struct conf *conf, struct steps **out)
{
	/* Not thread-safe in older versions: before there are threads of ours that could call it. */
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
	if (code != CURLE_OK) {
		log_error("libcurl cannot be set up", log_str("error", curl_easy_strerror(code)));
		return code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EIO;
	}
	struct steps *s = calloc(1, sizeof *s);
	int r = -ENOMEM;
	if (s) {
		s->conf = conf;
		hosts_init(&s->hosts, conf->limits.http_per_host, &s->stats.waiting);
		r = lookups_new(&s->stats.lookups, &s->lookups);
	}
	if (r == 0)
		r = transfers_new(task_loop(), &s->transfers);
	if (r < 0) {
		if (s)
			lookups_free(s->lookups);
		free(s);
		curl_global_cleanup();
		return r;
	}
	*out = s;
	return 0;
}

void steps_free(struct steps *s)
{
	if (!s)
		return;
	transfers_free(s->transfers);
	lookups_free(s->lookups);
	assert(!s->hosts.all);
	free(s);
	curl_global_cleanup();
}

void steps_stats_get(const struct steps *s, struct steps_stats *out)
{
	*out = s->stats;
	out->active = transfers_active(s->transfers);
}

/* ---- how a try ends ---- */

void step_succeeds(struct step_try *t, char *bytes, size_t len)
{
	t->bytes = bytes;
	t->outcome.cause = CAUSE_NONE;
	t->outcome.result = bytes ? bytes : "";
	t->outcome.result_len = len;
	t->outcome.result_total = len;
}

void step_fails(struct step_try *t, enum order_cause cause, bool permanent, const char *format, ...)
{
	char text[STEP_MESSAGE_MAX + 1];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	t->outcome.cause = cause;
	t->outcome.permanent = permanent;
	t->bytes = strdup(text);
	t->outcome.message = t->bytes ? t->bytes : "";
	t->outcome.message_len = strlen(t->outcome.message);
}

void step_refused(struct step_try *t, int error)
{
	t->outcome.cause = CAUSE_SPAWN;
	t->outcome.error = -error;
	t->outcome.message = err_text(error);
	t->outcome.message_len = strlen(t->outcome.message);
}

void step_try_clear(struct step_try *t)
{
	free(t->bytes);
	t->bytes = NULL;
	t->outcome.result = t->outcome.message = "";
	t->outcome.result_len = t->outcome.message_len = 0;
}

/* ---- time ---- */

int64_t step_deadline_ns(const struct step_time *time)
{
	if (time->limit_ms == CONF_NONE ||
	    time->limit_ms > (CLOCK_NEVER - time->began_ns - time->stood_ns) / NS_PER_MS)
		return CLOCK_NEVER;
	return time->began_ns + time->stood_ns + time->limit_ms * NS_PER_MS;
}

static int64_t limit_of(const struct step_try *t)
{
	int64_t step = t->step->timeout_ms, rest = t->budget_ms;
	return step == CONF_NONE || (rest != CONF_NONE && rest < step) ? rest : step;
}

/* ---- values ---- */

int await_step_values(struct step_try *t, struct step_time *time)
{
	int64_t came_ns = clock_mono_ns();
	int r = t->await_values ? t->await_values(t->arg) : 0;
	time->stood_ns += clock_mono_ns() - came_ns;
	return r;
}

void step_release_values(struct step_try *t)
{
	if (t->release_values)
		t->release_values(t->arg);
}

/* ---- sleep ---- */

struct sleeps {
	struct step_try *try;
	int64_t times;
};

static int expand_times(void *arg)
{
	struct sleeps *z = arg;
	struct step_try *t = z->try;
	char why[256];
	int r = recipe_times(t->recipe, t->step, &t->values, &z->times, why);
	if (r == -EINVAL)
		step_fails(t, CAUSE_PARAMS, true, "%s", why);
	else if (r < 0)
		step_refused(t, r);
	return r;
}

static int overslept(void *arg)
{
	const struct sleeps *z = arg;
	step_fails(z->try, CAUSE_TIMEOUT, false, "the time of %lld ms was over", (long long)limit_of(z->try));
	return 0;
}

/* One of the naps. ERR_TIMEOUT: the step's time is over. */
static int await_nap(int64_t ms, int64_t deadline_ns)
{
	if (ms == 0)
		return clock_mono_ns() >= deadline_ns ? ERR_TIMEOUT : await_yield();
	int64_t wakes_ns = clock_deadline_ms(ms);
	int r = await_sleep_until(wakes_ns < deadline_ns ? wakes_ns : deadline_ns);
	return r == 0 && deadline_ns < wakes_ns ? ERR_TIMEOUT : r;
}

static int await_sleeps(struct step_try *t, struct step_time *time)
{
	struct sleeps z = {.try = t};
	int r = await_step_values(t, time);
	if (r < 0)
		return r;
	r = task_call_big(expand_times, &z);
	step_release_values(t);
	if (r < 0)
		return 0;
	for (int64_t i = 0; r == 0 && i < z.times; i++) {
		step_waits(t, "sleep");
		r = await_nap(t->step->sleep_ms, step_deadline_ns(time));
	}
	if (r == ERR_TIMEOUT)
		return task_call_big(overslept, &z);
	if (r == 0)
		step_succeeds(t, NULL, 0);
	return r;
}

/* ---- a try ---- */

int await_step(struct steps *s, struct step_try *t)
{
	t->outcome = (struct order_outcome){
	    .exit = -1, .started_ms = clock_wall_ms(), .result = "", .message = ""};
	t->bytes = NULL;
	struct step_time time = {.limit_ms = limit_of(t), .began_ns = clock_mono_ns()};
	assert(!conf_step_is_heavy(t->step));
	int r = t->step->kind == CONF_STEP_SLEEP ? await_sleeps(t, &time) : await_http(s, t, &time);
	t->used_ms = (clock_mono_ns() - time.began_ns - time.stood_ns) / NS_PER_MS;
	t->outcome.finished_ms = clock_wall_ms();
	return r;
}
