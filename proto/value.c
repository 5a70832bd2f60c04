/*
 * Reads replies into trees of values. The parser keeps the path from the root to the place where it is, so
 * that bytes are looked at once, however they arrive. Nothing is allocated for what is announced, only for
 * what has come; nesting and size are bounded.
 */
#include "proto/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"

enum {
	DEPTH_MAX = 16,                 /* Bakery's own replies nest four deep */
	LINE_MAX_BYTES = 64 * 1024,     /* of a simple string or an error */
	ITEMS_MAX = 2 * 1024 * 1024,    /* of one reply in all: the largest TASKS has 1.9 million */
	BYTES_MAX = 1024 * 1024 * 1024, /* of the bulk strings of one reply in all */
};

struct value_parser {
	struct value *root; /* NULL between values */
	struct {
		struct value *value;
		size_t left; /* items still to come */
	} path[DEPTH_MAX];
	int depth;
	size_t items;   /* of this reply so far */
	int64_t bytes;  /* of its bulk strings so far */
	size_t scanned; /* bytes at the front that are known to hold no line end */
	bool broken;
};

int value_parser_new(struct value_parser **out)
{
	struct value_parser *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	*out = p;
	return 0;
}

static void clear(struct value *v)
{
	free(v->text);
	for (size_t i = 0; i < v->count; i++)
		clear(&v->items[i]);
	free(v->items);
}

void value_free(struct value *v)
{
	if (!v)
		return;
	clear(v);
	free(v);
}

void value_parser_free(struct value_parser *p)
{
	if (!p)
		return;
	value_free(p->root);
	free(p);
}

/* The length of the line at the front without its CR LF; 0 and *more when it has not all come; -EPROTO. */
static int find_line(struct value_parser *p, const struct buf *in, size_t *len)
{
	const char *at = buf_bytes(in);
	const char *end = in->len > p->scanned ? memchr(at + p->scanned, '\n', in->len - p->scanned) : NULL;
	size_t n = end ? (size_t)(end - at) : in->len;
	if (n > LINE_MAX_BYTES)
		return -EPROTO;
	if (!end) {
		p->scanned = in->len;
		return 0;
	}
	if (n < 2 || at[n - 1] != '\r')
		return -EPROTO;
	*len = n - 1;
	return 1;
}

