#include "conf/check.h"

#include <errno.h>
#include <fnmatch.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conf/check_recipe.h"

struct check {
	const struct conf *conf;
	const struct tree *root;
	struct problems *problems;
};

/* Where a key of a section is written, else where the section is. */
static const struct conf_place *place(const struct tree *section, const char *key)
{
	static const struct conf_place nowhere = {0};
	const struct tree *node = tree_get(section, key);
	return node ? &node->place : section ? &section->place : &nowhere;
}

static uid_t user_id(const char *name)
{
	const struct passwd *pw = getpwnam(name);
	return pw ? pw->pw_uid : (uid_t)-1;
}

/* ---- listen and users ---- */

static bool same_address(const struct conf_listen *a, const struct conf_listen *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == CONF_LISTEN_UNIX)
		return a->path && b->path && strcmp(a->path, b->path) == 0;
	return a->host && b->host && a->port && a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool somebody_has_password(const struct conf *c)
{
	for (size_t i = 0; i < c->user_count; i++) {
		if (c->users[i].password)
			return true;
	}
	return false;
}

static void check_listens(const struct check *k)
{
	const struct conf *c = k->conf;
	for (size_t i = 0; i < c->listen_count; i++) {
		const struct conf_listen *l = &c->listens[i];
		if (l->kind == CONF_LISTEN_TCP && !somebody_has_password(c))
			problems_error(k->problems, &l->place, "listen",
			    "nobody could use tcp: clients there have to authenticate, and no user has a "
			    "password "
			    "(users: [{name, password, allow}])");
		if (l->group && !getgrnam(l->group))
			problems_error(
			    k->problems, &l->place, "listen", "no group %s on this machine", l->group);
		for (size_t j = 0; j < i; j++) {
			if (same_address(l, &c->listens[j]))
				problems_error(k->problems, &l->place, "listen",
				    "is there twice, first at line %d", c->listens[j].place.line);
		}
	}
}

/* An `order NAME` without wildcards that no recipe has is likely a typing error. */
static void check_orders(const struct check *k, const struct conf_user *u)
{
	for (char **rule = u->allow; rule && *rule; rule++) {
		if (strncmp(*rule, "order ", 6) != 0)
			continue;
		bool found = false;
		for (size_t i = 0; i < k->conf->recipe_count && !found; i++)
			found = fnmatch(*rule + 6, k->conf->recipes[i].name, 0) == 0;
		if (!found)
			problems_warn(
			    k->problems, &u->place, u->name, "allow: %s: there is no such recipe", *rule);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct conf_user *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);
	return order ? order : *x < *y ? -1 : 1;
}

static int check_users(const struct check *k)
{
	size_t n = 0;
	const struct conf_user **users = calloc(k->conf->user_count + 1, sizeof *users);
	if (!users)
		return -ENOMEM;
	for (size_t i = 0; i < k->conf->user_count; i++) {
		check_orders(k, &k->conf->users[i]);
		if (k->conf->users[i].name)
			users[n++] = &k->conf->users[i];
	}
	qsort(users, n, sizeof *users, by_name);
	for (size_t i = 1; i < n; i++) {
		const struct conf_place *first = &users[i - 1]->place;
		if (strcmp(users[i]->name, users[i - 1]->name) == 0)
			problems_error(k->problems, &users[i]->place, "users",
			    "%s is there twice, first at %s:%d:%d", users[i]->name, first->file, first->line,
			    first->column);
	}
	free(users);
	return 0;
}

/* ---- pools and the daemon's user ---- */

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n]);
}

