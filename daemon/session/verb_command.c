/*
 * COMMAND, COMMAND COUNT, LIST, INFO and DOCS: the verbs about themselves, in the form of Redis 7, made from their rows. redis-cli completes verbs and
 * shows their arguments from it.
 */
#include <errno.h>
#include <string.h>

#include "daemon/session/connection.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"

/* ---- the syntax of a row, word by word ---- */

/* One argument of a syntax text: NAME, TOKEN NAME, or TOKEN; optional, repeated. */
struct argument {
	struct slice token, name;
	bool optional, multiple;
};

static bool is_token(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (word.data[i] < 'A' || word.data[i] > 'Z')
			return false;
	return word.len > 0;
}

/* The next word before `end`; brackets and spaces are between words. */
static bool next_word(const char **at, const char *end, struct slice *word)
{
	while (*at < end && strchr(" []", **at))
		(*at)++;
	const char *first = *at;
	while (*at < end && !strchr(" []", **at))
		(*at)++;
	*word = (struct slice){first, (size_t)(*at - first)};
	return word->len > 0;
}

static bool is_dots(struct slice word)
{
	return word.len == strlen("…") && memcmp(word.data, "…", word.len) == 0;
}

/* The next argument of a syntax text. "id [id …]" is one, repeated. */
static bool next_argument(const char **at, struct argument *out)
{
	*at += strspn(*at, " ");
	if (**at == '\0')
		return false;
	*out = (struct argument){.optional = **at == '['};
	const char *end = out->optional ? strchr(*at, ']') + 1 : *at + strcspn(*at, "[");
	struct slice word;
	const char *next = *at;
	while (next_word(&next, end, &word)) {
		if (is_dots(word))
			out->multiple = true;
		else if (is_token(word) && !out->token.data && !out->name.data)
			out->token = word;
		else if (!out->name.data)
			out->name = word;
		else
			break;
		*at = next;
		/* Outside of brackets an argument is one name, with its token. */
		if (!out->optional && out->name.data)
			break;
	}
	if (out->optional)
		*at = end;
	/* "[id …]" after "id" says that id may be repeated. */
	const char *again = *at + strspn(*at, " ");
	struct slice repeated;
	if (!out->optional && *again == '[' && out->name.data) {
		const char *close = strchr(again, ']') + 1;
		const char *inside = again;
		if (next_word(&inside, close, &repeated) && repeated.len == out->name.len &&
		    memcmp(repeated.data, out->name.data, repeated.len) == 0) {
			out->multiple = true;
			*at = close;
		}
	}
	return true;
}

/* ---- DOCS ---- */

static const char *type_of(const struct argument *a)
{
	static const char *const integers[] = {"priority", "count", "bytes", "cursor", "index"};
	if (!a->name.data)
		return "pure-token";
	for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
		if (option_is(a->name, integers[i]))
			return "integer";
	return "string";
}

static int reply_argument(struct reply_writer *w, const struct argument *a)
{
	struct slice name = a->name.data ? a->name : a->token;
	bool flags = a->optional || a->multiple;
	int r = reply_map(w, 3 + (a->token.data != NULL) + flags);
	r = r ? r : reply_text(w, "name");
	r = r ? r : reply_bulk(w, name.data, name.len);
	r = r ? r : reply_text(w, "type");
	r = r ? r : reply_text(w, type_of(a));
	r = r ? r : reply_text(w, "display_text");
	r = r ? r : reply_bulk(w, name.data, name.len);
	if (a->token.data) {
		r = r ? r : reply_text(w, "token");
		r = r ? r : reply_bulk(w, a->token.data, a->token.len);
	}
	if (flags) {
		r = r ? r : reply_text(w, "flags");
		r = r ? r : reply_array(w, (uint32_t)a->optional + a->multiple);
		if (a->optional)
			r = r ? r : reply_simple(w, "optional");
		if (a->multiple)
			r = r ? r : reply_simple(w, "multiple");
	}
	return r;
}

