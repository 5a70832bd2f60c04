/* Whom the kernel says that a local client is, and which users there are. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/session/identity.h"
#include "daemon/store/store.h"
#include "tests/unit/unit.h"

/* Stands in for the store: equal names give equal pointers. */
const char *store_intern(struct store *s, const char *name, size_t len)
{
	static char names[32][64];
	static int count;
	(void)s;
	for (int i = 0; i < count; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return names[i];
	ck_assert_int_lt(count, 32);
	ck_assert_uint_lt(len, 64);
	memcpy(names[count], name, len);
	return names[count++];
}

#define T(text) ((char *)(text))
static char *of_games[] = {T("games"), NULL}, *of_group[] = {T("nobody-such"), T("@daemon"), NULL},
	    *of_bin[] = {T("bin"), NULL};
static char *read_own[] = {T("read own"), NULL};

static struct conf_user users[] = {
    {.name = T("shop"), .password = T("scrypt$…"), .unix_names = of_games, .allow = read_own},
    {.name = T("group"), .unix_names = of_group, .allow = read_own},
    {.name = T("bin"), .unix_names = of_bin, .allow = read_own},
};
static struct conf conf = {.users = users, .user_count = 3};
static struct identities *ids;
static int fds[2];

static void set_up(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	ck_assert_int_eq(identities_new(&conf, NULL, &ids), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void tear_down(void)
{
	identities_free(ids);
	close(fds[0]);
	close(fds[1]);
}

static const struct user *of(uid_t uid, gid_t gid)
{
	struct peer peer = {.local = true, .uid = uid, .gid = gid};
	return identities_of_peer(ids, fds[0], &peer);
}

START_TEST (root_and_the_daemons_own_user_are_administrators) {
	const struct user *root = of(0, 0), *own = of(geteuid(), getegid());
	ck_assert(root->administrator && own->administrator);
	ck_assert_int_eq(rights_reach(&root->rights, RIGHT_PAUSE), REACH_ALL);
	ck_assert(rights_may_order(&own->rights, "anything"));
	const struct passwd *pw = getpwuid(geteuid());
	if (pw)
		ck_assert_str_eq(own->name, pw->pw_name);
}
END_TEST

START_TEST (login_names_are_users) {
	const struct passwd *games = getpwnam("games"), *bin;
	ck_assert_ptr_nonnull(games);
	ck_assert_str_eq(of(games->pw_uid, 54321)->name, "shop");
	bin = getpwnam("bin");
	if (bin)
		ck_assert_str_eq(of(bin->pw_uid, 54321)->name, "bin");
	ck_assert(!of(getpwnam("games")->pw_uid, 54321)->administrator);
}
END_TEST

START_TEST (groups_are_users) {
	const struct group *gr = getgrnam("daemon");
	ck_assert_ptr_nonnull(gr);
	ck_assert_str_eq(of(54321, gr->gr_gid)->name, "group");
	/* The user of the file that comes first. */
	ck_assert_str_eq(of(getpwnam("games")->pw_uid, gr->gr_gid)->name, "shop");
}
END_TEST

START_TEST (others_are_nobody) {
	ck_assert_ptr_null(of(54321, 54321));
	struct peer remote = {.local = false, .uid = 0};
	ck_assert_ptr_null(identities_of_peer(ids, fds[0], &remote));
}
END_TEST

START_TEST (found_by_name) {
	ck_assert_str_eq(identities_find(ids, "shop", 4)->name, "shop");
	ck_assert_ptr_null(identities_find(ids, "shops", 5));
	ck_assert_ptr_null(identities_find(ids, "sho", 3));
	ck_assert_ptr_null(identities_find(ids, "", 0));
	/* An administrator has no password: nobody can authenticate as root. */
	ck_assert_ptr_null(identities_find(ids, "root", 4));
	ck_assert(identities_have_password(ids));
}
END_TEST

START_TEST (a_rule_that_is_none) {
	char *bad[] = {T("bake everything"), NULL};
	struct conf_user one = {.name = T("x"), .allow = bad};
	struct conf c = {.users = &one, .user_count = 1};
	struct identities *none = NULL;
	log_init("test", -1, LOG_FORMAT_TEXT);
	ck_assert_int_eq(identities_new(&c, NULL, &none), -EINVAL);
	ck_assert_ptr_null(none);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("identity");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, root_and_the_daemons_own_user_are_administrators);
	tcase_add_test(t, login_names_are_users);
	tcase_add_test(t, groups_are_users);
	tcase_add_test(t, others_are_nobody);
	tcase_add_test(t, found_by_name);
	tcase_add_test(t, a_rule_that_is_none);
	return unit_run();
}