static int parse_number(const char *at, size_t len, int64_t *out)
{
	bool negative = len && at[0] == '-';
	uint64_t value = 0, max = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	size_t i = negative;
	if (i == len)
		return -EPROTO;
	for (; i < len; i++) {
		unsigned digit = (unsigned)(at[i] - '0');
		if (digit > 9 || value > (max - digit) / 10)
			return -EPROTO;
		value = value * 10 + digit;
	}
	*out = negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

static int set_text(struct value *v, const char *bytes, size_t len)
{
	v->text = malloc(len + 1);
	if (!v->text)
		return -ENOMEM;
	memcpy(v->text, bytes, len);
	v->text[len] = '\0';
	v->len = len;
	return 0;
}

/* Room for one item more in an aggregate: its place, zeroed, or NULL. */
static struct value *next_item(struct value *v)
{
	if ((v->count & (v->count - 1)) == 0) { /* a power of two is full */
		size_t cap = v->count ? 2 * v->count : 1;
		struct value *items = realloc(v->items, cap * sizeof *items);
		if (!items)
			return NULL;
		v->items = items;
	}
	v->items[v->count] = (struct value){.type = VALUE_NULL};
	return &v->items[v->count];
}

enum { MORE, LEAF, AGGREGATE };

/* One element at the front of `in` into *v. Consumes it. MORE (nothing consumed), LEAF, AGGREGATE with *items
 * > 0, or a negative code. */
static int parse_element(struct value_parser *p, struct buf *in, struct value *v, size_t *items)
{
	size_t len;
	int r = find_line(p, in, &len);
	if (r <= 0)
		return r < 0 ? r : MORE;
	const char *at = buf_bytes(in), *text = at + 1;
	size_t text_len = len - 1, whole = len + 2;
	int64_t n = 0;
	switch (at[0]) {
	case '+':
	case '-':
		v->type = at[0] == '+' ? VALUE_SIMPLE : VALUE_ERROR;
		r = set_text(v, text, text_len);
		break;
	case ':':
		v->type = VALUE_INT;
		r = parse_number(text, text_len, &v->number);
		break;
	case '_':
		v->type = VALUE_NULL;
		r = text_len ? -EPROTO : 0;
		break;
	case '#':
		v->type = VALUE_BOOL;
		v->number = text_len && text[0] == 't';
		r = text_len == 1 && (text[0] == 't' || text[0] == 'f') ? 0 : -EPROTO;
		break;
	case '$':
		r = parse_number(text, text_len, &n);
		if (r < 0)
			break;
		if (n == -1)
			break; /* VALUE_NULL */
		if (n < 0 || n > BYTES_MAX - p->bytes) {
			r = -EPROTO;
			break;
		}
		if (in->len - whole < (size_t)n + 2)
			return MORE; /* the line is found again at once: the scan stopped before its end */
		v->type = VALUE_BULK;
		p->bytes += n;
		if (memcmp(at + whole + n, "\r\n", 2) != 0)
			r = -EPROTO;
		else
			r = set_text(v, at + whole, (size_t)n);
		whole += (size_t)n + 2;
		break;
	case '*':
	case '%':
	case '>':
		r = parse_number(text, text_len, &n);
		if (r < 0)
			break;
		if (n == -1 && at[0] == '*')
			break; /* VALUE_NULL */
		v->type = at[0] == '*' ? VALUE_ARRAY : at[0] == '%' ? VALUE_MAP : VALUE_PUSH;
		if (n < 0 || n > ITEMS_MAX || (v->type == VALUE_PUSH && p->depth))
			r = -EPROTO;
		else
			*items = v->type == VALUE_MAP ? 2 * (size_t)n : (size_t)n;
		break;
	default:
		r = -EPROTO;
	}
	if (r < 0)
		return r;
	buf_consume(in, whole);
	p->scanned = 0;
	return *items ? AGGREGATE : LEAF;
}

static int parse(struct value_parser *p, struct buf *in, struct value **out)
{
	if (!p->root) {
		if (!in->len)
			return 0;
		p->root = calloc(1, sizeof *p->root);
		if (!p->root)
			return -ENOMEM;
		p->root->type = VALUE_NULL;
		p->items = 0;
		p->bytes = 0;
	}
	for (;;) {
		struct value *parent = p->depth ? p->path[p->depth - 1].value : NULL;
		struct value *v = parent ? next_item(parent) : p->root;
		if (!v)
			return -ENOMEM;
		size_t items = 0;
		int r = parse_element(p, in, v, &items);
		if (r == MORE)
			return 0;
		/* From here on the item belongs to the tree, so that freeing the tree frees it. */
		if (parent)
			parent->count++;
		if (r < 0)
			return r;
		if (++p->items > ITEMS_MAX)
			return -EPROTO;
		if (parent)
			p->path[p->depth - 1].left--;
		if (r == AGGREGATE) {
			if (p->depth == DEPTH_MAX)
				return -EPROTO;
			p->path[p->depth].value = v;
			p->path[p->depth++].left = items;
		}
		while (p->depth && !p->path[p->depth - 1].left)
			p->depth--;
		if (!p->depth) {
			*out = p->root;
			p->root = NULL;
			return 1;
		}
	}
}

int value_parse(struct value_parser *p, struct buf *in, struct value **out)
{
	if (p->broken)
		return -EPROTO;
	int r = parse(p, in, out);
	if (r < 0)
		p->broken = true;
	return r;
}

const struct value *value_get(const struct value *map, const char *key)
{
	if (map->type != VALUE_MAP && map->type != VALUE_ARRAY)
		return NULL;
	size_t len = strlen(key);
	for (size_t i = 0; i + 1 < map->count; i += 2) {
		const struct value *k = &map->items[i];
		if ((k->type == VALUE_BULK || k->type == VALUE_SIMPLE) && k->len == len &&
		    memcmp(k->text, key, len) == 0)
			return &map->items[i + 1];
	}
	return NULL;
}

int request_write(struct buf *out, size_t argc, const struct slice *argv)
{
	/* A request has the form of a reply: an array of bulk strings. */
	struct reply_writer w = {.out = out, .version = 2};
	size_t before = out->len;
	int r = argc <= UINT32_MAX ? reply_array(&w, (uint32_t)argc) : -ENOMEM;
	for (size_t i = 0; i < argc && r == 0; i++)
		r = reply_bulk(&w, argv[i].data, argv[i].len);
	if (r < 0)
		out->len = before;
	return r;
}
