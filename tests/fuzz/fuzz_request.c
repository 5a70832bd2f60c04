/*
 * Fuzzes the request parser. The first byte chooses the limits and how the rest is cut into pieces; whatever
 * the pieces, the same requests must come out, no argument may lie outside of the input, and no more may be
 * held than the limits allow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct request_limits limits[] = {
    {.args = 10, .arg_bytes = 64, .request_bytes = 256, .inline_bytes = 64, .inline_all = false},
    {.args = 4096, .arg_bytes = 1 << 20, .request_bytes = 16 << 20, .inline_bytes = 4096, .inline_all = true},
    {.args = 3, .arg_bytes = 16384, .request_bytes = 65536, .inline_bytes = 0, .inline_all = false},
};

static void check(int good)
{
	if (!good)
		abort();
}

/* A digest of all that comes out, in order. */
static void digest(uint64_t *d, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*d = (*d ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
}

static uint64_t parse(const uint8_t *data, size_t size, size_t piece, const struct request_limits *l)
{
	struct request_parser *p;
	struct buf in = {0};
	uint64_t d = 0xcbf29ce484222325;
	enum request_status s = REQUEST_MORE;
	check(request_parser_new(&p) == 0);
	for (size_t at = 0; at < size && s == REQUEST_MORE; at += piece) {
		struct request r;
		check(buf_append(&in, data + at, piece < size - at ? piece : size - at) == 0);
		while ((s = request_parse(p, &in, l, &r)) == REQUEST_READY) {
			check(r.argc <= l->args);
			digest(&d, r.toobig ? "!" : ";", 1);
			for (uint32_t i = 0; i < r.argc; i++) {
				check(r.argv[i].len <= l->arg_bytes || l->arg_bytes < l->inline_bytes);
				digest(&d, r.argv[i].data, r.argv[i].len);
				digest(&d, " ", 1);
			}
			check(!request_parser_idle(p, &in));
			request_done(p, &in);
		}
		check(s != REQUEST_NOMEM);
		/* What is not whole yet fits into a request, and the piece that it came in. */
		check(in.len <= l->request_bytes + l->inline_bytes + 64 + piece);
	}
	digest(&d, &s, sizeof s);
	if (s == REQUEST_BROKEN || s == REQUEST_FOREIGN)
		digest(&d, request_error(p), strlen(request_error(p)));
	request_parser_free(p);
	buf_clear(&in);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	const struct request_limits *l = &limits[data[0] % 3];
	size_t piece = 1 + data[0] / 3;
	uint64_t whole = parse(data + 1, size - 1, size, l);
	check(parse(data + 1, size - 1, piece, l) == whole);
	check(parse(data + 1, size - 1, 1, l) == whole);
	return 0;
}
