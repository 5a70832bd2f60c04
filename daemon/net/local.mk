noinst_LIBRARIES += libnet.a
libnet_a_SOURCES = daemon/net/peer.h daemon/net/peer.c daemon/net/stream.h daemon/net/stream.c \
	daemon/net/listener.h daemon/net/listener.c daemon/net/gate.h daemon/net/gate.c daemon/net/remembered.h daemon/net/remembered.c \
	daemon/net/password.h daemon/net/password.c
libnet_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
