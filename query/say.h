/*
 * say.h - the conversation on stderr, as lines that begin with the program's name.
 *
 * Texts may come from files of unknown origin: escape sequences in them are taken away.
 */
#ifndef PF_QUERY_SAY_H
#define PF_QUERY_SAY_H

#include <stdbool.h>

#include "cli/progress.h"
#include "include/plainfilm.h"

void say(const char *text);
void init_bar(pf_progress *bar, bool is_quiet);

/* For an engine to tell its notes to. What the command line wants to hear is kept, for
 * a bar may be running, until say_notes(). */
void keep_note(void *context, pf_note_kind kind, const char *text);
void say_notes(void);

/* What is to be told of an answer: nothing found, perhaps by chance, the time taken. */
void say_about(const char *folder, const pf_answer *answer);

/* A path that --format paths left out. */
void say_odd_path(const char *path);

#endif
