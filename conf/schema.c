#include "conf/schema.h"

#include <signal.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/finish.h"

#define AT(type, member)    .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define COUNT(type, member) .other = offsetof(struct type, member)
#define SECTION(rows, type, ...)                                                                       \
	{                                                                                              \
		.settings = rows, .count = sizeof(rows) / sizeof *(rows), .size = sizeof(struct type), \
		__VA_ARGS__                                                                            \
	}

enum { YEARS_100 = 100 };
#define DURATION_MAX ((int64_t)YEARS_100 * 365 * 24 * 3600 * 1000)
#define GIB          ((int64_t)1 << 30)

static const struct setting_word levels[] = {{"error", 0}, {"warn", 1}, {"info", 2}, {"debug", 3}, {0}};
static const struct setting_word formats[] = {{"text", 0}, {"json", 1}, {0}};
static const struct setting_word engines[] = {{"sqlite", CONF_ENGINE_SQLITE}, {0}};
static const struct setting_word syncs[] = {
    {"full", CONF_SYNC_FULL}, {"normal", CONF_SYNC_NORMAL}, {"off", CONF_SYNC_OFF}, {0}};
static const struct setting_word types[] = {{"string", CONF_PARAM_STRING}, {"integer", CONF_PARAM_INTEGER},
    {"number", CONF_PARAM_NUMBER}, {"boolean", CONF_PARAM_BOOLEAN}, {"path", CONF_PARAM_PATH},
    {"list", CONF_PARAM_LIST}, {0}};
static const struct setting_word signals[] = {{"TERM", SIGTERM}, {"INT", SIGINT}, {"HUP", SIGHUP},
    {"QUIT", SIGQUIT}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH}, {"KILL", SIGKILL}, {0}};
static const struct setting_word deliveries[] = {{"at-least-once", false}, {"at-most-once", true}, {0}};
static const struct setting_word results[] = {
    {"stdout", CONF_RESULT_STDOUT}, {"none", CONF_RESULT_NONE}, {0}};

static const struct setting listen_rows[] = {
    {"unix", SETTING_PATH, AT(conf_listen, path), .max = 107},
    {"mode", SETTING_MODE, AT(conf_listen, mode), .fallback = "0660"},
    {"group", SETTING_TEXT, AT(conf_listen, group), .min = 1},
    {"tcp", SETTING_ADDRESS, AT(conf_listen, host)},
};
static const struct section listen_section = SECTION(
    listen_rows, conf_listen, .name = "listen", .finish = finish_listen);

static const struct setting log_rows[] = {
    {"level", SETTING_WORD, AT(conf, log.level), .words = levels, .fallback = "info"},
    {"format", SETTING_WORD, AT(conf, log.format), .words = formats, .fallback = "text"},
    {"slow_task", SETTING_DURATION, AT(conf, log.slow_task_ms), .fallback = "50ms", .min = 1, .max = 60000},
};
static const struct section log_section = SECTION(log_rows, conf, .name = "log");

static const struct setting store_rows[] = {
    {"engine", SETTING_WORD, AT(conf, store.engine), .words = engines, .fallback = "sqlite"},
    {"sync", SETTING_WORD, AT(conf, store.sync), .words = syncs, .fallback = "full"},
};
static const struct section store_section = SECTION(store_rows, conf, .name = "store");

static const struct setting limits_rows[] = {
    {"connections", SETTING_INT, AT(conf, limits.connections), .fallback = "10000", .min = 16,
	.max = 1000000},
    {"payload", SETTING_SIZE, AT(conf, limits.payload), .fallback = "1MiB", .min = 1024, .max = GIB / 2},
    {"request", SETTING_SIZE, AT(conf, limits.request), .fallback = "16MiB", .min = 65536, .max = GIB},
    {"buffers", SETTING_SIZE, AT(conf, limits.buffers), .fallback = "256MiB", .min = 1 << 20,
	.max = 1024 * GIB},
    {"result", SETTING_SIZE, AT(conf, limits.result), .fallback = "1MiB", .min = 0, .max = GIB / 2},
    {"queued", SETTING_INT, AT(conf, limits.queued), .fallback = "10000000", .min = 1, .max = 1000000000},
    {"running", SETTING_INT, AT(conf, limits.running), .fallback = "10000", .min = 1, .max = 1000000},
    {"http_per_host", SETTING_INT, AT(conf, limits.http_per_host), .fallback = "100", .min = 1,
	.max = 1000000},
};
static const struct section limits_section = SECTION(limits_rows, conf, .name = "limits");

