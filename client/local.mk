noinst_LIBRARIES += libbakery.a
libbakery_a_SOURCES = client/bakery.h
