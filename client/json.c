/* Replies as JSON. Running out of memory gives null members, which jansson passes on without harm; a client
 * that small has other troubles. */
#include "client/json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/text.h"
#include "proto/buf.h"
#include "proto/utf8.h"

static bool is_utf8(const char *bytes, size_t len)
{
	for (size_t at = 0, n; at < len; at += n)
		if (!(n = utf8_length(bytes + at, len - at)))
			return false;
	return true;
}

json_t *json_exact(const char *bytes, size_t len)
{
	return is_utf8(bytes, len) ? json_stringn(bytes, len) : NULL;
}

json_t *json_text(const char *bytes, size_t len)
{
	if (is_utf8(bytes, len))
		return json_stringn(bytes, len);
	struct buf clean = {0};
	for (size_t at = 0; at < len;) {
		size_t n = utf8_length(bytes + at, len - at);
		if (n)
			buf_append(&clean, bytes + at, n);
		else
			buf_append_text(&clean, "\xef\xbf\xbd");
		at += n ? n : 1;
	}
	json_t *text = json_stringn(buf_bytes(&clean), clean.len);
	buf_clear(&clean);
	return text;
}

static bool is_time(const char *name)
{
	static const char *const names[] = {"created", "due", "queued", "started", "finished", "time"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static json_t *from_map(const struct value *v)
{
	/* Two members have the names of times and are counts where they stand beside the other states. */
	bool counts = value_get(v, "running") != NULL;
	json_t *o = json_object();
	for (size_t i = 0; i + 1 < v->count; i += 2) {
		const struct value *name = &v->items[i], *item = &v->items[i + 1];
		if (!name->text)
			continue;
		char time[TEXT_TIME_MAX];
		json_t *member;
		if (item->type == VALUE_INT && !counts && is_time(name->text))
			member = json_string(text_utc(item->number, time));
		else
			member = json_from_value(item);
		json_object_set_new(o, name->text, member);
	}
	return o;
}

json_t *json_from_value(const struct value *v)
{
	json_t *a;
	switch (v->type) {
	case VALUE_SIMPLE:
	case VALUE_ERROR:
	case VALUE_BULK:
		return json_text(v->text, v->len);
	case VALUE_INT:
		return json_integer(v->number);
	case VALUE_BOOL:
		return json_boolean(v->number);
	case VALUE_MAP:
		return from_map(v);
	case VALUE_ARRAY:
	case VALUE_PUSH:
		a = json_array();
		for (size_t i = 0; i < v->count; i++)
			json_array_append_new(a, json_from_value(&v->items[i]));
		return a;
	case VALUE_NULL:
		break;
	}
	return json_null();
}

/* RFC 4648. */
static json_t *base64(const unsigned char *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc(4 * ((len + 2) / 3) + 1), *to = text;
	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t word = (uint32_t)bytes[i] << 16;
		word |= n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		word |= n > 2 ? bytes[i + 2] : 0;
		*to++ = digits[word >> 18];
		*to++ = digits[word >> 12 & 63];
		*to++ = n > 1 ? digits[word >> 6 & 63] : '=';
		*to++ = n > 2 ? digits[word & 63] : '=';
	}
	json_t *out = json_stringn(text, (size_t)(to - text));
	free(text);
	return out;
}

void json_add_result(json_t *object, const char *bytes, size_t len)
{
	if (is_utf8(bytes, len))
		json_object_set_new(object, "result", json_stringn(bytes, len));
	else
		json_object_set_new(object, "result_b64", base64((const unsigned char *)bytes, len));
}

void json_print(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	fputc('\n', stdout);
	json_decref(object);
}
