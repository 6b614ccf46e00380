/*
 * say.h - the conversation on stderr, as lines that begin with the program's name.
 *
 * Texts may come from files of unknown origin: escape sequences in them are taken away.
 */
#ifndef PF_QUERY_SAY_H
#define PF_QUERY_SAY_H

#include <stdbool.h>

#include "cli/progress.h"
#include "core/search/search.h"

void say(const char *text);
void say_notes(pf_notes *notes, bool is_wanted); /* or not: they are gone afterwards */
void say_notice(const char *notice); /* of the model's makers; NULL is fine */
void say_truncated(void);
void say_failure(const char *path, const char *reason); /* of one file among many */
void init_bar(pf_progress *bar, bool is_quiet);
/* What is to be told of an answer: nothing found, perhaps by chance, the time taken. */
void say_about(const pf_search *search, const pf_answer *answer);

#endif
