/* What rows cannot say of a section: keys that exclude or need each other, values that depend on another key. Called after the section's rows. */
#ifndef BAKERY_CONF_FINISH_H
#define BAKERY_CONF_FINISH_H

struct reader;
struct tree;

int finish_listen(struct reader *r, const struct tree *node, const char *path, void *object);
int finish_pool(struct reader *r, const struct tree *node, const char *path, void *object);
int finish_param(struct reader *r, const struct tree *node, const char *path, void *object);
int finish_step(struct reader *r, const struct tree *node, const char *path, void *object);
int finish_http(struct reader *r, const struct tree *node, const char *path, void *object);
int finish_recipe(struct reader *r, const struct tree *node, const char *path, void *object);
int finish_user(struct reader *r, const struct tree *node, const char *path, void *object);

#endif
