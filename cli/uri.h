/*
 * uri.h - paths in links.
 */
#ifndef PF_CLI_URI_H
#define PF_CLI_URI_H

#include <stdbool.h>
#include <stdio.h>

/* Can a file be meant by a link to this path? An absolute one; behind "//" the next
 * word would be a host. */
bool pf_uri_is_linkable(const char *path);

/* A path is bytes: those that do not belong into a URI are written as %XX (RFC 3986).
 */
void pf_uri_put_path(FILE *out, const char *path);

#endif
