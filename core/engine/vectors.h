/*
 * vectors.h - vectors of what was asked with lately: whoever asks the same again, or
 * looks at the next page, need not wait for the model.
 *
 * In memory alone, of a number that was chosen at the start; what was not asked for
 * longest makes room. Any number of threads may use it at once.
 */
#ifndef PF_CORE_ENGINE_VECTORS_H
#define PF_CORE_ENGINE_VECTORS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/hash.h"

typedef struct pf_vectors pf_vectors;

/* At most `most` of them, in steps of eight. */
PF_MUST_CHECK bool pf_vectors_new(pf_vectors **out, size_t most, pf_err *err);
void pf_vectors_free(pf_vectors *v); /* NULL is fine */

/* False: it is not there. `vector` holds [dim] floats; *flag is what was kept with it.
 */
bool pf_vectors_find(pf_vectors *v, const pf_hash *key, float *vector, size_t dim,
                     bool *flag);
/* Without memory it is not kept. */
void pf_vectors_keep(pf_vectors *v, const pf_hash *key, const float *vector, size_t dim,
                     bool flag);

#endif
