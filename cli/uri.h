/*
 * uri.h - paths in links.
 */
#ifndef PF_CLI_URI_H
#define PF_CLI_URI_H

#include <stdio.h>

/* A path is bytes: those that do not belong into a URI are written as %XX (RFC 3986).
 */
void pf_uri_put_path(FILE *out, const char *path);

#endif