static const struct setting shutdown_rows[] = {
    {"grace", SETTING_DURATION, AT(conf, shutdown_grace_ms), .fallback = "30s", .max = DURATION_MAX},
};
static const struct section shutdown_section = SECTION(shutdown_rows, conf, .name = "shutdown");

static const struct setting daemon_rows[] = {
    {"user", SETTING_TEXT, AT(conf, daemon_user), .min = 1},
};
static const struct section daemon_section = SECTION(daemon_rows, conf, .name = "daemon");

static const struct setting pool_rows[] = {
    {"workers", SETTING_INT, AT(conf_pool, workers), .min = 1, .max = 4096},
    {"user", SETTING_TEXT, AT(conf_pool, user), .min = 1},
};
static const struct section pool_section = SECTION(
    pool_rows, conf_pool, .name = "pools.NAME", .finish = finish_pool);

static const struct setting param_rows[] = {
    {"type", SETTING_WORD, AT(conf_param, type), .words = types},
    {"required", SETTING_BOOL, AT(conf_param, required), .fallback = "false"},
    {"default", SETTING_SPECIAL, AT(conf_param, default_json)},
    {"max", SETTING_SPECIAL, AT(conf_param, maximum)},
    {"min", SETTING_SPECIAL, AT(conf_param, minimum)},
    {"pattern", SETTING_TEXT, AT(conf_param, pattern), .min = 1},
    {"one_of", SETTING_TEXTS, AT(conf_param, one_of), .min = 1},
    {"under", SETTING_TEXTS, AT(conf_param, under), .min = 1},
    {"allow_dash", SETTING_BOOL, AT(conf_param, allow_dash), .fallback = "false"},
};
static const struct section param_section = SECTION(
    param_rows, conf_param, .name = "recipes.NAME.params.NAME", .finish = finish_param);

static const struct setting http_rows[] = {
    {"method", SETTING_TEXT, AT(conf_step, http.method), .min = 1},
    {"url", SETTING_TEXT, AT(conf_step, http.url), .min = 1},
    {"headers", SETTING_HEADERS, AT(conf_step, http.headers), COUNT(conf_step, http.header_count)},
    {"body", SETTING_TEXT, AT(conf_step, http.body)},
    {"json", SETTING_SPECIAL, AT(conf_step, http.json)},
    {"expect", SETTING_SPECIAL, AT(conf_step, http.expect), .fallback = "[2xx]", .min = 100, .max = 599},
    {"redirects", SETTING_INT, AT(conf_step, http.redirects), .fallback = "0", .max = 20},
    {"result_max", SETTING_SIZE, AT(conf_step, http.result_max), .max = GIB / 2},
    {"ca", SETTING_PATH, AT(conf_step, http.ca), .max = 3000},
    /* The same as the step's: here it reads better. After that row, which has the default. */
    {"timeout", SETTING_DURATION, AT(conf_step, timeout_ms), .min = 1, .max = DURATION_MAX, .none = true},
};
static const struct section http_section = SECTION(
    http_rows, conf_step, .name = "recipes.NAME.steps.http", .finish = finish_http);

static const struct setting step_rows[] = {
    {"name", SETTING_NAME, AT(conf_step, name), .min = 1, .max = 64},
    {"run", SETTING_TEXTS, AT(conf_step, run), .min = 1},
    {"stdin", SETTING_TEXT, AT(conf_step, stdin_text)},
    {"pool", SETTING_TEXT, AT(conf_step, pool), .min = 1},
    {"sleep", SETTING_DURATION, AT(conf_step, sleep_ms), .max = DURATION_MAX},
    {"times", SETTING_SPECIAL, AT(conf_step, times), .fallback = "1", .max = CONF_TIMES_MAX},
    {"timeout", SETTING_DURATION, AT(conf_step, timeout_ms), .fallback = "none", .min = 1,
	.max = DURATION_MAX, .none = true},
    {"retries", SETTING_INT, AT(conf_step, retries), .fallback = "0", .max = 1000},
    {"http", SETTING_PART, .section = &http_section},
};
const struct section schema_step = SECTION(
    step_rows, conf_step, .name = "recipes.NAME.steps", .finish = finish_step);

static const struct setting backoff_rows[] = {
    {"first", SETTING_DURATION, AT(conf_recipe, backoff.first_ms), .fallback = "1s", .max = DURATION_MAX},
    {"factor", SETTING_NUMBER, AT(conf_recipe, backoff.factor), .fallback = "2", .min = 1, .max = 100},
    {"max", SETTING_DURATION, AT(conf_recipe, backoff.max_ms), .fallback = "10m", .max = DURATION_MAX},
    {"jitter", SETTING_PERCENT, AT(conf_recipe, backoff.jitter_percent), .fallback = "10%", .max = 100},
};
static const struct section backoff_section = SECTION(
    backoff_rows, conf_recipe, .name = "recipes.NAME.backoff");

