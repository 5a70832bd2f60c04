noinst_LIBRARIES += libtask.a
libtask_a_SOURCES = daemon/task/task.h daemon/task/future.h daemon/task/ready.h \
	daemon/task/gather.h daemon/task/chan.h daemon/task/semaphore.h daemon/task/executor.h \
	daemon/task/runtime.h daemon/task/runtime.c daemon/task/task.c daemon/task/wait.c daemon/task/fd.c \
	daemon/task/scope.c daemon/task/future.c daemon/task/ready.c \
	daemon/task/gather.c daemon/task/chan.c daemon/task/semaphore.c daemon/task/executor.c \
	daemon/task/stack.h daemon/task/stack.c daemon/task/measure.c daemon/task/overflow.c \
	daemon/task/switch.h daemon/task/switch.c daemon/task/switch_x86_64.c daemon/task/switch_ucontext.c
EXTRA_DIST += daemon/task/README.md
