/*
 * word_rows.h - the rows of the index of words, each with its image, and with what its
 * text denies. Of one generation; any number of threads may share it.
 *
 * Most texts deny nothing, and of these the index says all (pf_store_candidate); of the
 * others it is learnt from those that are read. So who answers many questions of one
 * generation need read few texts. It takes 24 bytes for each row. Internal to the
 * engine and search.
 */
#ifndef PF_CORE_ENGINE_WORD_ROWS_H
#define PF_CORE_ENGINE_WORD_ROWS_H

#include "core/base/err.h"
#include "core/catalog/store.h"
#include "core/words/words.h"

typedef struct pf_word_rows pf_word_rows;

/* Of the store's snapshot. It takes some hundred milliseconds for 100,000 rows. */
PF_MUST_CHECK bool pf_word_rows_new(pf_word_rows **out, const pf_words *words,
                                    pf_store *store, pf_err *err);
void pf_word_rows_free(pf_word_rows *rows); /* NULL is fine */

typedef struct {
    int64_t image_id;
    uint64_t denied; /* the bits of words (pf_words_bit()) of which not every mention
                        counts, or might not; all bits of what is said of a case */
} pf_word_row;

/* False: there is no such row, or it has no image. */
bool pf_word_rows_find(const pf_word_rows *rows, int64_t row, pf_word_row *out);
/* The text of a row that is not a case's was read, with the same words, and denies
 * this. */
void pf_word_rows_learn(pf_word_rows *rows, int64_t row, uint64_t denied);

#endif
