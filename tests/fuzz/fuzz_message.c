/*
 * Fuzzes the messages between the processes: a stream in pieces gives the same messages as whole, no field reaches beyond its message, and a
 * message that ends well has been read to its last byte.
 */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/worker/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void digest(uint64_t *d, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*d = (*d ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
}

/* Reads fields of kinds that `kinds` chooses, as many as there are. */
static void read_fields(struct message m, unsigned kinds, uint64_t *d)
{
	const char *begin = m.at, *end = m.end;
	char text[64];
	for (int i = 0; i < 32 && !m.bad && m.at < m.end; i++) {
		unsigned kind = (kinds >> (i % 8)) & 1;
		if (kind == 0 && i % 4 == 3) {
			struct job_name name = message_get_job(&m);
			check(m.bad || (name.order > 0 && name.attempt > 0 && name.step >= 0 &&
					   name.step < CONF_STEPS_MAX && name.try >= 0));
			digest(d, &name.order, sizeof name.order);
		} else if (kind == 0) {
			int64_t n = message_get_int(&m, -1, INT64_MAX);
			check(n >= -1);
			digest(d, &n, sizeof n);
		} else if (i % 2) {
			struct slice s = message_get_bytes(&m);
			check(s.len == 0 || (s.data >= begin && s.data + s.len <= end));
			digest(d, s.data, s.len);
		} else {
			message_get_text(&m, text, sizeof text);
			check(strlen(text) < sizeof text);
			digest(d, text, strlen(text));
		}
		check(m.at >= begin && m.at <= end);
	}
	int r = message_end(&m);
	check(r != 0 || (m.at == end && !m.bad));
	digest(d, &r, sizeof r);
}

static uint64_t parse(const uint8_t *data, size_t size, size_t piece, unsigned kinds)
{
	struct buf in = {0};
	uint64_t d = 0xcbf29ce484222325;
	int r = 0;
	for (size_t at = 0; at < size && r >= 0; at += piece) {
		struct message m;
		size_t bytes;
		check(buf_append(&in, data + at, piece < size - at ? piece : size - at) == 0);
		while ((r = message_parse(&in, &m, &bytes)) > 0) {
			check(bytes >= MESSAGE_HEADER_BYTES && bytes <= in.len && m.type < MESSAGE_TYPES);
			digest(&d, &m.type, sizeof m.type);
			read_fields(m, kinds, &d);
			buf_consume(&in, bytes);
		}
	}
	digest(&d, &r, sizeof r);
	buf_clear(&in);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	uint64_t whole = parse(data + 2, size - 2, size, data[1]);
	check(parse(data + 2, size - 2, 1u + data[0], data[1]) == whole);
	check(parse(data + 2, size - 2, 1, data[1]) == whole);
	return 0;
}
