noinst_LIBRARIES += libworker.a
libworker_a_SOURCES = daemon/worker/message.def daemon/worker/message.h daemon/worker/message.c \
	daemon/worker/channel.h daemon/worker/channel.c daemon/worker/child.h daemon/worker/child.c \
	daemon/worker/orphans.h daemon/worker/orphans.c daemon/worker/workdir.h daemon/worker/workdir.c \
	daemon/worker/capture.h daemon/worker/capture.c daemon/worker/job.h daemon/worker/job.c \
	daemon/worker/worker.h daemon/worker/worker.c daemon/worker/pool.h daemon/worker/pool.c \
	daemon/worker/pool_worker.h daemon/worker/pool_worker.c
EXTRA_DIST += daemon/worker/IPC.md daemon/worker/README.md
