/*
 * words.h - captions by their words: FTS5 and BM25 find them, NegEx looks whether they
 * speak of something that is there.
 *
 * A question is read by words_query.h. Captions come by how many of its words they
 * have, then by BM25, then by id; with AND, OR, NOT in the question by BM25 alone. A
 * word is there when at least one mention of it is not denied; what the question itself
 * denies
 * ("no effusion") is there when at least one mention is. BM25 counts every mention.
 *
 * The answer is exact and complete: the best `limit` of all captions that fit, however
 * many had to be looked at.
 *
 * A pf_words is immutable and may be shared by threads, each with a store of its own.
 */
#ifndef PF_CORE_WORDS_WORDS_H
#define PF_CORE_WORDS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/store.h"

typedef struct pf_words pf_words;

typedef struct {
    const char *synonyms;  /* a file in place of the built-in table; NULL: that */
    bool ignores_negation; /* "no effusion" speaks of an effusion like any other */
} pf_words_settings;

/* `settings` may be NULL: all zero. */
PF_MUST_CHECK bool pf_words_new(pf_words **out, const pf_words_settings *settings,
                                pf_err *err);
void pf_words_free(pf_words *words); /* NULL is fine */

typedef struct {
    const char *text;      /* the question, UTF-8 */
    const int64_t *images; /* [n_images], ascending: only captions of these; or NULL */
    size_t n_images;
    size_t limit;  /* at most so many hits, >= 1 */
    bool by_image; /* of each image only its best caption */
} pf_words_ask;

typedef struct {
    int64_t caption_id, image_id;
    double score;   /* BM25, above 0, the more the better */
    size_t matched; /* words of the question that are there; all with AND, OR, NOT */
} pf_words_hit;

typedef struct {
    pf_words_hit *hits; /* best first, owned */
    size_t n_hits;
    size_t n_asked; /* words of the question */
    bool is_cut;    /* the question was longer than what is read */
} pf_words_answer;

/* *out must be all zero or reset; it stays so on failure. MISUSE when there is no word
 * in the question. */
PF_MUST_CHECK bool pf_words_search(const pf_words *words, pf_store *store,
                                   const pf_words_ask *ask, pf_words_answer *out,
                                   pf_err *err);
void pf_words_answer_reset(pf_words_answer *answer); /* frees; all zero is fine */

/* Does a text fit a question? The same as above for one text, for tests and tools. */
PF_MUST_CHECK bool pf_words_fit(const pf_words *words, const char *question,
                                const char *text, bool *out, pf_err *err);

#endif
