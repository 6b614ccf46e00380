/*
 * resample_rows.c - see resample_rows.h.
 *
 * Across, with AVX2, for four rows at once and four taps at a time: there is no quick
 * product of 32-bit numbers, but one of 16 bits that adds neighbours as well. So a
 * weight is taken apart, w = high * 2^15 + low, both in 16 bits, and the sums are put
 * together at the end. That the lower one may wrap around does no harm: so does the
 * whole.
 */
#include "core/image/resample_rows.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define PF_HAS_AVX2_CODE
#include <immintrin.h>
#endif

#define A_HALF (1 << (PF_TAP_BITS - 1))

static uint8_t to_byte(int32_t sum)
{
    sum >>= PF_TAP_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* ---- any processor ---- */

static void across_plain(const pf_taps *x, const uint8_t *in, uint8_t *out)
{
    for (int i = 0; i < x->size; i++) {
        const uint8_t *p = in + (size_t)x->first[i] * 3;
        const int32_t *w = x->weights + (size_t)i * x->room;
        int32_t r = A_HALF, g = r, b = r;
        for (int k = 0; k < x->count[i]; k++, p += 3) {
            r += p[0] * w[k];
            g += p[1] * w[k];
            b += p[2] * w[k];
        }
        *out++ = to_byte(r);
        *out++ = to_byte(g);
        *out++ = to_byte(b);
    }
}

/* Columns from `at` on. */
static void down_plain(const int32_t *weights, int count, const uint8_t *rows,
                       size_t width, size_t at, uint8_t *out)
{
    for (; at < width; at++) {
        int32_t sum = A_HALF;
        for (int k = 0; k < count; k++)
            sum += rows[(size_t)k * width + at] * weights[k];
        out[at] = to_byte(sum);
    }
}

/* ---- AVX2 ---- */

#ifdef PF_HAS_AVX2_CODE
#define AVX2 __attribute__((target("avx2"))) static

enum {
    ROWS = 4,
    COLUMNS = 16,
    LOW_BITS = 15,
    READ_AT_ONCE = 16 /* bytes, for a group's 12 */
};

typedef struct {
    __m256i high, low; /* [2, 4]: of two taps each, red, green, blue, nothing */
} sums;

/* A group's weights, as pairs: of its first two taps four times, then of its last two.
 */
typedef struct {
    __m256i high, low;
} pairs;

AVX2 inline pairs split(const int32_t *weights)
{
    const __m128i w = _mm_loadu_si128((const __m128i *)weights);
    const __m128i low = _mm_and_si128(w, _mm_set1_epi32((1 << LOW_BITS) - 1));
    const __m256i both =
        _mm256_castsi128_si256(_mm_packs_epi32(_mm_srai_epi32(w, LOW_BITS), low));
    return (pairs){
        _mm256_permutevar8x32_epi32(both, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)),
        _mm256_permutevar8x32_epi32(both, _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3))};
}

AVX2 inline sums add(sums s, const uint8_t *rgb, pairs w)
{
    /* two pixels' reds side by side, as 16 bits, then greens and blues */
    const __m256i order = _mm256_setr_epi8(
        0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, /* the first two */
        6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m256i taps = _mm256_shuffle_epi8(
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)rgb)), order);
    s.high = _mm256_add_epi32(s.high, _mm256_madd_epi16(taps, w.high));
    s.low = _mm256_add_epi32(s.low, _mm256_madd_epi16(taps, w.low));
    return s;
}

AVX2 inline void put(sums s, uint8_t *rgb)
{
    const __m256i both = _mm256_add_epi32(_mm256_slli_epi32(s.high, LOW_BITS), s.low);
    const __m128i sum = _mm_add_epi32(
        _mm_set1_epi32(A_HALF),
        _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1)));
    const __m128i words = _mm_packs_epi32(_mm_srai_epi32(sum, PF_TAP_BITS), sum);
    const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    memcpy(rgb, &bytes, 3);
}

AVX2 void four_rows(const pf_taps *x, const uint8_t *in, size_t stride, uint8_t *out)
{
    const size_t width = (size_t)x->size * 3;
    for (int i = 0; i < x->size; i++, out += 3) {
        const uint8_t *p = in + (size_t)x->first[i] * 3;
        const int32_t *w = x->weights + (size_t)i * x->room;
        const sums none = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        sums a = none, b = none, c = none, d = none;
        for (int k = 0; k < x->count[i]; k += PF_TAP_GROUP, p += 3 * PF_TAP_GROUP) {
            const pairs weights = split(w + k);
            a = add(a, p, weights);
            b = add(b, p + stride, weights);
            c = add(c, p + 2 * stride, weights);
            d = add(d, p + 3 * stride, weights);
        }
        put(a, out);
        put(b, out + width);
        put(c, out + 2 * width);
        put(d, out + 3 * width);
    }
}

