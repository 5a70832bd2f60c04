noinst_LIBRARIES += libconf.a
libconf_a_SOURCES = conf/units.h conf/units.c conf/address.h conf/address.c conf/arena.h conf/arena.c \
	conf/problems.h conf/problems.c conf/tree.h conf/tree.c conf/template.h conf/template.c \
	conf/schema.h conf/schema.c conf/read.h conf/read.c \
	conf/scalar.h conf/scalar.c conf/quote.h conf/quote.c conf/json_value.h conf/json_value.c conf/url.h conf/url.c \
	conf/finish.h conf/finish.c conf/finish_recipe.c conf/finish_step.c conf/finish_http.c conf/defaults.h conf/defaults.c \
	conf/check.h conf/check.c conf/check_recipe.h conf/check_recipe.c conf/check_step.h conf/check_step.c \
	conf/placeholders.h conf/placeholders.c conf/sources.c conf/print.c conf/conf.h conf/conf.c
libconf_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)

# Under /etc there is nothing until somebody decides what may be ordered.
exampledir = $(docdir)/examples
dist_example_DATA = conf/bakery.yaml conf/quickstart.yaml
dist_man_MANS += conf/bakery.yaml.5
