#include "conf/defaults.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/address.h"

/* Where Debian and its like begin to number people. */
enum { FIRST_PERSON_UID = 1000 };

static const char pools_yaml[] = "pools: {default: {}}\n";
static const char run_yaml[] =
    "recipes:\n"
    "  run:\n"
    "    description: Any command of yours\n"
    "    params: {argv: {type: list, required: true, allow_dash: true}, dir: {type: path}}\n"
    "    run: [\"{argv}\"]\n"
    "    chdir: \"{dir}\"\n"
    "    timeout: none\n";

bool defaults_system_user(void)
{
	return geteuid() < FIRST_PERSON_UID;
}

bool defaults_personal(const struct conf_sources *sources)
{
	const char *state = getenv("STATE_DIRECTORY");
	if (sources->count && strncmp(sources->items[0].path, "/etc/bakery/", 12) == 0)
		return false;
	return !(state && strncmp(state, "/var/lib/", 9) == 0);
}

const char *defaults_pools(void)
{
	return pools_yaml;
}

const char *defaults_recipes(bool personal)
{
	return personal ? run_yaml : "";
}

char *defaults_person_dir(const char *variable, const char *below_home, const char *tail)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	char *out;
	if (base && *base == '/')
		return asprintf(&out, "%s/%s", base, tail) < 0 ? NULL : out;
	if (!home || *home != '/') {
		const struct passwd *pw = getpwuid(geteuid());
		home = pw ? pw->pw_dir : NULL;
	}
	if (!home)
		return NULL;
	return asprintf(&out, "%s/%s/%s", home, below_home, tail) < 0 ? NULL : out;
}

static const struct conf_place nowhere = {0};

static int fill_listen(struct conf *c, struct arena *arena, struct problems *problems)
{
	char path[108] = ADDRESS_SYSTEM_SOCKET;
	struct conf_listen *l = arena_alloc(arena, sizeof *l);
	if (!l)
		return -ENOMEM;
	int r = c->personal ? address_person_socket(0, path) : 0;
	if (r < 0) {
		problems_error(problems, &nowhere, "listen",
		    "the place of your socket cannot be used: %s; say listen: [{unix: PATH}]",
		    r == -EPERM ? "its folder in /tmp belongs to somebody else" : strerror(-r));
		return 0;
	}
	*l = (struct conf_listen){
	    .kind = CONF_LISTEN_UNIX, .mode = 0660, .path = arena_copy(arena, path, strlen(path))};
	c->listens = l;
	c->listen_count = 1;
	return l->path ? 0 : -ENOMEM;
}

static int fill_state_dir(struct conf *c, struct arena *arena, struct problems *problems)
{
	const char *given = getenv("STATE_DIRECTORY");
	if (given && *given == '/') {
		/* Several are separated by colons (systemd.exec(5)). */
		c->state_dir = arena_copy(arena, given, strcspn(given, ":"));
	} else if (c->personal) {
		char *dir = defaults_person_dir("XDG_STATE_HOME", ".local/state", "bakery");
		if (dir)
			c->state_dir = arena_copy(arena, dir, strlen(dir));
		else
			problems_error(problems, &nowhere, "state_dir",
			    "there is no home directory for it: say state_dir: PATH");
		bool there = dir != NULL;
		free(dir);
		return !there || c->state_dir ? 0 : -ENOMEM;
	} else {
		c->state_dir = arena_printf(arena, "/var/lib/bakery");
	}
	return c->state_dir ? 0 : -ENOMEM;
}

static int fill_work_dir(struct conf *c, struct arena *arena)
{
	bool other_users = false;
	for (size_t i = 0; i < c->pool_count; i++)
		other_users |= c->pools[i].user != NULL;
	/* A person's state directory is closed to others, so what is in it is for jobs of the same user only. */
	if (c->personal && !other_users && c->state_dir)
		c->work_dir = arena_printf(arena, "%s/work", c->state_dir);
	else
		c->work_dir = arena_printf(arena, "/var/tmp/bakery");
	return c->work_dir ? 0 : -ENOMEM;
}

int defaults_fill(struct conf *c, struct arena *arena, struct problems *problems)
{
	int r = 0;
	for (size_t i = 0; i < c->recipe_count; i++) {
		struct conf_recipe *recipe = &c->recipes[i];
		if (recipe->result_max == UINT64_MAX)
			recipe->result_max = c->limits.result;
		for (size_t j = 0; j < recipe->step_count; j++) {
			if (recipe->steps[j].http.result_max == UINT64_MAX)
				recipe->steps[j].http.result_max = recipe->result_max;
		}
	}
	if (!c->listens)
		r = fill_listen(c, arena, problems);
	if (!r && !c->state_dir)
		r = fill_state_dir(c, arena, problems);
	if (!r && !c->work_dir)
		r = fill_work_dir(c, arena);
	return r;
}
