/*
 * Fuzzes the parser of replies: whole and in pieces it gives the same trees, and what a tree's strings say of
 * their length is true.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void digest_bytes(uint64_t *d, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*d = (*d ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
}

static void digest(uint64_t *d, const struct value *v, int depth)
{
	check(depth <= 16);
	digest_bytes(d, &v->type, sizeof v->type);
	digest_bytes(d, &v->number, sizeof v->number);
	if (v->text) {
		check(v->text[v->len] == '\0');
		digest_bytes(d, v->text, v->len);
	}
	check(v->type != VALUE_MAP || v->count % 2 == 0);
	for (size_t i = 0; i < v->count; i++)
		digest(d, &v->items[i], depth + 1);
	check(value_get(v, "no such name, surely") == NULL);
}

static uint64_t parse(const uint8_t *data, size_t size, size_t piece)
{
	struct value_parser *p;
	struct buf in = {0};
	uint64_t d = 0xcbf29ce484222325;
	int r = 0;
	check(value_parser_new(&p) == 0);
	for (size_t at = 0; at < size && r >= 0; at += piece) {
		struct value *v;
		check(buf_append(&in, data + at, piece < size - at ? piece : size - at) == 0);
		while ((r = value_parse(p, &in, &v)) > 0) {
			digest(&d, v, 0);
			value_free(v);
		}
	}
	digest_bytes(&d, &r, sizeof r);
	value_parser_free(p);
	buf_clear(&in);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	uint64_t whole = parse(data + 1, size - 1, size);
	check(parse(data + 1, size - 1, 1 + data[0]) == whole);
	check(parse(data + 1, size - 1, 1) == whole);
	return 0;
}
