noinst_LIBRARIES += libstep.a
libstep_a_SOURCES = daemon/step/step.h daemon/step/inner.h daemon/step/step.c daemon/step/http.c \
	daemon/step/answer.h daemon/step/answer.c daemon/step/printable.h daemon/step/printable.c \
	daemon/step/exchange.h daemon/step/exchange.c daemon/step/url.h daemon/step/url.c \
	daemon/step/transfer.h daemon/step/transfer.c daemon/step/lookup.h daemon/step/lookup.c \
	daemon/step/hosts.h daemon/step/hosts.c
libstep_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
EXTRA_DIST += daemon/step/README.md
