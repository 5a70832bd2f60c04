/*
 * Any bytes as a payload: refused with a reason of one line, or taken; then its canonical form is taken too and stays as it is, and a command is made
 * of it with as many arguments as it should have.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/order/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] = "listen: [{unix: /s}]\nstate_dir: /s\nrecipes:\n"
			   "  r:\n"
			   "    params:\n"
			   "      s: {type: string, max: 9, default: abc}\n"
			   "      p: {type: string, pattern: '[a-z]*'}\n"
			   "      i: {type: integer, min: -5, max: 500}\n"
			   "      n: {type: number}\n"
			   "      b: {type: boolean}\n"
			   "      f: {type: path}\n"
			   "      l: {type: list, allow_dash: true}\n"
			   "    run: [x, \"{s}\", \"{i}{n}{b}\", \"{p}\", \"{l}\", \"{f}\"]\n"
			   "    stdin: \"{s}\"\n";

static struct conf *conf;

static void load(void)
{
	char path[] = "fuzz.yaml", bytes[sizeof yaml];
	struct conf_report report = {0};
	memcpy(bytes, yaml, sizeof yaml);
	struct conf_source source = {.path = path, .bytes = bytes, .len = sizeof yaml - 1};
	if (conf_parse(&(struct conf_sources){.items = &source, .count = 1}, &conf, &report) < 0)
		abort();
	conf_report_clear(&report);
}

static void check_why(const char why[static 256])
{
	if (!memchr(why, 0, 256) || !*why)
		abort();
	for (; *why; why++) {
		if ((unsigned char)*why < ' ')
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!conf)
		load();
	const struct conf_recipe *r = &conf->recipes[0];
	struct buf first = {0}, second = {0};
	char why[256] = "";
	int e = recipe_check_payload(r, (struct slice){(const char *)data, size}, &first, why);
	if (e == -EINVAL)
		check_why(why);
	if (e)
		return 0;
	if (recipe_check_payload(r, (struct slice){buf_bytes(&first), first.len}, &second, why) != 0 ||
	    first.len != second.len || memcmp(buf_bytes(&first), buf_bytes(&second), first.len) != 0)
		abort();
	struct recipe_command command;
	const struct recipe_values values = {
	    .order = 1, .attempt = 1, .payload = {buf_bytes(&first), first.len}};
	e = recipe_expand(r, &r->steps[0], &values, &command, why);
	if (e != 0)
		abort();
	size_t count = 0;
	while (command.argv[count])
		count++;
	if (count < 5)
		abort();
	recipe_command_clear(&command);
	buf_clear(&first);
	buf_clear(&second);
	return 0;
}
