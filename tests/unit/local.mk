# Unit tests: one program for each file under test, with check(3); each room lists its own in a fragment:
#
#     UNIT_TESTS += unit-buf
#     unit_buf_SOURCES = tests/unit/test_buf.c
#     unit_buf_LDADD = libproto.a $(UNIT_LIBS)

UNIT_TESTS =
UNIT_LIBS = libunit.a $(CHECK_LIBS)

EXTRA_LIBRARIES += libunit.a
CLEANFILES += libunit.a
libunit_a_SOURCES = tests/unit/unit.h tests/unit/unit.c
libunit_a_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)

include tests/unit/base.mk
include tests/unit/loop.mk
include tests/unit/task.mk
include tests/unit/proto.mk
include tests/unit/conf.mk
include tests/unit/order.mk
include tests/unit/net.mk
include tests/unit/store.mk
include tests/unit/worker.mk
include tests/unit/step.mk
include tests/unit/sched.mk
include tests/unit/session.mk
include tests/unit/ops.mk
include tests/unit/client.mk

if HAVE_CHECK
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
EXTRA_PROGRAMS += $(UNIT_TESTS)

if HAVE_CHECK
TESTS += tests/unit/test_valgrind.sh
UNIT_LONG_TESTS = tests/unit/matrix.sh
else
UNIT_LONG_TESTS =
endif
EXTRA_DIST += tests/unit/test_valgrind.sh tests/unit/matrix.sh