static void check_pool(const struct check *k, const struct conf_pool *pool, const struct tree *node)
{
	const struct conf *c = k->conf;
	const struct conf_place *at = place(node, "user");
	char key[80];
	snprintf(key, sizeof key, "pools.%s.user", pool->name);
	uid_t uid = pool->user ? user_id(pool->user) : (uid_t)-1;
	if (!pool->user && c->daemon_user && geteuid() == 0)
		problems_error(k->problems, at, key,
		    "is needed with daemon.user: jobs would run as root; name an account for them");
	if (!pool->user)
		return;
	if (uid == (uid_t)-1)
		problems_error(k->problems, at, key, "no user %s on this machine", pool->user);
	else if (geteuid() != 0)
		problems_error(k->problems, at, key, "needs a daemon that is started as root");
	else if (c->daemon_user && uid == user_id(c->daemon_user))
		problems_error(k->problems, at, key,
		    "may not be daemon.user: its jobs could read and change the store; name another account");
	else if (c->state_dir && is_below(c->work_dir, c->state_dir))
		problems_error(k->problems, place(k->root, "work_dir"), "work_dir",
		    "is in state_dir, which jobs of %s cannot enter", pool->user);
}

static void check_daemon_user(const struct check *k)
{
	const struct conf *c = k->conf;
	const struct conf_place *at = place(tree_get(k->root, "daemon"), "user");
	uid_t uid = c->daemon_user ? user_id(c->daemon_user) : geteuid();
	if (c->daemon_user && uid == (uid_t)-1)
		problems_error(k->problems, at, "daemon.user", "no user %s on this machine", c->daemon_user);
	else if (uid != geteuid() && geteuid() != 0)
		problems_error(k->problems, at, "daemon.user", "needs a daemon that is started as root");
	else if (c->daemon_user && uid == 0)
		problems_error(
		    k->problems, at, "daemon.user", "root is what it is to protect: name another account");
	else if (!c->daemon_user && geteuid() == 0)
		problems_warn(k->problems, at, "daemon.user",
		    "is not set: the daemon and all jobs without a pool's user run as root");
}

/* ---- limits ---- */

static bool has_http_steps(const struct conf *c)
{
	for (size_t i = 0; i < c->recipe_count; i++) {
		for (size_t j = 0; j < c->recipes[i].step_count; j++) {
			if (c->recipes[i].steps[j].kind == CONF_STEP_HTTP)
				return true;
		}
	}
	return false;
}

static void check_limits(const struct check *k)
{
	const struct conf *c = k->conf;
	const struct tree *limits = tree_get(k->root, "limits");
	struct rlimit files;
	if (c->limits.payload > c->limits.request)
		problems_error(
		    k->problems, place(limits, "payload"), "limits.payload", "is more than limits.request");
	if (c->limits.request > c->limits.buffers)
		problems_error(
		    k->problems, place(limits, "request"), "limits.request", "is more than limits.buffers");
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_max == RLIM_INFINITY)
		return;
	uint64_t needed = (uint64_t)c->limits.connections + 256;
	if (needed > files.rlim_max)
		problems_warn(k->problems, place(limits, "connections"), "limits.connections",
		    "more than the %llu descriptors that a process may have here",
		    (unsigned long long)files.rlim_max);
	else if (has_http_steps(c) && needed + (uint64_t)c->limits.running > files.rlim_max)
		problems_warn(k->problems, place(limits, "running"), "limits.running",
		    "as many http steps and limits.connections are more than the %llu descriptors that a "
		    "process may have here",
		    (unsigned long long)files.rlim_max);
}

int check_conf(const struct conf *c, const struct tree *root, struct problems *problems)
{
	const struct check k = {.conf = c, .root = root, .problems = problems};
	const struct tree *pools = tree_get(root, "pools"), *recipes = tree_get(root, "recipes");
	check_listens(&k);
	check_limits(&k);
	check_daemon_user(&k);
	for (size_t i = 0; i < c->pool_count; i++)
		check_pool(&k, &c->pools[i], tree_get(pools, c->pools[i].name));
	int r = check_users(&k);
	for (size_t i = 0; i < c->recipe_count && !r; i++)
		r = check_recipe(c, &c->recipes[i], tree_get(recipes, c->recipes[i].name), problems);
	return r;
}
