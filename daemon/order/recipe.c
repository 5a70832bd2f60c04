#include "daemon/order/recipe.h"

#include <errno.h>

#include "daemon/order/params.h"

static int append_json(const char *bytes, size_t len, void *out)
{
	return buf_append(out, bytes, len) < 0 ? -1 : 0;
}

int recipe_check_payload(
    const struct conf_recipe *r, struct slice payload, struct buf *canonical, char why[static 256])
{
	if (!r->has_params)
		return buf_append(canonical, payload.data, payload.len);
	json_t *object;
	int error = params_load(r, payload, &object, why);
	if (error)
		return error;
	size_t before = canonical->len;
	if (json_dump_callback(object, append_json, canonical, JSON_COMPACT | JSON_SORT_KEYS) < 0) {
		canonical->len = before;
		error = -ENOMEM;
	}
	json_decref(object);
	return error;
}
