#include "daemon/session/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/store/store.h"

/* A login name or group of a user, as a number. */
struct kernel_name {
	const struct user *user;
	bool is_group;
	id_t id;
};

struct identities {
	struct user root, own;
	uid_t own_uid;
	struct user *users;
	size_t user_count;
	struct kernel_name *names;
	size_t name_count;
};

static int administrator(struct store *store, uid_t uid, struct user *out)
{
	char fallback[32];
	snprintf(fallback, sizeof fallback, "uid:%lu", (unsigned long)uid);
	const struct passwd *pw = getpwuid(uid);
	const char *name = pw ? pw->pw_name : fallback;
	out->name = store_intern(store, name, strlen(name));
	if (!out->name)
		return -ENOMEM;
	out->administrator = true;
	rights_all(&out->rights);
	return 0;
}

/* An unknown name is no error: the account may be made later, and a restart finds it. */
static void add_name(struct identities *ids, const struct user *user, const char *text)
{
	struct kernel_name *n = &ids->names[ids->name_count];
	*n = (struct kernel_name){.user = user, .is_group = text[0] == '@'};
	if (n->is_group) {
		const struct group *gr = getgrnam(text + 1);
		n->id = gr ? gr->gr_gid : 0;
		ids->name_count += gr != NULL;
		if (gr)
			return;
	} else {
		const struct passwd *pw = getpwnam(text);
		n->id = pw ? pw->pw_uid : 0;
		ids->name_count += pw != NULL;
		if (pw)
			return;
	}
	log_warn("no such login name or group on this machine", log_str("user", user->name),
	    log_str("unix", text));
}

static size_t count_texts(char *const *texts)
{
	size_t n = 0;
	while (texts && texts[n])
		n++;
	return n;
}

static int add_user(struct identities *ids, const struct conf_user *from, struct store *store)
{
	struct user *user = &ids->users[ids->user_count++];
	user->name = store_intern(store, from->name, strlen(from->name));
	if (!user->name)
		return -ENOMEM;
	user->password = from->password;
	const char *bad;
	int r = rights_parse((const char *const *)from->allow, &user->rights, &bad);
	if (r == -EINVAL)
		log_error("not a rule", log_str("user", from->name), log_str("allow", bad));
	return r;
}

static int build(struct identities *ids, const struct conf *conf, struct store *store)
{
	size_t names = 0;
	for (size_t i = 0; i < conf->user_count; i++)
		names += count_texts(conf->users[i].unix_names);
	ids->users = calloc(conf->user_count + 1, sizeof *ids->users);
	ids->names = calloc(names + 1, sizeof *ids->names);
	if (!ids->users || !ids->names)
		return -ENOMEM;
	ids->own_uid = geteuid();
	int r = administrator(store, ids->own_uid, &ids->own);
	if (r == 0)
		r = administrator(store, 0, &ids->root);
	for (size_t i = 0; r == 0 && i < conf->user_count; i++) {
		r = add_user(ids, &conf->users[i], store);
		char *const *name = conf->users[i].unix_names;
		for (; r == 0 && name && *name; name++)
			add_name(ids, &ids->users[i], *name);
	}
	return r;
}

int identities_new(const struct conf *conf, struct store *store, struct identities **out)
{
	struct identities *ids = calloc(1, sizeof *ids);
	if (!ids)
		return -ENOMEM;
	int r = build(ids, conf, store);
	if (r < 0) {
		identities_free(ids);
		return r;
	}
	*out = ids;
	return 0;
}

void identities_free(struct identities *ids)
{
	if (!ids)
		return;
	for (size_t i = 0; i < ids->user_count; i++)
		rights_clear(&ids->users[i].rights);
	free(ids->users);
	free(ids->names);
	free(ids);
}

const struct user *identities_of_peer(const struct identities *ids, int fd, const struct peer *peer)
{
	if (!peer->local)
		return NULL;
	if (peer->uid == ids->own_uid)
		return &ids->own;
	if (peer->uid == 0)
		return &ids->root;
	for (size_t i = 0; i < ids->name_count; i++) {
		const struct kernel_name *n = &ids->names[i];
		if (n->is_group ? peer_in_group(fd, peer, n->id) : n->id == peer->uid)
			return n->user;
	}
	return NULL;
}

const struct user *identities_find(const struct identities *ids, const char *name, size_t len)
{
	for (size_t i = 0; i < ids->user_count; i++)
		if (strlen(ids->users[i].name) == len && memcmp(ids->users[i].name, name, len) == 0)
			return &ids->users[i];
	return NULL;
}

bool identities_have_password(const struct identities *ids)
{
	for (size_t i = 0; i < ids->user_count; i++)
		if (ids->users[i].password)
			return true;
	return false;
}
