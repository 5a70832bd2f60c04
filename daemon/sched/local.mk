noinst_LIBRARIES += libsched.a
libsched_a_SOURCES = daemon/sched/sched.h
