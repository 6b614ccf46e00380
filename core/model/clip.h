/*
 * clip.h - turns token ids and pixels into vectors that can be compared.
 *
 * A pf_clip is the bound checkpoint: immutable once open, so any number of threads may
 * share it. Working memory lives in a pf_session, one per thread; the model knows no
 * threads of its own. Vectors come out with length 1, so a dot product is a cosine.
 *
 * What the towers are made of is said by the family of the checkpoint (family.h).
 * ResNets are OpenAI's (clip/model.py): three-convolution stem, average pools in place
 * of strides, attention pool.
 */
#ifndef PF_CORE_MODEL_CLIP_H
#define PF_CORE_MODEL_CLIP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/notes.h"
#include "core/model/dims.h"
#include "core/model/family.h"
#include "core/model/tile.h"
#include "core/checkpoint/weights.h"

typedef struct pf_clip pf_clip;
typedef struct pf_session pf_session;

enum {
    PF_CLIP_TEXT = 1,
    PF_CLIP_IMAGE = 2,
    PF_CLIP_VERIFY = 4, /* look at every number: refuse NaN, compute the hash */
};

/*
 * Bind the towers named in `what` (PF_CLIP_...) to the tensors of `weights`, which must
 * stay open as long as the model. `beside` may be NULL: nothing lies there. Every shape
 * is checked against the sizes; unknown and missing tensors are refused by name,
 * whichever towers are asked for with PF_CLIP_VERIFY, otherwise those of the towers
 * asked for.
 */
PF_MUST_CHECK bool pf_clip_open(pf_clip **out, const pf_weights *weights,
                                const pf_beside *beside, unsigned what, pf_notes *notes,
                                pf_err *err);
void pf_clip_close(pf_clip *clip); /* NULL is fine */

/* How the tower PF_CLIP_TEXT or PF_CLIP_IMAGE computes; float32 unless it is set, which
 * no session may be busy meanwhile for. */
void pf_clip_set_precision(pf_clip *clip, unsigned tower, pf_precision precision);
pf_precision pf_clip_precision(const pf_clip *clip, unsigned tower);
/* Say which files the weights are from, as of now: what is packed of them may be kept
 * in a cache and found there again. Without that it is not. */
void pf_clip_identify(pf_clip *clip, const char *identity);
/* Bring a tower's weights into the order in which products read them. Otherwise done
 * when it is first used. */
PF_MUST_CHECK bool pf_clip_pack(const pf_clip *clip, unsigned tower, pf_err *err);

const pf_dims *pf_clip_dims(const pf_clip *clip);
/* exp(logit_scale): logits are this times the cosine. */
float pf_clip_logit_scale(const pf_clip *clip);
/* True when each label is judged by itself, sigmoid(logit + *bias), false for softmax
 * over all of them. */
bool pf_clip_logit_bias(const pf_clip *clip, float *bias);
/* Of all weights as float32 in one fixed order; all zero without PF_CLIP_VERIFY. */
pf_hash pf_clip_hash(const pf_clip *clip);

PF_MUST_CHECK bool pf_session_new(pf_session **out, const pf_clip *clip, pf_err *err);
void pf_session_free(pf_session *s); /* NULL is fine */
/* Let a pass use so many threads, its own included; the vectors are the same. For a
 * session that works alone: where there is one for each core, one is best. */
PF_MUST_CHECK bool pf_session_set_threads(pf_session *s, size_t n, pf_err *err);

/* pixels [n, 3, size, size], preprocessed -> out [n, embed], length 1. `size` may
 * differ from the checkpoint's image size as long as it ends in the same grid. */
PF_MUST_CHECK bool pf_session_embed_images(pf_session *s, const float *pixels, int size,
                                           size_t n, float *out, pf_err *err);

/* `ids` holds the n texts one after another, lengths[i] ids each (1 .. context, start
 * and end token included). A text is read at its highest id, which is the end token;
 * what follows it is not needed and best left out. out [n, embed], length 1. */
PF_MUST_CHECK bool pf_session_embed_tokens(pf_session *s, const int32_t *ids,
                                           const size_t *lengths, size_t n, float *out,
                                           pf_err *err);

/* For tests: told each stage's result ("image.block0", [rows, columns]) of a pass. Runs
 * without the shortcut that leaves rows out in the last block. */
typedef void (*pf_probe)(void *context, const char *stage, const float *x, size_t rows,
                         size_t columns);
void pf_session_set_probe(pf_session *s, pf_probe probe, void *context);

#endif
