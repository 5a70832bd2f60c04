# Fuzz targets of conf, and of what is made of it.
FUZZ_TESTS += fuzz-conf fuzz-params fuzz-recipe
fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c
fuzz_conf_LDADD = libconf.a $(YAML_LIBS) $(FUZZ_LIBS)
fuzz_params_SOURCES = tests/fuzz/fuzz_params.c
fuzz_params_LDADD = liborder.a libconf.a libproto.a $(JANSSON_LIBS) $(YAML_LIBS) $(FUZZ_LIBS)
fuzz_recipe_SOURCES = tests/fuzz/fuzz_recipe.c
fuzz_recipe_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
fuzz_recipe_LDADD = $(fuzz_params_LDADD)
EXTRA_DIST += \
	tests/fuzz/corpus/conf/sample tests/fuzz/corpus/conf/flow tests/fuzz/corpus/conf/aliases tests/fuzz/corpus/conf/deep \
	tests/fuzz/corpus/conf/steps tests/fuzz/corpus/conf/http tests/fuzz/corpus/conf/json tests/fuzz/corpus/conf/steps-wrong \
	tests/fuzz/corpus/params/all tests/fuzz/corpus/params/escapes tests/fuzz/corpus/params/deep tests/fuzz/corpus/params/numbers \
	tests/fuzz/corpus/recipe/all tests/fuzz/corpus/recipe/climb tests/fuzz/corpus/recipe/lines tests/fuzz/corpus/recipe/quotes \
	tests/fuzz/corpus/recipe/utf-8 tests/fuzz/corpus/recipe/no-utf-8
