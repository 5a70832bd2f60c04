#include "conf/template.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	enum template_kind kind;
} own[] = {
    {"payload", TEMPLATE_PAYLOAD},
    {"order.id", TEMPLATE_ORDER_ID},
    {"order.attempt", TEMPLATE_ORDER_ATTEMPT},
    {"worker", TEMPLATE_WORKER},
};

static const char step_prefix[] = "step.";
enum { STEP_LEN = sizeof step_prefix - 1 };

static enum template_kind kind_of(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		if (strlen(own[i].name) == len && memcmp(own[i].name, name, len) == 0)
			return own[i].kind;
	}
	return TEMPLATE_PARAM;
}

int template_next(const char **at, struct template_part *out, const char **why)
{
	const char *text = *at;
	if (!*text) {
		*out = (struct template_part){.kind = TEMPLATE_END};
		return 0;
	}
	if ((text[0] == '{' || text[0] == '}') && text[1] == text[0]) {
		*out = (struct template_part){.kind = TEMPLATE_TEXT, .text = text, .len = 1};
		*at = text + 2;
		return 0;
	}
	if (*text != '{') {
		size_t len = 1 + strcspn(text + 1, "{}");
		*out = (struct template_part){.kind = TEMPLATE_TEXT, .text = text, .len = len};
		*at = text + len;
		return 0;
	}
	size_t len = strcspn(text + 1, "{}");
	if (text[1 + len] != '}' || !len) {
		*why = "a placeholder is {NAME}; for a brace write {{";
		return -EINVAL;
	}
	*out = (struct template_part){.kind = kind_of(text + 1, len), .text = text + 1, .len = len};
	*at = text + len + 2;
	if (len > STEP_LEN && strncmp(out->text, step_prefix, STEP_LEN) == 0) {
		out->kind = TEMPLATE_STEP;
		out->text += STEP_LEN;
		out->len -= STEP_LEN;
	}
	return 0;
}

bool template_is_whole(const char *text, struct template_part *out)
{
	const char *why;
	struct template_part part;
	if (*text != '{' || template_next(&text, &part, &why) < 0 || part.kind == TEMPLATE_TEXT || *text)
		return false;
	*out = part;
	return true;
}
