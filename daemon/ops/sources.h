/*
 * The configuration's texts in a sealed memfd (memfd_create(2)): so that every front reads the very configuration that the workers inherited, whatever
 * has become of the files since.
 */
#ifndef BAKERY_OPS_SOURCES_H
#define BAKERY_OPS_SOURCES_H

#include "conf/conf.h"

/* *out_fd: sealed, close-on-exec, the caller's. 0 or a negative errno value. */
int sources_to_memfd(const struct conf_sources *s, int *out_fd);
/* 0; ERR_PROTOCOL when it is not what sources_to_memfd() makes, sealed; -ENOMEM or another negative errno value. */
int sources_from_memfd(int fd, struct conf_sources *out);

#endif
