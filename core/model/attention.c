/*
 * attention.c - scaled dot-product attention, head by head, with the tiles of the other
 * products: keys and values of a head are brought into the order of packed weights
 * (packed.h), which for these sizes costs less than the products. Floats in every
 * precision: this is a hundredth of a tower's arithmetic.
 */
#include "core/model/kernels.h"

#include <math.h>
#include <string.h>

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Where a head's numbers are while it is worked on, in floats from the scratch. */
typedef struct {
    size_t depth; /* of a head, as rows have it */
    size_t keys;  /* as rows of scores have them */
    size_t q, k, v, scores, end;
} layout;

static layout lay_out(size_t nq, size_t nk, size_t head_width)
{
    layout l = {.depth = round_up(head_width, PF_TILE_UNROLL),
                .keys = round_up(nk, PF_TILE_COLUMNS)};
    l.v = l.keys * l.depth; /* k is at 0, aligned as the scratch is */
    l.scores = l.v + round_up(head_width, PF_TILE_COLUMNS) * l.keys;
    l.q = l.scores + nq * l.keys;
    l.end = l.q + nq * l.depth;
    return l;
}

size_t pf_attention_scratch(size_t nq, size_t nk, size_t head_width)
{
    return round_up(lay_out(nq, nk, head_width).end, 16);
}

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

/* Four numbers of four keys each become four rows of four. */
static inline void turn(const float *from, size_t ld, float *to)
{
    const four a = *(const four *)from, b = *(const four *)(from + ld),
               c = *(const four *)(from + 2 * ld), d = *(const four *)(from + 3 * ld);
    const four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const size_t step = PF_TILE_COLUMNS;
    *(four *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(four *)(to + step) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(four *)(to + 2 * step) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(four *)(to + 3 * step) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* k [n, depth] with row stride ld -> [panels of keys, depth, PF_TILE_COLUMNS]. Keys
 * that are not there, and depth that no key has, are zero. */
static void pack_keys(const float *k, size_t ld, size_t n, size_t head_width,
                      const layout *l, float *to)
{
    if (n % 4 || head_width % 4)
        memset(to, 0, l->keys * l->depth * sizeof *to);
    for (size_t j = 0; j < n; j += 4) {
        float *column =
            to + j / PF_TILE_COLUMNS * PF_TILE_COLUMNS * l->depth + j % PF_TILE_COLUMNS;
        const size_t fours = j + 4 <= n ? head_width / 4 * 4 : 0;
        for (size_t i = 0; i < fours; i += 4)
            turn(k + j * ld + i, ld, column + i * PF_TILE_COLUMNS);
        for (size_t m = j; m < j + 4 && m < n; m++) {
            for (size_t i = fours; i < head_width; i++)
                column[i * PF_TILE_COLUMNS + m - j] = k[m * ld + i];
        }
    }
}

/* v [n, head_width] with row stride ld -> [panels of columns, n rounded up,
 * PF_TILE_COLUMNS] */
static void pack_values(const float *v, size_t ld, size_t n, size_t head_width,
                        float *to)
{
    const size_t depth = round_up(n, PF_TILE_UNROLL);
    for (size_t at = 0; at < head_width; at += PF_TILE_COLUMNS) {
        const size_t left = head_width - at;
        const size_t width = left < PF_TILE_COLUMNS ? left : PF_TILE_COLUMNS;
        for (size_t i = 0; i < depth; i++, to += PF_TILE_COLUMNS) {
            if (i >= n || width < PF_TILE_COLUMNS)
                memset(to, 0, PF_TILE_COLUMNS * sizeof *to);
            if (i < n)
                memcpy(to, v + i * ld + at, width * sizeof *to);
        }
    }
}

/* y [n, out] = x w^T for floats that are packed already. */
static void multiply(const float *x, size_t ldx, size_t n, const float *packed,
                     size_t in, size_t out, float *y, size_t ldy)
{
    pf_packed w;
    pf_packed_view(&w, PF_PRECISION_F32, in, out, packed);
    const pf_rows rows = {.words = (const char *)x, .n = n, .ld = ldx * sizeof *x};
    const size_t each = pf_packed_rows_at_once(&w, n);
    for (size_t i = 0; i < n; i++)
        memset(y + i * ldy, 0, out * sizeof *y);
    for (size_t panel = 0; panel < pf_packed_panels(&w); panel++) {
        for (size_t row = 0; row < n; row += each)
            pf_packed_multiply(&w, &rows, row, n - row < each ? n - row : each, panel,
                               y, ldy);
    }
}

/* Query i sees keys 0 .. i with a mask, else all. What it does not see counts zero. */
static void weigh(const pf_attention *a, const layout *l, float *scores)
{
    for (size_t i = 0; i < a->nq; i++, scores += l->keys) {
        const size_t seen = a->is_causal ? i + 1 : a->nk;
        pf_kernel_softmax(scores, 1, seen);
        memset(scores + seen, 0, (l->keys - seen) * sizeof *scores);
    }
}

/* The head whose columns begin at `at`. */
static void attend(const pf_attention *a, const layout *l, size_t at)
{
    const float scale = 1.0f / sqrtf((float)a->head_width);
    float *q = a->scratch + l->q, *scores = a->scratch + l->scores;
    float *k = a->scratch, *v = a->scratch + l->v;
    for (size_t i = 0; i < a->nq; i++) {
        for (size_t j = 0; j < a->head_width; j++)
            q[i * l->depth + j] = a->q[i * a->ldq + at + j] * scale;
        for (size_t j = a->head_width; j < l->depth; j++)
            q[i * l->depth + j] = 0;
    }
    pack_keys(a->k + at, a->ldkv, a->nk, a->head_width, l, k);
    pack_values(a->v + at, a->ldkv, a->nk, a->head_width, v);
    multiply(q, l->depth, a->nq, k, a->head_width, l->keys, scores, l->keys);
    weigh(a, l, scores);
    multiply(scores, l->keys, a->nq, v, a->nk, a->head_width, a->out + at, a->ldo);
}

void pf_kernel_attention(const pf_attention *a, size_t first, size_t end)
{
    const layout l = lay_out(a->nq, a->nk, a->head_width);
    for (size_t h = first; h < end; h++)
        attend(a, &l, h * a->head_width);
}
