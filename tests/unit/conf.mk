# Unit tests of conf: each a program unit-NAME from test_NAME.c.
UNIT_TESTS += unit-units unit-address unit-template unit-conf unit-conf-errors unit-conf-files unit-conf-steps unit-conf-step-errors
unit_units_SOURCES = tests/unit/test_units.c
unit_units_LDADD = libconf.a $(UNIT_LIBS)
unit_address_SOURCES = tests/unit/test_address.c
unit_address_LDADD = libconf.a $(UNIT_LIBS)
unit_template_SOURCES = tests/unit/test_template.c
unit_template_LDADD = libconf.a $(UNIT_LIBS)
unit_conf_SOURCES = tests/unit/test_conf.c tests/unit/conf_text.c tests/unit/conf_text.h
unit_conf_LDADD = libconf.a $(YAML_LIBS) $(UNIT_LIBS)
unit_conf_errors_SOURCES = tests/unit/test_conf_errors.c tests/unit/conf_text.c tests/unit/conf_text.h
unit_conf_errors_LDADD = libconf.a $(YAML_LIBS) $(UNIT_LIBS)
unit_conf_files_SOURCES = tests/unit/test_conf_files.c tests/unit/conf_text.c tests/unit/conf_text.h
unit_conf_files_LDADD = libconf.a $(YAML_LIBS) $(UNIT_LIBS)
unit_conf_step_errors_SOURCES = tests/unit/test_conf_step_errors.c tests/unit/conf_text.c tests/unit/conf_text.h
unit_conf_step_errors_LDADD = libconf.a $(YAML_LIBS) $(UNIT_LIBS)
unit_conf_steps_SOURCES = tests/unit/test_conf_steps.c tests/unit/conf_text.c tests/unit/conf_text.h
unit_conf_steps_LDADD = libconf.a $(YAML_LIBS) $(UNIT_LIBS)
UNIT_TESTS += unit-manual
unit_manual_SOURCES = tests/unit/test_manual.c
unit_manual_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DMANUAL='"$(abs_top_srcdir)/conf/bakery.yaml.5"' -DSAMPLE='"$(abs_top_srcdir)/conf/bakery.yaml"'
unit_manual_LDADD = libconf.a $(YAML_LIBS) $(UNIT_LIBS)
UNIT_TESTS += unit-conf-memory
unit_conf_memory_SOURCES = tests/unit/test_conf_memory.c
unit_conf_memory_LDADD = libconf.a $(YAML_LIBS) $(UNIT_LIBS)
unit_conf_memory_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY)
