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
 * The model is opened when a part needs it, and only the towers that are needed. It is
 * the one the catalog was made with: unchanged files are recognised by their stamp,
 * anything else is read as a whole and refused when its fingerprint is another one.
 *
 * A pf_search belongs to one thread. It stays at the generation it was opened at.
 */
#ifndef PF_CORE_SEARCH_SEARCH_H
#define PF_CORE_SEARCH_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/model/model.h"
#include "core/search/filter.h"
#include "core/search/part.h"
#include "core/words/words.h"

typedef struct pf_search pf_search;

/* What can be looked for; in pf_search_options several, added together. */
typedef enum {
    PF_FIND_IMAGES = 1,
    PF_FIND_CAPTIONS = 2,
    PF_FIND_CASES = 4, /* ranked by their best image */
} pf_find;

typedef struct {
    const char *folder;    /* of the catalog; NULL: the user's default */
    unsigned find;         /* PF_FIND_... that will be asked for by meaning; 0: none */
    const char *model;     /* folder or checkpoint; NULL: where the catalog says */
    const char *tokenizer; /* NULL: where the catalog says, or beside the model */
    pf_words_settings words;
} pf_search_options;

/* Open a catalog for questions. `options` are copied. NOT_FOUND when there is none. */
PF_MUST_CHECK bool pf_search_open(pf_search **out, const pf_search_options *options,
                                  pf_notes *notes, pf_err *err);
void pf_search_close(pf_search *search); /* NULL is fine */
const char *pf_search_folder(const pf_search *search);

/* The catalog's model with at least these towers (PF_CLIP_...). Borrowed until the next
 * call of this function or pf_search_run(). NOT_FOUND: it is not where the catalog
 * says; MISMATCH: it is another model than the catalog's. */
PF_MUST_CHECK bool pf_search_get_model(pf_search *search, unsigned towers,
                                       const pf_model **out, pf_notes *notes,
                                       pf_err *err);

/* What the makers of the model that was opened want users told (model.h); NULL when no
 * question has needed the model, or there is nothing. Borrowed as the model is. */
const char *pf_search_notice(const pf_search *search);

/* ---- asking ---- */

typedef enum {
    PF_BY_DEFAULT, /* both for a phrase and nothing else, where captions can be found */
    PF_BY_MEANING, /* nearness of vectors */
    PF_BY_WORDS,   /* of one phrase and nothing else, in captions; needs no model */
    PF_BY_BOTH,    /* nearness to the image and to its captions, and words */
} pf_by;

typedef struct {
    const pf_part *parts;
    size_t n_parts;
    pf_find find;
    pf_by by;
    size_t limit;          /* at most so many hits, >= 1 */
    double min_score;      /* hits below it are left out; -1 leaves none out */
    double min_percentile; /* the same for percentiles, 0 .. 100; 0 leaves none out */
    bool collapses;        /* images and captions: a hit whose cosine to a better one is
                              at least `collapse` (0 .. 1) becomes a note on that */
    double collapse;
    const pf_filter *filters; /* all must be met */
    size_t n_filters;
} pf_query;

void pf_query_init(pf_query *query); /* images, 10 hits, every score, no parts */

typedef struct {
    char *key, *value;
} pf_hit_attribute;

typedef struct {
    int64_t id;
    double score;
    char *path;
    int frame;
} pf_hit_image;

/* Why a hit is there: its place in one ranking, and what made it. */
typedef struct {
    size_t rank; /* from 1; 0: it was not in this one */
    double score;
} pf_reason;

typedef struct {
    double score;      /* cosine, -1 .. 1; by words alone their BM25 */
    double percentile; /* share of unrelated pairs (chance.h) that are less near, 0 ..
                          100; NaN when it is not known, or by words alone */
    int64_t id;        /* of the image, caption or case that was found */
    int64_t image_id;  /* the image itself, the one the caption belongs to, or the best
                          of the case */
    char *path;        /* of the image: bytes, absolute */
    int frame;
    char *caption;                /* found, or the first of the image; or NULL */
    char *case_key, *case_title;  /* or NULL */
    pf_hit_attribute *attributes; /* of the image and its case, by key, then value */
    size_t n_attributes;
    pf_hit_image *images; /* cases: those of its images that were found, best first */
    size_t n_images;
    size_t n_case_images; /* cases: all of its images, found or not */
    /* By words or both; all zero by meaning. Of a case those of its best image. */
    double fused;         /* what hits are ordered by: sum of 1 / (10 + rank) */
    pf_reason by_meaning; /* cosine */
    pf_reason by_caption; /* images: cosine of the nearest caption */
    pf_reason by_words;   /* BM25 of the best caption */
    int64_t *duplicates;  /* folded into this hit, best first; or NULL */
    size_t n_duplicates;
} pf_hit;

/* Is the best of all that could be found no nearer than chance brings (chance.h)? */
typedef enum {
    PF_CHANCE_UNKNOWN, /* nothing to compare with, or nothing to say it of */
    PF_CHANCE_BETTER,
    PF_CHANCE_NO_BETTER,
} pf_chance;

typedef struct {
    pf_hit *hits; /* best first, owned */
    size_t n_hits;
    double took_ms;       /* opening the model if need be, embedding, searching */
    size_t n_truncated;   /* phrases of which only the beginning was read */
    bool no_image_passes; /* the filters: nothing was searched */
    double best; /* highest cosine of all that may be found, limit and lowest score
                    aside; below -1: there was none, or by words alone */
    bool has_words_hits; /* words were looked for, and found in a caption of what may be
                            found */
    pf_chance chance;
    pf_by by; /* how it was looked for; not PF_BY_DEFAULT */
} pf_answer;

/* Answer one question. *out must be all zero or reset; it stays so on failure. An image
 * named by PF_PART_LIKE is not among the images found, nor its case among the cases.
 * With `collapses` the whole ranking is folded (collapse.h), what comes behind the last
 * hit included; there are `limit` hits when so many differ.
 * MISUSE when the parts cancel out; NOT_FOUND for captions or cases of a catalog
 * without any, for a lowest percentile where percentiles are not known, for a
 * PF_PART_LIKE that is not there and for a filter whose key nothing has; by words
 * MISUSE for other questions than a phrase, for one without a word and for a lowest
 * percentile. */
PF_MUST_CHECK bool pf_search_run(pf_search *search, const pf_query *query,
                                 pf_answer *out, pf_notes *notes, pf_err *err);
void pf_answer_reset(pf_answer *answer); /* frees; all zero is fine */

/* pf_catalog_check(): what is wrong with the catalog becomes lines in *problems. */
PF_MUST_CHECK bool pf_search_check(pf_search *search, pf_notes *problems, pf_err *err);

#endif
