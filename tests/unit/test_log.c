/* One event is one line, in both forms, whatever is in the values. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "tests/unit/unit.h"

static int log_pipe[2], real_stderr;
static char said[8192];

static void setup(void)
{
	unsetenv("JOURNAL_STREAM");
	ck_assert_int_eq(pipe2(log_pipe, O_NONBLOCK), 0);
	real_stderr = dup(STDERR_FILENO);
	dup2(log_pipe[1], STDERR_FILENO);
}

static void clear(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(log_pipe[0]);
	close(log_pipe[1]);
}

/* What has been written since the last call. */
static const char *written(void)
{
	ssize_t n = read(log_pipe[0], said, sizeof said - 1);
	said[n > 0 ? n : 0] = '\0';
	return said;
}

START_TEST (a_line_of_text_has_time_level_role_event_and_fields) {
	log_init("front", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("worker ended", log_str("pool", "ovens"), log_int("worker", -2), log_str("none", NULL));
	const char *line = written();
	ck_assert_int_eq(line[4], '-');
	ck_assert_int_eq(line[23], 'Z');
	ck_assert_str_eq(line + 24, " info front: worker ended pool=ovens worker=-2 none=-\n");
	log_error("alone");
	ck_assert_str_eq(written() + 24, " error front: alone\n");
}
END_TEST

START_TEST (values_that_could_mislead_are_quoted_and_escaped) {
	log_init("front", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_warn("e", log_str("a", "two words"), log_str("b", "x\ny\"\\\x7f"), log_str("c", ""),
	    log_str("d", "k=v"));
	ck_assert_str_eq(written() + 24,
	    " warn front: e a=\"two words\" b=\"x\\u000ay\\\"\\\\\\u007f\" c=\"\" d=\"k=v\"\n");
}
END_TEST

START_TEST (the_level_holds_back_what_is_below) {
	log_init("front", LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	ck_assert(log_enabled(LOG_LEVEL_ERROR));
	ck_assert(!log_enabled(LOG_LEVEL_INFO));
	log_info("silent");
	log_debug("silent");
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST (under_the_journal_a_priority_takes_the_place_of_the_time) {
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init("supervisor", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	log_debug("started", log_int("pid", 1));
	ck_assert_str_eq(written(), "<7>supervisor: started pid=1\n");
}
END_TEST

START_TEST (json_is_one_object_a_line) {
	log_init("front", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_info("order done", log_int("order", 1234567890123), log_str("by", "a\"b\x01"));
	const char *line = written();
	ck_assert_int_eq(strncmp(line, "{\"time\":\"", 9), 0);
	ck_assert_str_eq(strchr(line, ','), ",\"level\":\"info\",\"role\":\"front\",\"event\":\"order "
					    "done\",\"order\":1234567890123,\"by\":\"a\\\"b\\u0001\"}\n");
}
END_TEST

START_TEST (what_is_too_long_is_cut_and_still_one_line) {
	static char longer[10000];
	memset(longer, 'x', sizeof longer - 1);
	log_init("front", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("long", log_str("value", longer));
	const char *line = written();
	ck_assert_uint_lt(strlen(line), 2100);
	ck_assert_str_eq(line + strlen(line) - 5, "x...\n");
	log_init("front", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_info("long", log_int("before", 1), log_str("value", longer));
	line = written();
	ck_assert_ptr_nonnull(strstr(line, "\"before\":1}\n"));
}
END_TEST

START_TEST (errno_is_kept) {
	log_init("front", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	close(STDERR_FILENO);
	errno = EXDEV;
	log_info("nobody hears");
	ck_assert_int_eq(errno, EXDEV);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("log");
	tcase_add_checked_fixture(t, setup, clear);
	tcase_add_test(t, a_line_of_text_has_time_level_role_event_and_fields);
	tcase_add_test(t, values_that_could_mislead_are_quoted_and_escaped);
	tcase_add_test(t, the_level_holds_back_what_is_below);
	tcase_add_test(t, under_the_journal_a_priority_takes_the_place_of_the_time);
	tcase_add_test(t, json_is_one_object_a_line);
	tcase_add_test(t, what_is_too_long_is_cut_and_still_one_line);
	tcase_add_test(t, errno_is_kept);
	return unit_run();
}
