/*
 * The configuration: one YAML file (and those that it includes), read strictly into plain structs. Unknown keys, wrong types, bare durations and
 * duplicates are errors with file:line:column and the nearest known key; all errors are reported at once. bakery.yaml(5) is the manual.
 *
 * A struct conf is immutable once made; everything in it belongs to it until conf_free(). Strings are never NULL unless said. Knows nothing of the daemon.
 */
#ifndef BAKERY_CONF_CONF_H
#define BAKERY_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_place {
	const char *file; /* NULL: a default, not written anywhere */
	int line, column; /* from 1 */
};

enum { CONF_NONE = -1 }; /* a duration or limit that is "none" */

struct conf_listen {
	struct conf_place place;
	enum { CONF_LISTEN_UNIX, CONF_LISTEN_TCP } kind;
	char *path;    /* unix */
	unsigned mode; /* unix; default 0660 */
	char *group;   /* unix; NULL: unchanged */
	char *host;    /* tcp, without brackets */
	uint16_t port; /* tcp; 0: any free one (the log says which) */
};

struct conf_pool {
	struct conf_place place;
	char *name;
	int workers;
	char *user; /* whom jobs run as; NULL: the daemon's own */
};

enum conf_param_type {
	CONF_PARAM_STRING,
	CONF_PARAM_INTEGER,
	CONF_PARAM_NUMBER,
	CONF_PARAM_BOOLEAN,
	CONF_PARAM_PATH,
	CONF_PARAM_LIST
};

struct conf_param {
	struct conf_place place;
	char *name;
	enum conf_param_type type;
	bool required, allow_dash;
	char *default_json; /* NULL: none. A JSON text of the right type */
	int64_t max;        /* string: characters; CONF_NONE */
	bool has_minimum, has_maximum;
	double minimum, maximum; /* integer and number; exact for |integers| up to 2^53, which is checked */
	char *pattern;           /* string: POSIX extended regular expression, anchored; NULL */
	char **one_of;           /* string; NULL-terminated; NULL */
	char **under;            /* path; NULL-terminated; NULL */
};

struct conf_pair {
	char *name, *value;
};

enum conf_result { CONF_RESULT_STDOUT, CONF_RESULT_NONE };

/* An HTTP request. Texts with placeholders, where it says so. */
struct conf_http {
	char *method;              /* "GET", or "POST" with body or json, when it is not written */
	char *url;                 /* http or https, with placeholders, none of them before the path */
	struct conf_pair *headers; /* values with placeholders */
	size_t header_count;
	char *body;          /* with placeholders; NULL: none */
	char *json;          /* instead of body: a JSON text, with placeholders in its strings; NULL: none */
	bool expect[600];    /* the statuses that are success */
	int redirects;       /* so many are followed */
	uint64_t result_max; /* a longer answer is a failure */
	char *ca;            /* file with the authorities to trust; NULL: the system's */
};

enum { CONF_STEPS_MAX = 64, CONF_TIMES_MAX = 1000000 };

/* One step of a recipe: heavy (run) in a worker, or light (sleep, http) in the order's task. */
struct conf_step {
	struct conf_place place;
	char *name; /* "run", "sleep", "http" when not named */
	enum conf_step_kind { CONF_STEP_RUN, CONF_STEP_SLEEP, CONF_STEP_HTTP } kind;
	char **run; /* the command with placeholders; NULL-terminated; NULL: another kind */
	/* of run. NULL: by the rule (payload if opaque, else empty); "payload"; or a text with placeholders */
	char *stdin_text;
	char *pool;       /* of run: the recipe's unless it has its own; NULL: another kind */
	int64_t sleep_ms; /* 0: gives way, no more */
	char *times;      /* of sleep: 0 to 1000000, or one placeholder of an integer parameter */
	struct conf_http http;
	int64_t timeout_ms; /* of one try; CONF_NONE */
	int retries;        /* further tries within an attempt, with the recipe's backoff between */
	uint64_t uses;      /* bit n: it names the result of step n (always an earlier one) */
};

static inline bool conf_step_is_heavy(const struct conf_step *s)
{
	return s->kind == CONF_STEP_RUN;
}

