noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = daemon/store/store.h daemon/store/store.c daemon/store/op.def \
	daemon/store/inbox.h daemon/store/inbox.c daemon/store/mailbox.h daemon/store/mailbox.c \
	daemon/store/writer.h daemon/store/writer.c daemon/store/reader.h daemon/store/reader.c \
	daemon/store/batch.h daemon/store/batch.c daemon/store/statement.def daemon/store/engine.h daemon/store/engine.c \
	daemon/store/engine_open.c daemon/store/engine_log.c daemon/store/engine_ops.c \
	daemon/store/ops_submit.c daemon/store/ops_life.c daemon/store/ops_queue.c \
	daemon/store/reads.def daemon/store/reads.h daemon/store/reads.c daemon/store/read_order.c daemon/store/read_list.c daemon/store/read_steps.c \
	daemon/store/key.h daemon/store/key.c daemon/store/attempt.h daemon/store/attempt.c daemon/store/steps.h daemon/store/steps.c \
	daemon/store/row.def daemon/store/row.h daemon/store/row.c daemon/store/events.h daemon/store/events.c \
	daemon/store/counts.h daemon/store/counts.c daemon/store/names.h daemon/store/names.c \
	daemon/store/mark.h daemon/store/mark.c daemon/store/walscan.h daemon/store/walscan.c \
	daemon/store/schema.h daemon/store/schema.c daemon/store/db.h daemon/store/db.c
libstore_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(XXHASH_CFLAGS)
EXTRA_DIST += daemon/store/README.md
