/* The texts and names of error codes: ours from err.def, the C library's for errno values. */
#include "daemon/base/err.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name, *text;
} own[] = {
#define ERR(name, text) {#name, text},
#include "daemon/base/err.def"
#undef ERR
};

static int own_index(int code)
{
	return code > ERR_FIRST && code < ERR_LAST ? code - ERR_FIRST - 1 : -1;
}

const char *err_text(int code)
{
	if (code == 0)
		return "success";
	int i = own_index(code);
	if (i >= 0)
		return own[i].text;
	/* strerrordesc_np(3) is what strerror(3) says, without its shared buffer. */
	const char *text = code < 0 && code > ERR_FIRST ? strerrordesc_np(-code) : NULL;
	return text ? text : "unknown error";
}

const char *err_name(int code)
{
	if (code == 0)
		return "OK";
	int i = own_index(code);
	if (i >= 0)
		return own[i].name;
	const char *name = code < 0 && code > ERR_FIRST ? strerrorname_np(-code) : NULL;
	return name ? name : "UNKNOWN";
}
