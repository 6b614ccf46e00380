/* fuzz_tensors.h - reads every tensor of a checkpoint that opened, to touch each byte.
 */
#ifndef PF_TESTS_FUZZ_FUZZ_TENSORS_H
#define PF_TESTS_FUZZ_FUZZ_TENSORS_H

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/checkpoint/weights.h"

enum { FUZZ_MAX_ELEMENTS = 1 << 20 }; /* per input, so that tied tensors stay quick */

/* Reads the first and the last of `n` bytes, so that a sanitizer sees where they are.
 */
static inline void fuzz_touch(const void *bytes, size_t n)
{
    static volatile uint8_t sink;
    const uint8_t *p = bytes;
    if (n > 0)
        sink = (uint8_t)(p[0] ^ p[n - 1]);
    (void)sink;
}

static inline void fuzz_read_tensors(const void *bytes, size_t n)
{
    pf_err err = PF_ERR_INIT;
    pf_notes notes = {0};
    pf_weights *w;
    if (pf_weights_open_bytes(&w, bytes, n, &notes, &err)) {
        size_t left = FUZZ_MAX_ELEMENTS;
        for (size_t i = 0; i < pf_weights_count(w); i++) {
            const pf_tensor *t = pf_weights_at(w, i);
            size_t elements = pf_tensor_elements(t);
            if (pf_weights_find(w, t->name) != t)
                abort();
            if (elements > left)
                break;
            left -= elements;
            float *values = pf_alloc_floats(elements, &err);
            if (values)
                pf_tensor_read_f32(t, values);
            pf_free(values);
        }
        pf_weights_close(w);
    } else if (err.code == PF_OK || err.msg[0] == '\0') {
        abort(); /* a failure without a message */
    }
    pf_notes_reset(&notes);
}

#endif
