noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = daemon/base/err.def daemon/base/err.h daemon/base/err.c daemon/base/log.h daemon/base/log.c \
	daemon/base/clock.h daemon/base/clock.c daemon/base/rand.h daemon/base/rand.c \
	daemon/base/failpoint.h daemon/base/failpoint.c
