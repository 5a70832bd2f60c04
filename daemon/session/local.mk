noinst_LIBRARIES += libsession.a
EXTRA_DIST += daemon/session/README.md
libsession_a_SOURCES = daemon/session/session.h daemon/session/session.c daemon/session/shared.h \
	daemon/session/connection.h daemon/session/connection.c daemon/session/line.h daemon/session/line.c \
	daemon/session/command.h daemon/session/command.c daemon/session/verbs.h daemon/session/errand.h \
	daemon/session/errand.c daemon/session/failure.h daemon/session/failure.c daemon/session/options.h \
	daemon/session/options.c daemon/session/moment.h daemon/session/moment.c daemon/session/identity.h \
	daemon/session/identity.c daemon/session/rights.h daemon/session/rights.c daemon/session/auth.h \
	daemon/session/auth.c daemon/session/topics.h \
	daemon/session/topics.c daemon/session/subscriber.h daemon/session/subscriber.c daemon/session/message.h \
	daemon/session/message.c daemon/session/look.h daemon/session/look.c daemon/session/admit.h \
	daemon/session/admit.c daemon/session/compat.h daemon/session/figures.h daemon/session/figures.c \
	daemon/session/verb_order.c daemon/session/verb_status.c daemon/session/verb_result.c \
	daemon/session/verb_await.c daemon/session/verb_cancel.c daemon/session/verb_list.c \
	daemon/session/verb_explain.c daemon/session/verb_recipes.c daemon/session/verb_stats.c daemon/session/verb_tasks.c \
	daemon/session/verb_pause.c daemon/session/verb_subscribe.c daemon/session/verb_hello.c \
	daemon/session/verb_client.c daemon/session/verb_info.c daemon/session/verb_command.c
