/*
 * log.h - what plainfilm-serve says on stderr: a line for each request, without what
 * was asked and found unless that is wanted, and notes of the library's.
 */
#ifndef PF_SERVER_LOG_H
#define PF_SERVER_LOG_H

#include "include/plainfilm.h"
#include "server/http.h"

/* "plainfilm-serve: text". From any thread. */
void log_say(const char *text);
void log_note(void *context, pf_note_kind kind, const char *text);
void log_exchange(const http_exchange *x);

#endif
