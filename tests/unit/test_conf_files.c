/* The files of a configuration: how they are found, and what included ones add. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/conf_text.h"
#include "tests/unit/unit.h"

static void write_file(const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", unit_dir(), name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* Reads and parses "main" in our directory; the errors without the directory's name. */
static const char *load(struct conf **out)
{
	static char all[4096];
	char path[512];
	struct conf_sources sources = {0};
	snprintf(path, sizeof path, "%s/main", unit_dir());
	conf_report_clear(&conf_text_report);
	int r = conf_read_sources(path, &sources, &conf_text_report);
	if (!r)
		r = conf_parse(&sources, out, &conf_text_report);
	conf_sources_clear(&sources);
	all[0] = 0;
	size_t skip = strlen(unit_dir()) + 1, n = 0;
	for (size_t i = 0; i < conf_text_report.error_count; i++) {
		const char *c = conf_text_report.errors[i];
		n += (size_t)snprintf(all + n, sizeof all - n, "%s", i ? "\n" : "");
		while (*c && n + 1 < sizeof all) {
			if (strncmp(c, unit_dir(), skip - 1) == 0 && c[skip - 1] == '/')
				c += skip;
			all[n++] = *c++;
		}
		all[n] = 0;
	}
	ck_assert_int_eq(r == 0, conf_text_report.error_count == 0);
	return all;
}

START_TEST (included_files_add_to_the_first) {
	char path[512];
	struct conf *c = NULL;
	conf_text_be_a_person();
	snprintf(path, sizeof path, "%s/d", unit_dir());
	ck_assert_int_eq(mkdir(path, 0700), 0);
	write_file("main", "include: [d/*.yaml, none/*.yaml]\nrecipes: {a: {run: [x]}}\n");
	write_file("d/1.yaml", "recipes: {b: {run: [x], pool: p}}\nusers: [{name: u, unix: [u]}]\n");
	write_file("d/2.yaml", "include: [\"*.yaml\", more]\npools: {p: {}, default: {}}\n");
	write_file("d/more", "recipes: {c: {run: [x]}}\n");
	ck_assert_str_eq(load(&c), "");
	ck_assert_uint_eq(c->recipe_count, 3);
	ck_assert_str_eq(c->recipes[2].name, "c");
	ck_assert_uint_eq(c->pool_count, 2);
	ck_assert_uint_eq(c->user_count, 1);
	conf_free(c);
}
END_TEST

START_TEST (duplicates_name_both_places) {
	struct conf *c = NULL;
	conf_text_be_a_person();
	write_file("main", "include: [one, two]\nrecipes:\n  a: {run: [x]}\nusers: [{name: u, unix: [u]}]\n");
	write_file("one", "recipes:\n  a: {run: [y]}\npools: {p: {}}\n");
	write_file("two", "pools:\n  p: {}\n  default: {}\nlog: {}\nusers: [{name: u, unix: [u]}]\n");
	ck_assert_str_eq(load(&c), "one:2:3: recipes.a: is there twice, first at main:3:3\n"
				   "two:2:3: pools.p: is there twice, first at one:3:9\n"
				   "two:4:1: log: belongs into the main file: an included one has include, "
				   "pools, recipes and users\n"
				   "two:5:9: users: u is there twice, first at main:4:9");
}
END_TEST

START_TEST (files_that_cannot_be_read) {
	struct conf *c = NULL;
	conf_text_be_a_person();
	ck_assert_str_eq(load(&c), "main: cannot be read: No such file or directory");
	write_file("main", "include: [nothing, .]\n");
	ck_assert_str_eq(load(&c), "main:1:11: include: nothing cannot be read: No such file or directory\n"
				   "main:1:20: include: . cannot be read: Is a directory");
}
END_TEST

START_TEST (a_file_is_found) {
	conf_text_be_a_person();
	setenv("BAKERY_CONF", "/some/where", 1);
	char *path = conf_find_file();
	ck_assert_str_eq(path, "/some/where");
	free(path);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("files");
	tcase_add_test(t, included_files_add_to_the_first);
	tcase_add_test(t, duplicates_name_both_places);
	tcase_add_test(t, files_that_cannot_be_read);
	tcase_add_test(t, a_file_is_found);
	return unit_run();
}