struct conf_recipe {
	struct conf_place place;
	char *name, *description;
	bool has_params; /* else the payload is opaque */
	struct conf_param *params;
	size_t param_count;
	struct conf_step *steps;
	size_t step_count;
	char *pool;           /* of heavy steps that have none of their own; see conf_recipe_needs_pool() */
	int64_t timeout_ms;   /* of an attempt; CONF_NONE */
	bool timeout_written; /* not left to the default */
	int64_t kill_after_ms;
	int stop_signal;
	int retries;
	struct {
		int64_t first_ms, max_ms;
		double factor;
		int jitter_percent;
	} backoff;
	bool no_retry[256]; /* exit statuses that are final at once */
	int poison_after;   /* so many attempts lost with their worker end the order */
	bool at_most_once;
	int priority;
	int concurrency; /* CONF_NONE */
	enum conf_result result;
	uint64_t result_max;
	struct conf_pair *env; /* values with placeholders */
	size_t env_count;
	char *chdir; /* with placeholders; NULL, or when it expands to nothing: the job's private directory */
};

struct conf_user {
	struct conf_place place;
	char *name;
	char *password;    /* "scrypt$…"; NULL: none */
	char **unix_names; /* login names and @groups; NULL-terminated; NULL */
	char **allow;      /* rules, checked; NULL-terminated */
};

struct conf {
	char *file;    /* NULL: defaults only */
	bool personal; /* a person's daemon (not root's or the system's) */
	struct conf_listen *listens;
	size_t listen_count;
	char *state_dir, *work_dir;
	struct {
		int level;  /* enum log_level: 0 error … 3 debug */
		int format; /* 0 text, 1 json */
		int64_t slow_task_ms;
	} log;
	struct {
		enum { CONF_ENGINE_SQLITE } engine;
		enum { CONF_SYNC_FULL, CONF_SYNC_NORMAL, CONF_SYNC_OFF } sync;
	} store;
	struct {
		int64_t connections, queued, running;
		int64_t http_per_host; /* http steps under way to one host and port */
		uint64_t payload, request, buffers, result;
	} limits;
	int64_t shutdown_grace_ms;
	char *daemon_user; /* NULL: not dropped */
	struct conf_pool *pools;
	size_t pool_count;
	struct conf_recipe *recipes;
	size_t recipe_count;
	struct conf_user *users;
	size_t user_count;
	void *arena; /* what owns all of it */
};

/* What was wrong, one text line each, in the order of place: "FILE:LINE:COLUMN: KEY: what was expected". Warnings apart. */
struct conf_report {
	char **errors;
	size_t error_count;
	char **warnings;
	size_t warning_count;
};
void conf_report_clear(struct conf_report *r);

/* The texts that a configuration was read from, so that another process can read the very same. */
struct conf_source {
	char *path;
	char *bytes;
	size_t len;
	bool included;
};
struct conf_sources {
	struct conf_source *items;
	size_t count;
};
void conf_sources_clear(struct conf_sources *s);

/* The file that is used when none is named: $BAKERY_CONF, /etc/bakery/bakery.yaml, or the person's. NULL when there is none; to be freed. */
char *conf_find_file(void);
/* Reads a file and what it includes; path NULL: nothing (defaults). 0; a negative errno value, with the report saying which file. */
int conf_read_sources(const char *path, struct conf_sources *out, struct conf_report *report);
/* Parses, checks, fills in defaults. 0; -EINVAL with the report filled; -ENOMEM. */
int conf_parse(const struct conf_sources *sources, struct conf **out, struct conf_report *report);
void conf_free(struct conf *c);

/* Prints the whole effective configuration as YAML that conf_parse() accepts; passwords as "…". */
int conf_print(const struct conf *c, char **out_text);

const struct conf_recipe *conf_recipe_find(const struct conf *c, const char *name, size_t len);
/* Whether a heavy step is done in the recipe's own pool; else that pool need not be there. */
bool conf_recipe_needs_pool(const struct conf_recipe *r);
const struct conf_pool *conf_pool_find(const struct conf *c, const char *name);

#endif
