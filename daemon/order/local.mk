noinst_LIBRARIES += liborder.a
liborder_a_SOURCES = daemon/order/state.def daemon/order/cause.def daemon/order/event.def daemon/order/move.def daemon/order/attempt.def \
	daemon/order/order.h daemon/order/order.c daemon/order/state.h daemon/order/state.c daemon/order/attempt.h daemon/order/attempt.c \
	daemon/order/params.h daemon/order/params.c daemon/order/recipe.h daemon/order/recipe.c \
	daemon/order/path.h daemon/order/path.c daemon/order/expand.h daemon/order/expand.c daemon/order/command.c \
	daemon/order/json.h daemon/order/json.c daemon/order/request.c daemon/order/digest.c
liborder_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(XXHASH_CFLAGS)
EXTRA_DIST += daemon/order/STATES.md
