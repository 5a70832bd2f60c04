/* What a configuration that says nothing of a section gets: a person's daemon and the machine's differ here. */
#ifndef BAKERY_CONF_DEFAULTS_H
#define BAKERY_CONF_DEFAULTS_H

#include <stdbool.h>

#include "conf/arena.h"
#include "conf/problems.h"

/* The machine's daemon: its file is below /etc/bakery, or the system's service manager gave it a state directory. Else a person's. */
bool defaults_personal(const struct conf_sources *sources);
/* The YAML of the sections that the file leaves out; "" when there is none. */
const char *defaults_pools(void);
const char *defaults_recipes(bool personal);
/* Fills in what is not written: listen, state_dir, work_dir, result_max. 0 or -ENOMEM. */
int defaults_fill(struct conf *c, struct arena *arena, struct problems *problems);

/* $XDG_STATE_HOME or ~/.local/state, with /bakery; and the same of $XDG_CONFIG_HOME and ~/.config. NULL without a home; to be freed. */
char *defaults_person_dir(const char *variable, const char *below_home, const char *tail);
/* Root, and accounts that are nobody's. */
bool defaults_system_user(void);

#endif
