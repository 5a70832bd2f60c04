noinst_LIBRARIES += libnet.a
libnet_a_SOURCES = daemon/net/peer.h daemon/net/password.h
libnet_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
