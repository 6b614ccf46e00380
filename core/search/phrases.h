/*
 * phrases.h - phrases of a user's own, ranked by how near they are to a question: what
 * finding captions does, without a catalog's captions.
 */
#ifndef PF_CORE_SEARCH_PHRASES_H
#define PF_CORE_SEARCH_PHRASES_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/model/model.h"
#include "core/search/search.h"

enum {
    PF_PHRASES_MAX = 1000000,
    PF_PHRASE_MAX_BYTES = 1 << 20, /* of one line */
    PF_PHRASES_MAX_BYTES = 256 << 20,
};

typedef struct {
    char **text;  /* [n] owned */
    size_t *line; /* [n] where each stands, from 1 */
    size_t n, room;
} pf_phrases;

/*
 * Phrases from the bytes of a file: UTF-8, one per line, which ends in LF or CRLF.
 * Blanks around one do not count; lines without anything else, and those that begin
 * with '#', are passed over; a phrase that begins with '#' is written with a blank in
 * front. A byte order mark at the beginning of the file does not count. The same phrase
 * may come several times. `name` is the file's, for messages, which say the line.
 *
 * *out must be all zero; it stays so on failure: FORMAT for what is no text, LIMIT for
 * a line longer than PF_PHRASE_MAX_BYTES and for more than PF_PHRASES_MAX of them,
 * NOT_FOUND for none.
 */
PF_MUST_CHECK bool pf_phrases_parse(pf_phrases *out, const char *bytes, size_t n,
                                    const char *name, pf_err *err);
void pf_phrases_reset(pf_phrases *phrases); /* frees; all zero is fine */

/* How they are embedded. All of it may be zero. */
typedef struct {
    int threads;            /* 0: one per core */
    const atomic_int *stop; /* or NULL; when it is set, the work ends (INTERRUPTED) */
    /* Or NULL: told how many different phrases were read so far, of how many. */
    void (*progress)(void *context, size_t done, size_t total);
    void *context;
} pf_phrases_work;

/*
 * Rank the phrases by the cosine between them and what the parts of `query` add up to.
 * Of the query parts, limit and min_score are looked at. Hits are
 * captions: their id is the line, image_id is 0, path NULL; equal ones come in the
 * order of lines. *n_truncated: phrases of which only the beginning counted, the same
 * one once. *out must be all zero or reset; it stays so on failure.
 */
PF_MUST_CHECK bool pf_phrases_rank(pf_hits *out, const pf_phrases *phrases,
                                   const pf_query *query, pf_reader *reader,
                                   const pf_phrases_work *work, size_t *n_truncated,
                                   pf_err *err);

#endif
