sbin_PROGRAMS += bakeryd
bakeryd_SOURCES = daemon/ops/main.c
bakeryd_LDADD = libsession.a libsched.a libworker.a libstore.a liborder.a libnet.a libtask.a libloop.a libbase.a libconf.a libproto.a \
	$(EVENT_LIBS) $(YAML_LIBS) $(CRYPTO_LIBS) $(SQLITE_LIBS) $(JANSSON_LIBS) $(XXHASH_LIBS) -lm
