#include "daemon/session/errand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/order/order.h"
#include "daemon/session/connection.h"
#include "daemon/session/failure.h"

enum {
	STACK_BYTES = 16 * 1024,
	LIST_BYTES = 1000 * (ORDER_MESSAGE_MAX + 1024),
	TASKS_BYTES = 100000 * 400, /* a row, and what is kept of a task until it is one */
};

static int errand_render(struct slot *slot, struct reply_writer *w)
{
	const struct errand *e = (const struct errand *)slot;
	return buf_append(w->out, buf_bytes(&e->bytes), e->bytes.len);
}

static void errand_release(struct slot *slot)
{
	struct errand *e = (struct errand *)slot;
	buf_clear(&e->bytes);
	free(e);
}

static int errand_run(void *arg)
{
	struct errand *e = arg;
	int r = e->command->errand(e);
	if (r < 0) {
		/* Half a reply is worth nothing. If there is no memory for this one either, rendering nothing would put the
		 * replies out of step: the line is told. */
		buf_clear(&e->bytes);
		if (reply_failure(&e->w, r) < 0)
			e->slot.render = NULL;
	}
	line_fill(&e->slot);
	return 0;
}

size_t errand_room(const struct connection *c, const struct command *command)
{
	const size_t rooms[] = {
	    [ROOM_SMALL] = 0,
	    [ROOM_RESULT] = c->all->conf->limits.result,
	    [ROOM_LIST] = LIST_BYTES,
	    [ROOM_TASKS] = TASKS_BYTES,
	};
	return STACK_BYTES + rooms[command->room];
}

bool errand_is_of_client(const char *task_name)
{
	const struct command *command = command_find((struct slice){task_name, strlen(task_name)});
	return strcmp(task_name, connection_task) == 0 || (command && command->errand);
}

int errand_start(struct connection *c, const struct command *command, const struct request *request)
{
	size_t bytes = request->argc * sizeof(struct slice);
	for (uint32_t i = 0; i < request->argc; i++)
		bytes += request->argv[i].len;
	struct errand *e = malloc(sizeof *e + bytes);
	if (!e)
		return -ENOMEM;
	*e = (struct errand){
	    .slot = {.bytes = errand_room(c, command) + bytes,
		.write = command->flags & COMMAND_WRITE,
		.render = errand_render,
		.release = errand_release},
	    .command = command,
	    .all = c->all,
	    .user = c->user,
	    .argc = request->argc,
	    .argv = (struct slice *)(e + 1),
	};
	e->w = (struct reply_writer){.out = &e->bytes, .version = c->reply.version};
	char *at = (char *)(e->argv + e->argc);
	for (uint32_t i = 0; i < e->argc; i++) {
		size_t len = request->argv[i].len;
		memcpy(at, request->argv[i].data, len);
		e->argv[i] = (struct slice){at, len};
		at += len;
	}
	struct task_spec spec = {
	    .name = command->name, .id = c->id, .fn = errand_run, .arg = e, .scope = c->all->scope};
	int r = task_spawn(&spec, NULL);
	if (r < 0) {
		free(e);
		return r;
	}
	line_open(&c->line, &e->slot);
	return 0;
}
