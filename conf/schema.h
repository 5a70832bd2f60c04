/*
 * Every key of the configuration, as rows: what it is called, what it takes, its bounds and its default. Reading, printing and the manual's test go by
 * them. Sections nest as the file does.
 */
#ifndef BAKERY_CONF_SCHEMA_H
#define BAKERY_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_type {
	SETTING_TEXT,
	SETTING_NAME,    /* letters, digits, and - _ . */
	SETTING_PATH,    /* absolute */
	SETTING_ADDRESS, /* HOST:PORT, into a struct conf_listen */
	SETTING_DURATION,
	SETTING_SIZE,
	SETTING_INT,
	SETTING_NUMBER,
	SETTING_PERCENT,
	SETTING_MODE, /* of a file, octal */
	SETTING_BOOL,
	SETTING_WORD,     /* one of words */
	SETTING_TEXTS,    /* a list of texts */
	SETTING_STATUSES, /* a list of exit statuses, into bool[256] */
	SETTING_PAIRS,    /* VARIABLE: text */
	SETTING_HEADERS,  /* any NAME: text; what names are is for the section's finish() */
	SETTING_PART,     /* a map of its own in the file, the same object here */
	SETTING_ITEMS,    /* a list of maps, each an object; min to max of them, unless max is 0 */
	SETTING_NAMED,    /* NAME: map, each an object that begins as struct conf_named */
	SETTING_SPECIAL,  /* read by the section's finish() */
};

struct setting_word {
	const char *word;
	int value;
};

struct tree;
struct reader;
struct section;

struct setting {
	const char *key;
	enum setting_type type;
	size_t offset, size; /* of the member */
	size_t
	    other; /* of the list's count; of the bool that says that the key is written (0: nobody asks) */
	const char *fallback; /* the default, as one would write it; NULL: nothing */
	int64_t min, max;
	bool none;                        /* "none" is taken too */
	bool included;                    /* may stand in an included file */
	const struct setting_word *words; /* end with NULL */
	const struct section *section;
};

struct section {
	const char *name;
	const struct setting *settings;
	size_t count;
	size_t size; /* of the object, for lists and maps of them */
	/* What the rows cannot say. May be NULL. 0 or -ENOMEM; what is wrong goes to the reader's problems. */
	int (*finish)(struct reader *r, const struct tree *node, const char *path, void *object);
};

extern const struct section schema_top;
extern const struct section schema_step; /* below it: one of a recipe's steps */

const struct setting *schema_find(const struct section *s, const char *key);

#endif
