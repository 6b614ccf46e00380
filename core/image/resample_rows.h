/*
 * resample_rows.h - the two sums of a resize, over rows and over columns; private to
 * core/image.
 *
 * Whole numbers, so that the bytes are the same whatever the order of addition: the
 * instructions are chosen when the program runs, and nobody can tell which it was.
 */
#ifndef PF_CORE_IMAGE_RESAMPLE_ROWS_H
#define PF_CORE_IMAGE_RESAMPLE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PF_TAP_BITS = 32 - 8 - 2, /* 8 bits of pixel, these of weight and 2 to spare */
    PF_TAP_GROUP = 4          /* taps that are added at a time: room is a multiple */
};

/* Of each output pixel, the run of input pixels that it is a weighted sum of. */
typedef struct {
    int size;         /* output pixels */
    int *first;       /* [size] the first tap of each */
    int *count;       /* [size] how many taps it has */
    int32_t *weights; /* [size, room], zeros behind the last tap */
    size_t room;
} pf_taps;

/* Each of `n` input rows of RGB becomes one of x->size pixels: `in` has rows of
 * `stride` bytes, `out` receives [n, x->size, 3]. */
void pf_resample_across(const pf_taps *x, const uint8_t *in, size_t stride, size_t n,
                        uint8_t *out);

/* `count` rows of `width` bytes become one. */
void pf_resample_down(const int32_t *weights, int count, const uint8_t *rows,
                      size_t width, uint8_t *out);

/* For tests: use these instructions ("plain", "avx2"), or NULL, the best ones there
 * are. False when this processor does not have them. */
bool pf_resample_use(const char *name);

#endif
