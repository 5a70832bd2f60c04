# The client library, for the command line and the tests.
noinst_LIBRARIES += libbakery.a
libbakery_a_SOURCES = client/bakery.h client/connection.c client/dial.h client/dial.c client/key.c

# The command line: what its commands share, and the commands.
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = client/cli.h client/cli.c client/options.c client/json.h client/json.c client/text.h client/text.c \
	client/spinner.h client/spinner.c client/status.h client/status.c client/params.h client/params.c \
	client/submit.h client/submit.c client/wait.h client/wait.c client/batch.h client/batch.c \
	client/filter.h client/filter.c
libcli_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)

bin_PROGRAMS += bakery
bakery_SOURCES = client/main.c client/commands.h \
	client/cmd_order.c client/cmd_run.c client/cmd_map.c client/cmd_wait.c client/cmd_list.c client/cmd_show.c \
	client/cmd_result.c client/cmd_cancel.c client/cmd_explain.c client/cmd_recipes.c client/cmd_stats.c client/cmd_tasks.c \
	client/cmd_pause.c client/cmd_health.c client/cmd_ping.c
bakery_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
bakery_LDADD = libcli.a libbakery.a libproto.a libconf.a $(JANSSON_LIBS)
dist_man_MANS += client/bakery.1
EXTRA_DIST += client/README.md
