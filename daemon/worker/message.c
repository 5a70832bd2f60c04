#include "daemon/worker/message.h"

#include <limits.h>
#include <string.h>

#include "daemon/base/err.h"

struct header {
	uint32_t body_bytes;
	uint16_t type;
	uint16_t descriptors;
};
_Static_assert(sizeof(struct header) == MESSAGE_HEADER_BYTES, "the header of a frame has no holes");

static const struct {
	const char *name;
	uint32_t body_max;
	bool has_fd;
} types[MESSAGE_TYPES] = {
#define MESSAGE(name, text, max, fd) [MESSAGE_##name] = {text, max, fd},
#include "daemon/worker/message.def"
#undef MESSAGE
};

const char *message_name(unsigned type)
{
	return type < MESSAGE_TYPES ? types[type].name : "unknown";
}

bool message_has_fd(enum message_type type)
{
	return types[type].has_fd;
}

void message_begin(struct message_writer *w, struct buf *out, enum message_type type)
{
	*w = (struct message_writer){.out = out, .start = out->len, .type = type};
	/* The length is filled in at the end. */
	struct header h = {.type = (uint16_t)type, .descriptors = types[type].has_fd};
	w->error = buf_append(out, &h, sizeof h);
}

static void add(struct message_writer *w, const void *bytes, size_t len)
{
	if (!w->error)
		w->error = buf_append(w->out, bytes, len);
}

void message_add_int(struct message_writer *w, int64_t value)
{
	add(w, &value, sizeof value);
}

void message_add_bytes(struct message_writer *w, const void *bytes, size_t len)
{
	/* Checked before it is copied: what will be refused costs no memory, and the length fits into its field. */
	if (!w->error && len + (w->out->len - w->start) > types[w->type].body_max + MESSAGE_HEADER_BYTES)
		w->error = ERR_TOOBIG;
	uint32_t n = (uint32_t)len;
	add(w, &n, sizeof n);
	add(w, bytes, len);
}

void message_add_text(struct message_writer *w, const char *text)
{
	message_add_bytes(w, text, strlen(text));
}

void message_add_job(struct message_writer *w, const struct job_name *name)
{
	message_add_int(w, name->order);
	message_add_int(w, name->attempt);
	message_add_int(w, name->step);
	message_add_int(w, name->try);
}

int message_finish(struct message_writer *w)
{
	size_t body = w->out->len - w->start - MESSAGE_HEADER_BYTES;
	if (!w->error && body > types[w->type].body_max)
		w->error = ERR_TOOBIG;
	if (w->error) {
		w->out->len = w->start;
		return w->error;
	}
	uint32_t n = (uint32_t)body;
	memcpy(w->out->data + w->out->off + w->start, &n, sizeof n);
	return 0;
}

int message_parse(const struct buf *in, struct message *m, size_t *bytes)
{
	struct header h;
	if (in->len < sizeof h)
		return 0;
	memcpy(&h, buf_bytes(in), sizeof h);
	if (h.type >= MESSAGE_TYPES || h.body_bytes > types[h.type].body_max ||
	    h.descriptors != types[h.type].has_fd)
		return ERR_PROTOCOL;
	if (in->len - sizeof h < h.body_bytes)
		return 0;
	const char *body = buf_bytes(in) + sizeof h;
	*m = (struct message){.type = h.type, .at = body, .end = body + h.body_bytes, .fd = -1};
	*bytes = sizeof h + h.body_bytes;
	return 1;
}

/* The next n bytes of the body; NULL when there are not as many. */
static const char *take(struct message *m, size_t n)
{
	if (m->bad || (size_t)(m->end - m->at) < n) {
		m->bad = true;
		return NULL;
	}
	const char *p = m->at;
	m->at += n;
	return p;
}

int64_t message_get_int(struct message *m, int64_t min, int64_t max)
{
	int64_t value;
	const char *p = take(m, sizeof value);
	if (!p)
		return min;
	memcpy(&value, p, sizeof value);
	if (value < min || value > max) {
		m->bad = true;
		return min;
	}
	return value;
}

struct slice message_get_bytes(struct message *m)
{
	uint32_t n;
	const char *p = take(m, sizeof n);
	if (!p)
		return (struct slice){"", 0};
	memcpy(&n, p, sizeof n);
	p = take(m, n);
	return p ? (struct slice){p, n} : (struct slice){"", 0};
}

void message_get_text(struct message *m, char *out, size_t size)
{
	struct slice s = message_get_bytes(m);
	if (s.len >= size || memchr(s.data, 0, s.len)) {
		m->bad = true;
		s.len = 0;
	}
	memcpy(out, s.data, s.len);
	out[s.len] = 0;
}

struct job_name message_get_job(struct message *m)
{
	struct job_name name;
	name.order = message_get_int(m, 1, INT64_MAX);
	name.attempt = (int)message_get_int(m, 1, INT_MAX);
	name.step = (int)message_get_int(m, 0, CONF_STEPS_MAX - 1);
	name.try = (int)message_get_int(m, 0, INT_MAX);
	return name;
}

int message_end(const struct message *m)
{
	return m->bad || m->at != m->end ? ERR_PROTOCOL : 0;
}
