/*
 * part.h - one part of a question: a phrase or a picture, and the vector it stands for.
 *
 * Phrases and pictures need a model; "like an image of the catalog" needs the catalog
 * (search.h). Everything is borrowed from the caller, for the call.
 */
#ifndef PF_CORE_SEARCH_PART_H
#define PF_CORE_SEARCH_PART_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/image/sandbox.h"
#include "core/model/model.h"

typedef enum {
    PF_PART_PHRASE,  /* `text` is UTF-8 */
    PF_PART_FILE,    /* `text` is the path of a picture file */
    PF_PART_PICTURE, /* `bytes` are a picture file; `text` is its name, for messages */
    PF_PART_KEPT,    /* `text` is the hash of a picture that was asked with lately */
    PF_PART_LIKE,    /* `text` names an image of the catalog, by id or by path */
} pf_part_kind;

typedef struct {
    pf_part_kind kind;
    const char *text;
    const uint8_t *bytes;
    size_t n_bytes;
    pf_hash content; /* of the bytes of a PICTURE, and what a KEPT names */
    double weight;   /* of its unit vector in the sum; below 0 it is subtracted */
} pf_part;

/* What pf_read_weight() and pf_read_phrase_weight() (plainfilm.h) take, and what may
 * stand in a part. */
#define PF_PART_WEIGHT_MIN 0.001
#define PF_PART_WEIGHT_MAX 1000.0

/* The tower that embeds it: PF_CLIP_TEXT, PF_CLIP_IMAGE, or 0 for PF_PART_LIKE. */
unsigned pf_part_tower(const pf_part *part);

/* A phrase or picture as a unit vector: `vector` holds pf_model_dim() floats. Pictures
 * are decoded in `sandbox`. *is_truncated (may be NULL) tells that the phrase was
 * longer than the model reads. MISUSE for a phrase without a letter in it and for
 * PF_PART_LIKE.
 */
PF_MUST_CHECK bool pf_part_embed(const pf_part *part, pf_embedder *embedder,
                                 pf_sandbox *sandbox, float *vector, bool *is_truncated,
                                 pf_err *err);

#endif
