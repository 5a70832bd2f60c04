#include "daemon/session/failure.h"

#include "daemon/base/err.h"

static const struct {
	int error;
	const char *code, *text;
} rows[] = {
    {ERR_NOTFOUND, "NOTFOUND", "no such order"},
    {ERR_GONE, "GONE", "the order was here; history has been trimmed"},
    {ERR_QUEUEFULL, "QUEUEFULL", "too many orders are waiting"},
    {ERR_STORAGE, "STORAGE", "the disk is full or failing: nothing was written"},
    {ERR_CORRUPT, "STORAGE", "damaged data: the checksum is wrong"},
    {ERR_UNCERTAIN, "UNCERTAIN", "the commit failed: perhaps written, repeat with the same KEY"},
    {ERR_CANCELLED, "DRAINING", "the daemon is shutting down"},
    {-ENOMEM, "ERR", "out of memory, try again"},
};

int reply_failure(struct reply_writer *w, int error)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].error == error)
			return reply_error(w, rows[i].code, "%s", rows[i].text);
	return reply_error(w, "ERR", "%s", err_text(error));
}
