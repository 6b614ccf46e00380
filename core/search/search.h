/*
 * search.h - questions to a catalog: the images, captions or cases nearest to what was
 * asked.
 *
 * A question is a sum of parts (part.h): each is a unit vector, they are added with
 * their weights, and the sum is brought to length 1 again. A score is the cosine
 * between that vector and a hit's; equal scores come in the order of ids. That is
 * search by meaning; a phrase may also be looked for by the words of captions
 * (words_search.h), and both may be joined (fusion.h).
 *
 * What a question needs and nothing else is loaded: the towers of its parts, and the
 * indexes it looks at, which are known once it is known how it is answered.
 */
#ifndef PF_CORE_SEARCH_SEARCH_H
#define PF_CORE_SEARCH_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/engine/reader.h"
#include "core/search/filter.h"
#include "core/search/part.h"
#include "core/search/scope.h"

/* ---- asking ---- */

typedef struct {
    const pf_part *parts;
    size_t n_parts;
    pf_find find;
    pf_by by;
    unsigned in;           /* words in these fields alone (words/fields.h); 0: in all */
    size_t limit;          /* at most so many hits, >= 1, */
    size_t offset;         /* behind the first so many of the ranking */
    double min_score;      /* hits below it are left out; -1 leaves none out */
    double min_percentile; /* the same for percentiles, 0 .. 100; 0 leaves none out */
    bool collapses;        /* images and captions: a hit whose cosine to a better one is
                              at least `collapse` (0 .. 1) becomes a note on that */
    double collapse;
    const pf_filter *filters; /* all must be met */
    size_t n_filters;
    pf_sort sort; /* of a list, which is a query without parts */
    uint64_t seed;
    const char *const *facets; /* [n_facets] keys whose values are counted */
    size_t n_facets;
    bool hides_paths; /* a part names an image by its number, or by all of its path */
} pf_query;

void pf_query_init(pf_query *query); /* images, 10 hits, every score, no parts */

typedef struct {
    pf_hit *hits; /* best first, owned */
    size_t n_hits;
    size_t n_truncated;   /* phrases of which only the beginning was read */
    size_t n_text;        /* bytes that the hits have of captions, paths, ... */
    bool no_image_passes; /* the filters: nothing was searched */
    pf_unmet unmet; /* the first of them that no image meets; or all zero; owned */
    size_t total;   /* of what matches */
    pf_total_of total_of;
    bool has_found;    /* what matches are these captions, or images, also of cases, */
    pf_id_set found;   /* and not all that passes the filters; owned */
    pf_counts *facets; /* [n_facets] owned */
    size_t n_facets;
    double best; /* highest cosine of all that may be found, limit and lowest score
                    aside; below -1: there was none, or by words alone */
    double best_image;  /* the same of images when captions are found, by a phrase that
                           has no word in any; else below -1 */
    bool has_all_words; /* a caption has all words of the phrase */
    pf_missing_word *missing; /* [n_missing] of the phrase, owned */
    size_t n_missing;
    bool has_words_hits; /* words were looked for, and found in a caption of what may be
                            found */
    pf_chance chance;
    pf_by by; /* how it was looked for; PF_BY_DEFAULT: it is a list */
} pf_hits;

/* Answer one question. *out must be all zero or reset; it stays so on failure. An image
 * named by PF_PART_LIKE is not among the images found, nor its case among the cases.
 * Without parts it is a list (list.h), as long as a filter, a facet or a sort asks for
 * one. With `collapses` the whole ranking is folded (collapse.h), what comes behind the
 * last hit included; there are `limit` hits when so many differ. `total` and `facets`
 * count what matches, before anything is folded: all that passes filters and lowest
 * score; by words, or both, of that what has all words of the phrase, or some when
 * nothing has all; by both everything when nothing has any. MISUSE when the parts
 * cancel out; NOT_FOUND for captions or cases of a catalog without any, for a lowest
 * percentile where percentiles are not known, for a PF_PART_LIKE that is not there and
 * for a filter whose key nothing has; by words MISUSE for other questions than a
 * phrase, for one without a word and for a lowest percentile. */
PF_MUST_CHECK bool pf_search_run(pf_reader *reader, const pf_query *query, pf_hits *out,
                                 pf_err *err);
/* The values of a key of what passes the filters, or (NULL) the keys, into the facets
 * of `out`; `limit` of them. */
PF_MUST_CHECK bool pf_search_count_values(pf_reader *reader, const pf_query *query,
                                          const char *key, pf_hits *out, pf_err *err);
void pf_hits_reset(pf_hits *hits);                /* frees; all zero is fine */
void pf_hits_drop_first(pf_hits *hits, size_t n); /* they go */

#endif
