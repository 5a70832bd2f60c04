noinst_LIBRARIES += libtask.a
libtask_a_SOURCES = daemon/task/ready.h daemon/task/future.h daemon/task/task.h
