# Unit tests of net: each a program unit-NAME from test_NAME.c.

UNIT_TESTS += unit-peer unit-gate unit-stream unit-listener

unit_peer_SOURCES = tests/unit/test_peer.c
unit_peer_LDADD = libnet.a $(UNIT_LIBS)

unit_gate_SOURCES = tests/unit/test_gate.c
unit_gate_LDADD = libnet.a $(UNIT_LIBS)

unit_stream_SOURCES = tests/unit/test_stream.c
unit_stream_LDADD = libnet.a libtask.a libloop.a libbase.a libproto.a $(EVENT_LIBS) $(UNIT_LIBS)

unit_listener_SOURCES = tests/unit/test_listener.c
unit_listener_LDADD = libnet.a libtask.a libloop.a libbase.a libproto.a $(EVENT_LIBS) $(UNIT_LIBS)
UNIT_TESTS += unit-password
unit_password_SOURCES = tests/unit/test_password.c
unit_password_LDADD = libnet.a $(CRYPTO_LIBS) $(UNIT_LIBS)
