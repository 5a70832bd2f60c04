# Unit tests of order: each a program unit-NAME from test_NAME.c.
UNIT_TESTS += unit-state
unit_state_SOURCES = tests/unit/test_state.c
unit_state_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DSTATES_MD='"$(abs_top_srcdir)/daemon/order/STATES.md"'
unit_state_LDADD = liborder.a $(UNIT_LIBS)
UNIT_TESTS += unit-recipe
unit_recipe_SOURCES = tests/unit/test_recipe.c tests/unit/recipe_world.h tests/unit/recipe_world.c
unit_recipe_LDADD = liborder.a libconf.a libproto.a $(JANSSON_LIBS) $(YAML_LIBS) $(UNIT_LIBS)
UNIT_TESTS += unit-recipe-memory
unit_recipe_memory_SOURCES = tests/unit/test_recipe_memory.c
unit_recipe_memory_LDADD = liborder.a libconf.a libproto.a $(JANSSON_LIBS) $(YAML_LIBS) $(UNIT_LIBS)
unit_recipe_memory_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY)
UNIT_TESTS += unit-recipe-steps unit-recipe-http
unit_recipe_steps_SOURCES = tests/unit/test_recipe_steps.c tests/unit/recipe_world.h tests/unit/recipe_world.c
unit_recipe_steps_LDADD = $(unit_recipe_LDADD) $(XXHASH_LIBS)
unit_recipe_http_SOURCES = tests/unit/test_recipe_http.c tests/unit/recipe_world.h tests/unit/recipe_world.c
unit_recipe_http_LDADD = $(unit_recipe_LDADD)
