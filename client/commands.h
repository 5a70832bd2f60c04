/*
 * The commands, one a file cmd_NAME.c; main.c has the table.
 */
#ifndef BAKERY_CLIENT_COMMANDS_H
#define BAKERY_CLIENT_COMMANDS_H

#include "client/cli.h"

extern const struct command cmd_order, cmd_run, cmd_map, cmd_wait, cmd_list, cmd_show, cmd_result, cmd_cancel,
    cmd_explain, cmd_recipes, cmd_stats, cmd_tasks, cmd_pause, cmd_resume, cmd_health, cmd_ping;

#endif
