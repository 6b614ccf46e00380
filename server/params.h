/*
 * params.h - parameters of an address as the JSON of a question: the names are its keys
 * ("q" is "phrase"), a name that is there more than once is an array.
 */
#ifndef PF_SERVER_PARAMS_H
#define PF_SERVER_PARAMS_H

#include "server/http.h"

/* Given, pf_free() it. MISUSE for a name that no key can have. */
PF_MUST_CHECK bool params_to_json(const http_param *params, size_t n, char **out,
                                  size_t *size, pf_err *err);
/* The first of that name; NULL: there is none. */
const char *params_find(const http_request *r, const char *name);

#endif