/* Bytes of a row that are read by its pixels, some of them behind their taps. */
static size_t reach(const pf_taps *x)
{
    size_t most = 0;
    for (int i = 0; i < x->size; i++) {
        const size_t groups = ((size_t)x->count[i] + PF_TAP_GROUP - 1) / PF_TAP_GROUP;
        const size_t end = (size_t)x->first[i] * 3 + groups * 3 * PF_TAP_GROUP;
        most = end > most ? end : most;
    }
    return most + READ_AT_ONCE - 3 * PF_TAP_GROUP;
}

/* Rows that are done: as many fours as can be without reading behind the last row. */
static size_t across_avx2(const pf_taps *x, const uint8_t *in, size_t stride, size_t n,
                          uint8_t *out)
{
    const size_t needs = (ROWS - 1) * stride + reach(x);
    size_t done = 0;
    while (done + ROWS <= n && needs <= (n - done) * stride) {
        four_rows(x, in + done * stride, stride, out + done * (size_t)x->size * 3);
        done += ROWS;
    }
    return done;
}

AVX2 inline __m256i add_eight(__m256i sum, const uint8_t *bytes, __m256i weight)
{
    const __m256i eight = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)bytes));
    return _mm256_add_epi32(sum, _mm256_mullo_epi32(eight, weight));
}

/* Columns that are done, sixteen at a time. */
AVX2 size_t down_avx2(const int32_t *weights, int count, const uint8_t *rows,
                      size_t width, uint8_t *out)
{
    size_t at = 0;
    for (; at + COLUMNS <= width; at += COLUMNS) {
        __m256i a = _mm256_set1_epi32(A_HALF), b = a;
        const uint8_t *p = rows + at;
        for (int k = 0; k < count; k++, p += width) {
            const __m256i weight = _mm256_set1_epi32(weights[k]);
            a = add_eight(a, p, weight);
            b = add_eight(b, p + COLUMNS / 2, weight);
        }
        /* the halves of a, then of b, come out in turns */
        const __m256i words = _mm256_permute4x64_epi64(
            _mm256_packs_epi32(_mm256_srai_epi32(a, PF_TAP_BITS),
                               _mm256_srai_epi32(b, PF_TAP_BITS)),
            0xd8);
        _mm_storeu_si128((__m128i *)(out + at),
                         _mm_packus_epi16(_mm256_castsi256_si128(words),
                                          _mm256_extracti128_si256(words, 1)));
    }
    return at;
}

/* ---- which of them ---- */

static atomic_bool is_plain; /* so a test wants it */

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

bool pf_resample_use(const char *name)
{
    const bool plain = name && strcmp(name, "plain") == 0;
    if (name && !plain && (strcmp(name, "avx2") != 0 || !has_avx2()))
        return false;
    atomic_store(&is_plain, plain);
    return true;
}

static bool is_quick(void)
{
    return has_avx2() && !atomic_load(&is_plain);
}
#else
bool pf_resample_use(const char *name)
{
    return !name || strcmp(name, "plain") == 0;
}

static bool is_quick(void)
{
    return false;
}

static size_t across_avx2(const pf_taps *x, const uint8_t *in, size_t stride, size_t n,
                          uint8_t *out)
{
    (void)x, (void)in, (void)stride, (void)n, (void)out;
    return 0;
}

static size_t down_avx2(const int32_t *weights, int count, const uint8_t *rows,
                        size_t width, uint8_t *out)
{
    (void)weights, (void)count, (void)rows, (void)width, (void)out;
    return 0;
}
#endif

void pf_resample_across(const pf_taps *x, const uint8_t *in, size_t stride, size_t n,
                        uint8_t *out)
{
    const size_t row = (size_t)x->size * 3;
    for (size_t i = is_quick() ? across_avx2(x, in, stride, n, out) : 0; i < n; i++)
        across_plain(x, in + i * stride, out + i * row);
}

void pf_resample_down(const int32_t *weights, int count, const uint8_t *rows,
                      size_t width, uint8_t *out)
{
    const size_t at = is_quick() ? down_avx2(weights, count, rows, width, out) : 0;
    down_plain(weights, count, rows, width, at, out);
}
