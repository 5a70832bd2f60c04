# Unit tests of session: each a program unit-NAME from test_NAME.c.

UNIT_TESTS += unit-line unit-rights unit-options unit-topics unit-identity unit-session unit-session-told unit-session-who unit-session-looks \
	unit-session-memory

unit_line_SOURCES = tests/unit/test_line.c
unit_line_LDADD = libsession.a libproto.a $(UNIT_LIBS)
unit_line_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY)

unit_rights_SOURCES = tests/unit/test_rights.c
unit_rights_LDADD = libsession.a $(UNIT_LIBS)

unit_options_SOURCES = tests/unit/test_options.c
unit_options_LDADD = libsession.a libconf.a libproto.a $(UNIT_LIBS)

unit_topics_SOURCES = tests/unit/test_topics.c
unit_topics_LDADD = libsession.a liborder.a libproto.a $(UNIT_LIBS)

unit_identity_SOURCES = tests/unit/test_identity.c
unit_identity_LDADD = libsession.a libnet.a libbase.a $(UNIT_LIBS)

# The fakes stand before the libraries, which then have nothing to add for those names.
SESSION_WORLD = tests/unit/session_world.h tests/unit/session_world.c tests/unit/fake_below.h tests/unit/fake_below.c
unit_session_SOURCES = tests/unit/test_session.c $(SESSION_WORLD)
unit_session_LDADD = libsession.a liborder.a libnet.a libtask.a libloop.a libbase.a libconf.a libproto.a \
	$(EVENT_LIBS) $(CRYPTO_LIBS) $(UNIT_LIBS)

unit_session_told_SOURCES = tests/unit/test_session_told.c $(SESSION_WORLD)
unit_session_told_LDADD = $(unit_session_LDADD)

unit_session_who_SOURCES = tests/unit/test_session_who.c $(SESSION_WORLD)
unit_session_who_LDADD = $(unit_session_LDADD)
unit_session_who_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=password_verify

unit_session_looks_SOURCES = tests/unit/test_session_looks.c $(SESSION_WORLD)
unit_session_looks_LDADD = $(unit_session_LDADD)

unit_session_memory_SOURCES = tests/unit/test_session_memory.c tests/unit/fake_below.h tests/unit/fake_below.c
unit_session_memory_LDADD = $(unit_session_LDADD)
unit_session_memory_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY)
