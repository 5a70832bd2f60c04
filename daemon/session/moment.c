#include "daemon/session/moment.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "conf/units.h"

struct reader {
	const char *at, *end;
	bool bad;
};

/* Exactly `digits` digits with a value in least … most. */
static int number(struct reader *r, int digits, int least, int most)
{
	int value = 0;
	for (int i = 0; i < digits; i++) {
		if (r->at == r->end || *r->at < '0' || *r->at > '9') {
			r->bad = true;
			return least;
		}
		value = value * 10 + (*r->at++ - '0');
	}
	r->bad |= value < least || value > most;
	return value;
}

/* One of two characters. True: the second. */
static bool letter(struct reader *r, char first, char second)
{
	if (r->at == r->end || (*r->at != first && *r->at != second)) {
		r->bad = true;
		return false;
	}
	return *r->at++ == second && second != first;
}

/* What follows the seconds, if it is a fraction; beyond milliseconds it is cut. */
static int fraction_ms(struct reader *r)
{
	if (r->at == r->end || *r->at != '.')
		return 0;
	r->at++;
	int ms = 0, unit = 100;
	const char *first = r->at;
	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, unit /= 10)
		ms += (*r->at - '0') * unit;
	r->bad |= r->at == first;
	return ms;
}

/* Z, or +HH:MM, or -HH:MM, in seconds east. */
static int zone(struct reader *r)
{
	if (r->at < r->end && (*r->at == 'Z' || *r->at == 'z')) {
		r->at++;
		return 0;
	}
	bool west = letter(r, '+', '-');
	int hours = number(r, 2, 0, 23);
	letter(r, ':', ':');
	int seconds = (hours * 60 + number(r, 2, 0, 59)) * 60;
	return west ? -seconds : seconds;
}

int moment_parse(const char *text, size_t len, int64_t *out_ms)
{
	int r = units_parse_int(text, len, 0, INT64_MAX, out_ms);
	if (r != -EINVAL)
		return r;
	struct reader in = {.at = text, .end = text + len};
	struct tm tm = {0};
	tm.tm_year = number(&in, 4, 1970, 9999) - 1900;
	letter(&in, '-', '-');
	tm.tm_mon = number(&in, 2, 1, 12) - 1;
	letter(&in, '-', '-');
	tm.tm_mday = number(&in, 2, 1, 31);
	int day = tm.tm_mday;
	letter(&in, 'T', 't');
	tm.tm_hour = number(&in, 2, 0, 23);
	letter(&in, ':', ':');
	tm.tm_min = number(&in, 2, 0, 59);
	letter(&in, ':', ':');
	tm.tm_sec = number(&in, 2, 0, 60); /* 60: a leap second */
	bool leap = tm.tm_sec == 60;
	int ms = fraction_ms(&in);
	int east = zone(&in);
	if (in.bad || in.at != in.end)
		return -EINVAL;
	int64_t seconds = timegm(&tm);
	if (tm.tm_mday != day && !leap) /* 31 April became 1 May */
		return -EINVAL;
	if (seconds < east)
		return -ERANGE;
	*out_ms = (seconds - east) * 1000 + ms;
	return 0;
}
