noinst_LIBRARIES += libproto.a
libproto_a_SOURCES = proto/buf.h proto/buf.c proto/inline.h proto/inline.c proto/request.h proto/request.c proto/reply.h proto/reply.c \
	proto/utf8.h proto/utf8.c proto/value.h proto/value.c
