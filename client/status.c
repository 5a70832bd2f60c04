/* The meaning of a STATUS map. The causes are those of proto/PROTOCOL.md. */
#include "client/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *status_text(const struct value *map, const char *name)
{
	const struct value *v = value_get(map, name);
	return v && (v->type == VALUE_BULK || v->type == VALUE_SIMPLE) ? v->text : "";
}

bool status_number(const struct value *map, const char *name, int64_t *out)
{
	const struct value *v = value_get(map, name);
	if (!v || (v->type != VALUE_INT && v->type != VALUE_BOOL))
		return false;
	*out = v->number;
	return true;
}

bool status_is_final(const struct value *map)
{
	static const char *const final[] = {"done", "failed", "cancelled", "expired"};
	const char *state = status_text(map, "state");
	for (size_t i = 0; i < sizeof final / sizeof *final; i++)
		if (strcmp(state, final[i]) == 0)
			return true;
	return false;
}

const char *status_step(const struct value *map, char out[static STATUS_STEP_MAX])
{
	const char *step = status_text(map, "step"), *waits_for = status_text(map, "waits_for");
	if (!*waits_for || strcmp(waits_for, step) == 0)
		snprintf(out, STATUS_STEP_MAX, "%s", step);
	else
		snprintf(out, STATUS_STEP_MAX, "%s (%s)", step, waits_for);
	/* The one step of a recipe that names none: that it runs, its state says. */
	if (strcmp(out, "run (job)") == 0)
		out[0] = '\0';
	return out;
}

int status_exit(const struct value *map)
{
	const char *state = status_text(map, "state"), *cause = status_text(map, "cause");
	int64_t n;
	if (strcmp(state, "done") == 0)
		return STATUS_OK;
	if (strcmp(state, "failed") != 0)
		return STATUS_WAIT_OTHER;
	if (strcmp(cause, "exit") == 0 && status_number(map, "exit", &n) && n > 0 && n < 256)
		return (int)n;
	if (strcmp(cause, "signal") == 0 && status_number(map, "signal", &n) && n > 0 && n < 128)
		return STATUS_SIGNAL + (int)n;
	return STATUS_WAIT_OTHER;
}

const char *status_cause(const struct value *map, char out[static STATUS_WORDS_MAX])
{
	const char *cause = status_text(map, "cause");
	int64_t n;
	if (strcmp(cause, status_text(map, "state")) == 0)
		cause = ""; /* cancelled */
	bool number = (strcmp(cause, "exit") == 0 || strcmp(cause, "signal") == 0) &&
		      status_number(map, cause, &n);
	if (number)
		snprintf(out, STATUS_WORDS_MAX, "%s %" PRId64, cause, n);
	else
		snprintf(out, STATUS_WORDS_MAX, "%s", cause);
	return out;
}

const char *status_words(const struct value *map, char out[static STATUS_WORDS_MAX])
{
	static const struct {
		const char *cause, *words;
	} rows[] = {
	    {"timeout", "took longer than it may, and was stopped"},
	    {"memory", "needed more memory than it may have"},
	    {"spawn", "could not be started"},
	    {"error", "its program reported an error"},
	    {"protocol", "its program did not keep to the protocol"},
	    {"http", "an HTTP request failed"},
	    {"params", "its parameters, or the result of a step, do not fit the recipe"},
	    {"dependency", "an order that it depends on was not done"},
	    {"worker-lost", "its worker process was lost"},
	    {"daemon-lost", "the daemon was lost"},
	    {"poison", "took its worker process down with it too often"},
	    {"drained", "stopped because the daemon was shutting down"},
	    {"cancelled", "was cancelled"},
	};
	const char *cause = status_text(map, "cause");
	int64_t n = 0;
	if (strcmp(cause, "exit") == 0 && status_number(map, "exit", &n)) {
		snprintf(out, STATUS_WORDS_MAX, "exited with status %" PRId64, n);
		return out;
	}
	if (strcmp(cause, "signal") == 0 && status_number(map, "signal", &n)) {
		const char *name = sigabbrev_np((int)n);
		snprintf(out, STATUS_WORDS_MAX, "was ended by signal %" PRId64 "%s%s%s", n,
		    name ? " (SIG" : "", name ? name : "", name ? ")" : "");
		return out;
	}
	const char *words = cause;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].cause, cause) == 0)
			words = rows[i].words;
	snprintf(out, STATUS_WORDS_MAX, "%s", words);
	return out;
}
