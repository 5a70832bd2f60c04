/*
 * What a recipe's steps do, as one number. It is stored with the results of steps, so it must be the same whenever the recipe is: numbers go in as eight bytes,
 * and before each text its length, so that nothing runs together.
 */
#define XXH_STATIC_LINKING_ONLY /* for the state as a variable: making one could fail for want of memory */
#include <string.h>
#include <xxhash.h>

#include "daemon/order/recipe.h"

static void add_number(XXH3_state_t *s, int64_t n)
{
	XXH3_64bits_update(s, &n, sizeof n);
}

static void add_text(XXH3_state_t *s, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	add_number(s, text ? (int64_t)len : -1);
	XXH3_64bits_update(s, text ? text : "", len);
}

static void add_texts(XXH3_state_t *s, char *const *texts)
{
	int64_t n = 0;
	while (texts && texts[n])
		n++;
	add_number(s, n);
	for (int64_t i = 0; i < n; i++)
		add_text(s, texts[i]);
}

static void add_pairs(XXH3_state_t *s, const struct conf_pair *pairs, size_t count)
{
	add_number(s, (int64_t)count);
	for (size_t i = 0; i < count; i++) {
		add_text(s, pairs[i].name);
		add_text(s, pairs[i].value);
	}
}

static void add_http(XXH3_state_t *s, const struct conf_http *http)
{
	add_text(s, http->method);
	add_text(s, http->url);
	add_pairs(s, http->headers, http->header_count);
	add_text(s, http->body);
	add_text(s, http->json);
	for (size_t i = 0; i < sizeof http->expect / sizeof *http->expect; i++) {
		if (http->expect[i])
			add_number(s, (int64_t)i);
	}
	add_number(s, -1);
	add_number(s, http->redirects);
	add_number(s, (int64_t)http->result_max);
	add_text(s, http->ca);
}

/* Not its pool, time limit and retries: where and how often it is tried does not change what it does. */
static void add_step(XXH3_state_t *s, const struct conf_step *step)
{
	add_text(s, step->name);
	add_number(s, step->kind);
	switch (step->kind) {
	case CONF_STEP_RUN:
		add_texts(s, step->run);
		add_text(s, step->stdin_text);
		break;
	case CONF_STEP_SLEEP:
		add_number(s, step->sleep_ms);
		add_text(s, step->times);
		break;
	case CONF_STEP_HTTP:
		add_http(s, &step->http);
		break;
	}
}

/* What placeholders stand for: not the bounds, which only say what is refused. */
static void add_params(XXH3_state_t *s, const struct conf_recipe *r)
{
	/* Without params standard input is the payload, unless the step says otherwise. */
	add_number(s, r->has_params ? (int64_t)r->param_count : -1);
	for (size_t i = 0; i < r->param_count; i++) {
		const struct conf_param *p = &r->params[i];
		add_text(s, p->name);
		add_number(s, p->type);
		add_text(s, p->default_json);
		add_number(s, p->under != NULL); /* then links are resolved */
	}
}

uint64_t recipe_digest(const struct conf_recipe *r)
{
	XXH3_state_t s;
	XXH3_64bits_reset(&s);
	add_number(&s, (int64_t)r->step_count);
	for (size_t i = 0; i < r->step_count; i++)
		add_step(&s, &r->steps[i]);
	add_params(&s, r);
	/* What all commands have in common. */
	add_pairs(&s, r->env, r->env_count);
	add_text(&s, r->chdir);
	add_number(&s, r->result);
	add_number(&s, (int64_t)r->result_max);
	uint64_t digest = XXH3_64bits_digest(&s);
	return digest ? digest : 1;
}