static int reply_docs(struct reply_writer *w, const struct command *command)
{
	struct argument a;
	uint32_t count = 0;
	for (const char *at = command->syntax; next_argument(&at, &a);)
		count++;
	int r = reply_text(w, command->name);
	r = r ? r : reply_map(w, 3 + (count > 0));
	r = r ? r : reply_text(w, "summary");
	r = r ? r : reply_text(w, command->summary);
	r = r ? r : reply_text(w, "since");
	r = r ? r : reply_text(w, "0.1.0");
	r = r ? r : reply_text(w, "group");
	r = r ? r : reply_text(w, command->flags & COMMAND_COMPATIBLE ? "connection" : "queue");
	if (count > 0) {
		r = r ? r : reply_text(w, "arguments");
		r = r ? r : reply_array(w, count);
	}
	for (const char *at = command->syntax; r == 0 && next_argument(&at, &a);)
		r = reply_argument(w, &a);
	return r;
}

static int run_docs(const struct request *request, struct reply_writer *w)
{
	size_t count;
	const struct command *const *all = command_all(&count);
	uint32_t known = 0;
	for (uint32_t i = 2; i < request->argc; i++)
		known += command_find(request->argv[i]) != NULL;
	int r = reply_map(w, request->argc > 2 ? known : (uint32_t)count);
	for (uint32_t i = 2; r == 0 && i < request->argc; i++) {
		const struct command *command = command_find(request->argv[i]);
		if (command)
			r = reply_docs(w, command);
	}
	for (size_t i = 0; r == 0 && request->argc == 2 && i < count; i++)
		r = reply_docs(w, all[i]);
	return r;
}

/* ---- INFO ---- */

/* Redis' arity: with the verb; negative: at least. */
static int arity(const struct command *command)
{
	return command->most == command->least ? command->least + 1 : -(command->least + 1);
}

static int reply_info(struct reply_writer *w, const struct command *command)
{
	static const struct {
		unsigned flag;
		const char *word;
	} words[] = {
	    {COMMAND_READ, "readonly"},
	    {COMMAND_WRITE, "write"},
	    {COMMAND_LOADING, "loading"},
	    {COMMAND_STRANGER, "no_auth"},
	};
	enum { WORDS = sizeof words / sizeof *words };
	uint32_t flags = 0;
	for (int i = 0; i < WORDS; i++)
		flags += (command->flags & words[i].flag) != 0;
	int r = reply_array(w, 10);
	r = r ? r : reply_text(w, command->name);
	r = r ? r : reply_int(w, arity(command));
	r = r ? r : reply_array(w, flags);
	for (int i = 0; r == 0 && i < WORDS; i++)
		if (command->flags & words[i].flag)
			r = reply_simple(w, words[i].word);
	for (int i = 0; r == 0 && i < 3; i++)
		r = reply_int(w, 0); /* there are no keys: first, last, step */
	for (int i = 0; r == 0 && i < 4; i++)
		r = reply_array(w, 0); /* categories, tips, key specifications, subcommands */
	return r;
}

static int run_info(const struct request *request, struct reply_writer *w)
{
	size_t count;
	const struct command *const *all = command_all(&count);
	int r = reply_array(w, request->argc > 2 ? request->argc - 2 : (uint32_t)count);
	for (uint32_t i = 2; r == 0 && i < request->argc; i++) {
		const struct command *command = command_find(request->argv[i]);
		r = command ? reply_info(w, command) : reply_null_array(w);
	}
	for (size_t i = 0; r == 0 && request->argc <= 2 && i < count; i++)
		r = reply_info(w, all[i]);
	return r;
}

static int run_list(struct reply_writer *w)
{
	size_t count;
	const struct command *const *all = command_all(&count);
	int r = reply_array(w, (uint32_t)count);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = reply_text(w, all[i]->name);
	return r;
}

static int run(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)c;
	size_t count;
	command_all(&count);
	if (request->argc == 1)
		return run_info(request, w);
	struct slice name = request->argv[1];
	if (option_is(name, "COUNT"))
		return reply_int(w, (int64_t)count);
	if (option_is(name, "LIST"))
		return run_list(w);
	if (option_is(name, "INFO"))
		return run_info(request, w);
	if (option_is(name, "DOCS"))
		return run_docs(request, w);
	return reply_error(w, "ERR", "unknown subcommand '%.*s'. Try COMMAND HELP.",
	    name.len < 64 ? (int)name.len : 64, name.data);
}

const struct command command_command = {
    .name = "command",
    .least = 0,
    .most = -1,
    .flags = COMMAND_LOADING | COMMAND_COMPATIBLE,
    .run = run,
    .syntax = "[subcommand] [name …]",
    .summary = "Tells about the verbs: COUNT, LIST, INFO, DOCS",
};
