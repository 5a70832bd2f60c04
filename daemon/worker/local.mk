noinst_LIBRARIES += libworker.a
libworker_a_SOURCES = daemon/worker/pool.h daemon/worker/worker.h
EXTRA_DIST += daemon/worker/IPC.md
