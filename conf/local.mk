noinst_LIBRARIES += libconf.a
libconf_a_SOURCES = conf/units.h conf/units.c conf/address.h conf/address.c conf/conf.h
libconf_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
