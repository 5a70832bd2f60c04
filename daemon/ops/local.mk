sbin_PROGRAMS += bakeryd
bakeryd_SOURCES = daemon/ops/main.c daemon/ops/notify.h daemon/ops/notify.c daemon/ops/backoff.h daemon/ops/backoff.c \
	daemon/ops/statedir.h daemon/ops/statedir.c daemon/ops/sweep.h daemon/ops/sweep.c daemon/ops/listen.h daemon/ops/listen.c \
	daemon/ops/sources.h daemon/ops/sources.c daemon/ops/privilege.h daemon/ops/privilege.c daemon/ops/workers.h daemon/ops/workers.c \
	daemon/ops/supervisor.h daemon/ops/supervisor.c daemon/ops/front.h daemon/ops/front.c \
	daemon/ops/front_process.h daemon/ops/front_process.c \
	daemon/ops/daemon.h daemon/ops/daemon.c daemon/ops/options.h daemon/ops/options.c
bakeryd_CPPFLAGS = $(AM_CPPFLAGS) $(XXHASH_CFLAGS)
bakeryd_LDADD = libsession.a libsched.a libstep.a libworker.a libstore.a liborder.a libnet.a libtask.a libloop.a libbase.a libconf.a libproto.a \
	$(EVENT_LIBS) $(YAML_LIBS) $(CRYPTO_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(CURL_LIBS) $(XXHASH_LIBS) -lm
