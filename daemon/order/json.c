#include "daemon/order/json.h"

#include <errno.h>
#include <string.h>

#include "conf/units.h"
#include "daemon/order/params.h"

/* As RFC 3629 has it: no surrogates, nothing longer than it need be. */
static bool is_utf8(const char *bytes, size_t len)
{
	const unsigned char *at = (const unsigned char *)bytes, *end = at + len;
	while (at < end) {
		unsigned char lead = *at++;
		if (lead < 0x80)
			continue;
		int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
		uint32_t c = lead & (0x3f >> more);
		if (lead < 0xc2 || lead > 0xf4 || end - at < more)
			return false;
		for (int i = 0; i < more; i++) {
			if ((*at & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*at++ & 0x3f);
		}
		if ((more == 2 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
		    (more == 3 && (c < 0x10000 || c > 0x10ffff)))
			return false;
	}
	return true;
}

static int append(const char *bytes, size_t len, void *out)
{
	return buf_append(out, bytes, len) < 0 ? -1 : 0;
}

static int write_value(const json_t *value, struct buf *out)
{
	char number[32];
	if (json_is_real(value)) /* jansson would write 0.1 with 17 digits */
		return buf_append_text(out, units_format_number(json_real_value(value), number));
	return json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) ? -ENOMEM : 0;
}

static int write_string(struct expansion *e, const char *bytes, size_t len, struct buf *out)
{
	/* jansson would say only that it failed, not of what. */
	if (!is_utf8(bytes, len))
		return params_refuse(e->why, "json: a value is no UTF-8: it cannot be in JSON");
	json_t *string = json_stringn_nocheck(bytes, len);
	int r = string ? write_value(string, out) : -ENOMEM;
	json_decref(string);
	return r;
}

/* A text with placeholders. */
static int write_text(struct expansion *e, const char *template, struct buf *out)
{
	const struct conf_param *p = expand_whole_param(e, template);
	if (p && p->type != CONF_PARAM_PATH) {
		const json_t *value = json_object_get(e->params, p->name);
		return value ? write_value(value, out) : buf_append_text(out, "null");
	}
	struct template_part part;
	bool whole = template_is_whole(template, &part);
	int r = expand(e, template);
	if (r)
		return r;
	if (p && !e->text.len)
		return buf_append_text(out, "null"); /* a path that was not given */
	if (whole && (part.kind == TEMPLATE_ORDER_ID || part.kind == TEMPLATE_ORDER_ATTEMPT ||
			 part.kind == TEMPLATE_WORKER))
		return buf_append(out, buf_bytes(&e->text), e->text.len);
	return write_string(e, buf_bytes(&e->text), e->text.len, out);
}

static int write_any(struct expansion *e, json_t *value, struct buf *out);

static int write_list(struct expansion *e, const json_t *list, struct buf *out)
{
	size_t i;
	json_t *element;
	int r = buf_append_text(out, "[");
	json_array_foreach(list, i, element)
	{
		if (!r && i)
			r = buf_append_text(out, ",");
		if (!r)
			r = write_any(e, element, out);
	}
	return r ? r : buf_append_text(out, "]");
}

static int write_object(struct expansion *e, json_t *object, struct buf *out)
{
	const char *name, *before = "{";
	json_t *value;
	if (!json_object_size(object))
		return buf_append_text(out, "{}");
	json_object_foreach(object, name, value)
	{
		int r = buf_append_text(out, before);
		if (!r)
			r = write_string(e, name, strlen(name), out);
		if (!r)
			r = buf_append_text(out, ":");
		if (!r)
			r = write_any(e, value, out);
		if (r)
			return r;
		before = ",";
	}
	return buf_append_text(out, "}");
}

static int write_any(struct expansion *e, json_t *value, struct buf *out)
{
	if (json_is_object(value))
		return write_object(e, value, out);
	if (json_is_array(value))
		return write_list(e, value, out);
	if (json_is_string(value))
		return write_text(e, json_string_value(value), out);
	return write_value(value, out);
}

int expand_json(struct expansion *e, const char *template, struct buf *out)
{
	/* That it is JSON was checked with the configuration. */
	json_t *json = json_loads(template, JSON_DECODE_ANY, NULL);
	int r = json ? write_any(e, json, out) : -ENOMEM;
	json_decref(json);
	return r;
}