static const struct setting recipe_rows[] = {
    {"description", SETTING_TEXT, AT(conf_recipe, description), .fallback = ""},
    {"params", SETTING_NAMED, AT(conf_recipe, params), COUNT(conf_recipe, param_count),
	.section = &param_section},
    {"run", SETTING_SPECIAL, AT(conf_recipe, steps)},
    {"stdin", SETTING_SPECIAL, AT(conf_recipe, steps)},
    {"steps", SETTING_ITEMS, AT(conf_recipe, steps), COUNT(conf_recipe, step_count), .section = &schema_step,
	.min = 1, .max = CONF_STEPS_MAX},
    {"pool", SETTING_TEXT, AT(conf_recipe, pool), .fallback = "default"},
    {"timeout", SETTING_DURATION, AT(conf_recipe, timeout_ms), COUNT(conf_recipe, timeout_written),
	.fallback = "none", .min = 1, .max = DURATION_MAX, .none = true},
    {"kill_after", SETTING_DURATION, AT(conf_recipe, kill_after_ms), .fallback = "5s", .max = DURATION_MAX},
    {"stop_signal", SETTING_WORD, AT(conf_recipe, stop_signal), .words = signals, .fallback = "TERM"},
    {"retries", SETTING_INT, AT(conf_recipe, retries), .fallback = "0", .max = 1000000},
    {"backoff", SETTING_PART, .section = &backoff_section},
    {"no_retry", SETTING_STATUSES, AT(conf_recipe, no_retry), .fallback = "[]", .min = 1, .max = 255},
    {"poison_after", SETTING_INT, AT(conf_recipe, poison_after), .fallback = "3", .min = 1, .max = 1000},
    {"delivery", SETTING_WORD, AT(conf_recipe, at_most_once), .words = deliveries,
	.fallback = "at-least-once"},
    {"priority", SETTING_INT, AT(conf_recipe, priority), .fallback = "0", .min = -100, .max = 100},
    {"concurrency", SETTING_INT, AT(conf_recipe, concurrency), .fallback = "none", .min = 1, .max = 1000000,
	.none = true},
    {"result", SETTING_WORD, AT(conf_recipe, result), .words = results, .fallback = "stdout"},
    {"result_max", SETTING_SIZE, AT(conf_recipe, result_max), .max = GIB / 2},
    {"env", SETTING_PAIRS, AT(conf_recipe, env), COUNT(conf_recipe, env_count)},
    {"chdir", SETTING_TEXT, AT(conf_recipe, chdir), .min = 1},
};
static const struct section recipe_section = SECTION(
    recipe_rows, conf_recipe, .name = "recipes.NAME", .finish = finish_recipe);

static const struct setting user_rows[] = {
    {"name", SETTING_NAME, AT(conf_user, name), .min = 1, .max = 64},
    {"password", SETTING_TEXT, AT(conf_user, password), .min = 1},
    {"unix", SETTING_TEXTS, AT(conf_user, unix_names), .min = 1},
    {"allow", SETTING_TEXTS, AT(conf_user, allow)},
};
static const struct section user_section = SECTION(
    user_rows, conf_user, .name = "users", .finish = finish_user);

static const struct setting top_rows[] = {
    {"include", SETTING_SPECIAL, .included = true},
    {"listen", SETTING_ITEMS, AT(conf, listens), COUNT(conf, listen_count), .section = &listen_section},
    {"state_dir", SETTING_PATH, AT(conf, state_dir), .max = 3000},
    {"work_dir", SETTING_PATH, AT(conf, work_dir), .max = 3000},
    {"log", SETTING_PART, .section = &log_section},
    {"store", SETTING_PART, .section = &store_section},
    {"limits", SETTING_PART, .section = &limits_section},
    {"shutdown", SETTING_PART, .section = &shutdown_section},
    {"daemon", SETTING_PART, .section = &daemon_section},
    {"pools", SETTING_NAMED, AT(conf, pools), COUNT(conf, pool_count), .section = &pool_section,
	.included = true},
    {"recipes", SETTING_NAMED, AT(conf, recipes), COUNT(conf, recipe_count), .section = &recipe_section,
	.included = true},
    {"users", SETTING_ITEMS, AT(conf, users), COUNT(conf, user_count), .section = &user_section,
	.included = true},
};
const struct section schema_top = SECTION(top_rows, conf, .name = "");

const struct setting *schema_find(const struct section *s, const char *key)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->settings[i].key, key) == 0)
			return &s->settings[i];
	}
	return NULL;
}
