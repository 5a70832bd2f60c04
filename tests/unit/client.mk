# Unit tests of client: each a program unit-NAME from test_NAME.c.

UNIT_TESTS += unit-client unit-params unit-status

unit_client_SOURCES = tests/unit/test_client.c
unit_client_LDADD = libbakery.a libproto.a libconf.a $(UNIT_LIBS)

unit_params_SOURCES = tests/unit/test_params.c
unit_params_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
unit_params_LDADD = libcli.a libbakery.a libproto.a libconf.a $(JANSSON_LIBS) $(UNIT_LIBS)

unit_status_SOURCES = tests/unit/test_status.c
unit_status_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
unit_status_LDADD = libcli.a libbakery.a libproto.a libconf.a $(JANSSON_LIBS) $(UNIT_LIBS)
