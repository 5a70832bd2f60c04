noinst_LIBRARIES += liborder.a
liborder_a_SOURCES = daemon/order/state.def daemon/order/cause.def daemon/order/order.h daemon/order/recipe.h
liborder_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
