/* The results of an order's steps: how many of the first are there, and the bytes of some. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/store/reads.h"
#include "daemon/store/steps.h"

void store_steps_clear(struct store_steps *r)
{
	for (size_t i = 0; i < r->result_count; i++)
		free(r->results[i].bytes);
	free(r->results);
	r->results = NULL;
	r->result_count = 0;
}

static int add(struct store_steps *s, const struct step_row *row)
{
	char *bytes = malloc(row->bytes.len > 0 ? row->bytes.len : 1);

	if (!bytes)
		return -ENOMEM;
	if (row->bytes.len > 0)
		memcpy(bytes, row->bytes.data, row->bytes.len);
	s->results[s->result_count++] = (struct store_step_result){
	    .step = row->step, .cut = row->cut, .bytes = bytes, .len = row->bytes.len};
	return 0;
}

/* Up to the first step that is not there, or is of another form of the recipe. */
static int collect(sqlite3_stmt *st, struct store_steps *s)
{
	struct step_row row;
	int step, err = 0;

	steps_list(st, s->id, s->wanted);
	while (err == 0 && (step = steps_next(st, s->id, &row)) > 0) {
		if (row.step != s->count || row.digest != s->digest)
			break;
		s->count++;
		if (row.bytes.data)
			err = add(s, &row);
	}
	sqlite3_reset(st);
	return err < 0 ? err : step < 0 ? step : 0;
}

int read_steps(struct reads *r, struct store_op *op)
{
	struct store_steps *s = (struct store_steps *)op;
	size_t most = (size_t)__builtin_popcountll(s->wanted);
	struct row row;
	int err = reads_load(r, s->id, &row);

	if (err < 0)
		return err;
	row_clear(&row);
	if (row.v[ROW_STEPS] == 0)
		return 0;
	if (most > 0) {
		s->results = calloc(most, sizeof(*s->results));
		if (!s->results)
			return -ENOMEM;
	}
	err = collect(r->st[READ_STEPS], s);
	if (err < 0) {
		s->count = 0;
		store_steps_clear(s);
	}
	return err;
}
