# Unit tests of proto: each a program unit-NAME from test_NAME.c.

UNIT_TESTS += unit-buf unit-reply unit-request unit-value

unit_buf_SOURCES = tests/unit/test_buf.c
unit_buf_LDADD = libproto.a $(UNIT_LIBS)
unit_buf_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY)

unit_reply_SOURCES = tests/unit/test_reply.c
unit_reply_LDADD = libproto.a $(UNIT_LIBS)

unit_request_SOURCES = tests/unit/test_request.c
unit_request_LDADD = libproto.a $(UNIT_LIBS)
unit_request_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY)

unit_value_SOURCES = tests/unit/test_value.c
unit_value_LDADD = libproto.a $(UNIT_LIBS)
unit_value_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY)

# Tests with tests/unit/refuse.h can refuse the n-th allocation of the code under test.
UNIT_REFUSE_MEMORY = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
EXTRA_DIST += tests/unit/refuse.h
