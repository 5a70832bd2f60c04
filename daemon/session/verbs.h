/*
 * The rows of all verbs; each is defined in the verb's own file.
 */
#ifndef BAKERY_SESSION_VERBS_H
#define BAKERY_SESSION_VERBS_H

#include "daemon/session/command.h"

/* verb_order.c, verb_status.c, … */
extern const struct command command_order, command_status, command_result, command_await, command_cancel,
    command_list, command_explain, command_recipes, command_stats, command_tasks;
/* verb_pause.c */
extern const struct command command_pause, command_resume;
/* verb_subscribe.c */
extern const struct command command_subscribe, command_psubscribe, command_unsubscribe, command_punsubscribe;
/* verb_hello.c: who is there */
extern const struct command command_hello, command_auth, command_reset, command_quit;
/* verb_client.c: what libraries say of themselves */
extern const struct command command_client, command_select, command_readonly, command_readwrite, command_ping,
    command_echo;
/* verb_info.c: what they ask about the daemon */
extern const struct command command_info, command_time, command_config;
/* verb_command.c */
extern const struct command command_command;

#endif
