/* Any bytes as a configuration: refused with errors, or taken, and then what is printed of it is taken too and prints the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf *parse(char *bytes, size_t len)
{
	char path[] = "fuzz.yaml";
	struct conf *c = NULL;
	struct conf_report report = {0};
	struct conf_source source = {.path = path, .bytes = bytes, .len = len};
	int r = conf_parse(&(struct conf_sources){.items = &source, .count = 1}, &c, &report);
	if ((r == 0) != (report.error_count == 0))
		abort();
	conf_report_clear(&report);
	return r == 0 ? c : NULL;
}

static char *print(struct conf *c)
{
	char *text;
	if (conf_print(c, &text) < 0)
		abort();
	conf_free(c);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + 1);
	if (!bytes)
		abort();
	if (size)
		memcpy(bytes, data, size);
	struct conf *c = parse(bytes, size);
	free(bytes);
	if (!c)
		return 0;
	char *first = print(c);
	c = parse(first, strlen(first));
	if (!c)
		abort();
	char *second = print(c);
	if (strcmp(first, second) != 0)
		abort();
	free(first);
	free(second);
	return 0;
}
