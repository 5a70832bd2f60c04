/* Placeholders in texts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/template.h"
#include "tests/unit/unit.h"

/* The parts as "kind:text|…", or "!" at an error. */
static const char *parts(const char *text, char out[static 256])
{
	struct template_part part;
	const char *why;
	size_t n = 0;
	out[0] = 0;
	for (;;) {
		if (template_next(&text, &part, &why) < 0) {
			snprintf(out + n, 256 - n, "!");
			return out;
		}
		if (part.kind == TEMPLATE_END)
			return out;
		n += (size_t)snprintf(out + n, 256 - n, "%d:%.*s|", part.kind, (int)part.len, part.text);
	}
}

START_TEST (parts_of_texts) {
	static const struct {
		const char *text, *parts;
	} rows[] = {
	    {"", ""},
	    {"plain", "1:plain|"},
	    {"{name}", "2:name|"},
	    {"--flavour={flavour}!", "1:--flavour=|2:flavour|1:!|"},
	    {"{payload}{order.id}{order.attempt}{worker}", "3:payload|4:order.id|5:order.attempt|6:worker|"},
	    {"{step.gather}{step.}{steps}", "7:gather|2:step.|2:steps|"},
	    {"{{x}}", "1:{|1:x|1:}|"},
	    {"{{{x}}}", "1:{|2:x|1:}|"},
	    {"a}b", "1:a|1:}b|"},
	    {"}", "1:}|"},
	    {"{", "!"},
	    {"{}", "!"},
	    {"a{b", "1:a|!"},
	    {"{a{b}", "!"},
	};
	char out[256];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(parts(rows[i].text, out), rows[i].parts);
}
END_TEST

START_TEST (whole_arguments) {
	struct template_part part;
	ck_assert(template_is_whole("{argv}", &part));
	ck_assert_uint_eq(part.len, 4);
	ck_assert(template_is_whole("{step.gather}", &part));
	ck_assert_uint_eq(part.len, 6);
	ck_assert(!template_is_whole("{{argv}}", &part));
	ck_assert(!template_is_whole("{argv} ", &part));
	ck_assert(!template_is_whole(" {argv}", &part));
	ck_assert(!template_is_whole("{a}{b}", &part));
	ck_assert(!template_is_whole("", &part));
	ck_assert(!template_is_whole("{", &part));
}
END_TEST

int main(void)
{
	TCase *t = unit_case("template");
	tcase_add_test(t, parts_of_texts);
	tcase_add_test(t, whole_arguments);
	return unit_run();
}
