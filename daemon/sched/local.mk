noinst_LIBRARIES += libsched.a
libsched_a_SOURCES = daemon/sched/sched.h daemon/sched/sched.c daemon/sched/inner.h daemon/sched/answer.h daemon/sched/heads.h daemon/sched/heads.c \
	daemon/sched/window.h daemon/sched/window.c daemon/sched/pick.h daemon/sched/pick.c daemon/sched/retry.h daemon/sched/retry.c \
	daemon/sched/due.h daemon/sched/due.c daemon/sched/run.h daemon/sched/run.c daemon/sched/way.h \
	daemon/sched/start.c daemon/sched/needs.c daemon/sched/heavy.c daemon/sched/light.c daemon/sched/advance.c daemon/sched/finish.c \
	daemon/sched/starting.c daemon/sched/why.c daemon/sched/recover.c
libsched_a_CPPFLAGS = $(AM_CPPFLAGS) -DHASH_NONFATAL_OOM=1
EXTRA_DIST += daemon/sched/README.md
