/* The spinner. Rewrites its line in place, so the cursor never needs to be hidden and a killed program leaves
 * nothing odd behind. */
#include "client/spinner.h"

#include <stdarg.h>
#include <stdio.h>

#include "client/text.h"

void spinner_start(struct spinner *s, bool quiet)
{
	*s = (struct spinner){.on = !quiet && text_fancy(stderr), .since_ms = text_now_ms()};
}

int64_t spinner_chunk_ms(const struct spinner *s, int64_t most_ms)
{
	return s->on && most_ms > SPINNER_TICK_MS ? SPINNER_TICK_MS : most_ms;
}

bool spinner_is_due(const struct spinner *s)
{
	return s->on && text_now_ms() - s->ticked_ms >= SPINNER_TICK_MS;
}

void spinner_tick(struct spinner *s, const char *format, ...)
{
	static const char *const frames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
	if (!s->on)
		return;
	char passed[TEXT_TIME_MAX];
	fprintf(stderr, "\r\033[K%s ", frames[s->step++ % (sizeof frames / sizeof *frames)]);
	va_list args;
	va_start(args, format);
	text_vprint(stderr, format, args);
	va_end(args);
	s->ticked_ms = text_now_ms();
	int64_t ms = s->ticked_ms - s->since_ms;
	if (ms < 60000)
		fprintf(stderr, "  %ds", (int)(ms / 1000));
	else
		fprintf(stderr, "  %s", text_duration(ms, passed));
	fflush(stderr);
	s->shown = true;
}

void spinner_hide(struct spinner *s)
{
	if (s->shown)
		fputs("\r\033[K", stderr);
	s->shown = false;
}
