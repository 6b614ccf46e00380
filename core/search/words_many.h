/*
 * words_many.h - many questions to the same captions: the answers of pf_words_search(),
 * faster by what questions have in common.
 *
 * A word of a question is worth the same in a caption, whatever stands beside it. So
 * FTS5 is asked once for each word (with its other names) of all questions, and the
 * captions that it finds are read; a question adds up what its words are worth, in
 * their order, as pf_words_search() does: scores are the same to the bit. What one word
 * gave stays in memory, 40 bytes for each word of each caption, and so do captions that
 * were read, one to two kilobytes for one of twenty words. Both up to a limit; what is
 * past it is read, or asked for, again each time.
 *
 * Questions with AND, OR, NOT or word* go to pf_words_search(). Internal to search and
 * evaluate.
 *
 * May be shared by threads, each with a store of its own that sees the same snapshot.
 */
#ifndef PF_CORE_SEARCH_WORDS_MANY_H
#define PF_CORE_SEARCH_WORDS_MANY_H

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/search/words_search.h"
#include "core/words/words.h"

typedef struct pf_words_many pf_words_many;

/* `words` is borrowed. The captions are those that `store` sees now. */
PF_MUST_CHECK bool pf_words_many_new(pf_words_many **out, const pf_words *words,
                                     pf_store *store, pf_err *err);
void pf_words_many_free(pf_words_many *many); /* NULL is fine */

/* Keep at most so many bytes of what words gave, and as many of captions; 256 MiB each
 * unless told. Before the first question. */
void pf_words_many_set_limit(pf_words_many *many, size_t bytes);

/* The image of a caption; 0 when there is none. */
int64_t pf_words_many_image_of(const pf_words_many *many, int64_t caption_id);

/* As pf_words_search(). */
PF_MUST_CHECK bool pf_words_many_search(pf_words_many *many, pf_store *store,
                                        const pf_words_ask *ask, pf_words_answer *out,
                                        pf_err *err);

#endif
