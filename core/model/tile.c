/*
 * tile.c - tiles for every instruction set and precision; see tile.h, and tile.inc for
 * what a tile is made of.
 *
 * The steps of x86-64 are written in assembly, because gcc 12 keeps neither 24 sums of
 * vpdpwssd nor the order of their loads when it is told in intrinsics. An operand is a
 * row's word in all lanes, times two vectors of w.
 */
#include "core/model/tile.h"

#include <string.h>

/* ---- any machine ---- */

typedef float four_floats __attribute__((vector_size(16), may_alias));
typedef int32_t four_ints __attribute__((vector_size(16), may_alias));
typedef uint32_t four_bits __attribute__((vector_size(16), may_alias));

static inline float float_at(const char *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline int32_t int_at(const char *p)
{
    int32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

#define TILE plain_f32
#define TILE_ROWS 4
#define TILE_BYTES 16
#define TILE_TARGET
#define TILE_VECTOR four_floats
#define TILE_INTEGER 0
#define TILE_MULTIPLY(a, b, p, row, word)                                              \
    do {                                                                               \
        const float x = float_at(p + row * ld + word);                                 \
        a += x * w0;                                                                   \
        b += x * w1;                                                                   \
    } while (0)
#include "core/model/tile.inc"

/* Sums may leave 32 bits on their way. */
static inline four_ints add(four_ints a, four_ints b)
{
    return (four_ints)((four_bits)a + (four_bits)b);
}

/* Two int16 of each lane times those of x, summed. */
static inline four_ints multiply_pairs(four_ints w, int32_t x)
{
    const four_ints low = (four_ints)((four_bits)w << 16) >> 16, high = w >> 16;
    return low * (int16_t)x + high * (x >> 16);
}

/* Four bytes of each lane, which have a sign, times those of x, which have none. */
static inline four_ints multiply_bytes(four_ints w, int32_t x)
{
    const four_bits bits = (four_bits)w;
    const four_ints first = (four_ints)(bits << 24) >> 24,
                    second = (four_ints)(bits << 16) >> 24,
                    third = (four_ints)(bits << 8) >> 24, fourth = w >> 24;
    return first * (x & 255) + second * (x >> 8 & 255) + third * (x >> 16 & 255) +
           fourth * (int32_t)((uint32_t)x >> 24);
}

#define TILE plain_i16
#define TILE_ROWS 4
#define TILE_BYTES 16
#define TILE_TARGET
#define TILE_VECTOR four_ints
#define TILE_INTEGER 1
#define TILE_MULTIPLY(a, b, p, row, word)                                              \
    do {                                                                               \
        const int32_t x = int_at(p + row * ld + word);                                 \
        a = add(a, multiply_pairs(w0, x));                                             \
        b = add(b, multiply_pairs(w1, x));                                             \
    } while (0)
#include "core/model/tile.inc"

#define TILE plain_i8
#define TILE_ROWS 4
#define TILE_BYTES 16
#define TILE_TARGET
#define TILE_VECTOR four_ints
#define TILE_INTEGER 1
#define TILE_MULTIPLY(a, b, p, row, word)                                              \
    do {                                                                               \
        const int32_t x = int_at(p + row * ld + word);                                 \
        a += multiply_bytes(w0, x);                                                    \
        b += multiply_bytes(w1, x);                                                    \
    } while (0)
#include "core/model/tile.inc"

static const pf_tile_set plain = {.name = "plain",
                                  .rows_max = {4, 4, 4},
                                  .is_fast = {true, false, false},
                                  .multiply = {plain_f32, plain_i16, plain_i8}};

#if defined(__x86_64__) && defined(__GNUC__)

/* ---- x86-64 ---- */

#include <immintrin.h>

typedef float eight_floats __attribute__((vector_size(32), may_alias));
typedef int32_t eight_ints __attribute__((vector_size(32), may_alias));
typedef float sixteen_floats __attribute__((vector_size(64), may_alias));
typedef int32_t sixteen_ints __attribute__((vector_size(64), may_alias));

/* What a step reads lies somewhere in here: more than three rows are. Of an array
 * without a size clang takes no operand, and of each row's own word gcc computes the
 * address, which costs registers. */
typedef char reached[1 << 30];

#define ROW_0 "(%[at])"
#define ROW_1 "(%[at],%[step])"
#define ROW_2 "(%[at],%[step],2)"

/* all = the word in all lanes; a += w0 all; b += w1 all, with one instruction each. */
#define STEP(type, load, multiply, a, b, p, row, word)                                 \
    do {                                                                               \
        type every;                                                                    \
        __asm__(load " " #word ROW_##row ", %[all]\n\t" multiply                       \
                                         " %[w0], %[all], %[sum0]\n\t" multiply        \
                                         " %[w1], %[all], %[sum1]"                     \
                : [sum0] "+v"(a), [sum1] "+v"(b), [all] "=&v"(every)                   \
                : [w0] "v"(w0), [w1] "v"(w1), [at] "r"(p), [step] "r"(ld),             \
                  "m"(*(const reached *)p));                                           \
    } while (0)

/* The same without an instruction that multiplies pairs and adds: two, and a register
 * between them. */
#define STEP_PAIRS(type, a, b, p, row, word)                                           \
    do {                                                                               \
        type every, product;                                                           \
        __asm__("vpbroadcastd " #word ROW_##row                                        \
                ", %[all]\n\t"                                                         \
                "vpmaddwd %[w0], %[all], %[product]\n\t"                               \
                "vpaddd %[product], %[sum0], %[sum0]\n\t"                              \
                "vpmaddwd %[w1], %[all], %[all]\n\t"                                   \
                "vpaddd %[all], %[sum1], %[sum1]"                                      \
                : [sum0] "+v"(a), [sum1] "+v"(b), [all] "=&v"(every),                  \
                  [product] "=&v"(product)                                             \
                : [w0] "v"(w0), [w1] "v"(w1), [at] "r"(p), [step] "r"(ld),             \
                  "m"(*(const reached *)p));                                           \
    } while (0)

/* ---- AVX2 ---- */

#define AVX2 __attribute__((target("avx2,fma")))

#define TILE avx2_f32
#define TILE_ROWS 6
#define TILE_BYTES 32
#define TILE_TARGET AVX2
#define TILE_VECTOR eight_floats
#define TILE_INTEGER 0
#define TILE_MULTIPLY(a, b, p, row, word)                                              \
    STEP(eight_floats, "vbroadcastss", "vfmadd231ps", a, b, p, row, word)
#include "core/model/tile.inc"

#define TILE avx2_i16
#define TILE_ROWS 6
#define TILE_BYTES 32
#define TILE_TARGET AVX2
#define TILE_VECTOR eight_ints
#define TILE_INTEGER 1
#define TILE_MULTIPLY(a, b, p, row, word) STEP_PAIRS(eight_ints, a, b, p, row, word)
#include "core/model/tile.inc"

/* Bytes become pairs of int16, the even ones and the odd ones: the instruction that
 * multiplies bytes would cut the sum of two products to 16 bits. */
#define STEP_BYTES(a, b, p, row, word)                                                 \
    do {                                                                               \
        const __m256i every = _mm256_set1_epi32(int_at(p + row * ld + word));          \
        a = (eight_ints)add_bytes((__m256i)a, (__m256i)w0, every);                     \
        b = (eight_ints)add_bytes((__m256i)b, (__m256i)w1, every);                     \
    } while (0)

AVX2 static inline __m256i add_bytes(__m256i sum, __m256i w, __m256i x)
{
    const __m256i even =
        _mm256_madd_epi16(_mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8),
                          _mm256_srli_epi16(_mm256_slli_epi16(x, 8), 8));
    const __m256i odd =
        _mm256_madd_epi16(_mm256_srai_epi16(w, 8), _mm256_srli_epi16(x, 8));
    return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}

#define TILE avx2_i8
#define TILE_ROWS 6
#define TILE_BYTES 32
#define TILE_TARGET AVX2
#define TILE_VECTOR eight_ints
#define TILE_INTEGER 1
#define TILE_MULTIPLY(a, b, p, row, word) STEP_BYTES(a, b, p, row, word)
#include "core/model/tile.inc"

static const pf_tile_set avx2 = {.name = "avx2",
                                 .rows_max = {6, 6, 6},
                                 .is_fast = {true, true, false},
                                 .multiply = {avx2_f32, avx2_i16, avx2_i8}};

/* ---- AVX-512, and with its instructions for neural networks ---- */

#define AVX512 __attribute__((target("avx512f,avx512bw")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

#define TILE avx512_f32
#define TILE_ROWS 12
#define TILE_BYTES 64
#define TILE_TARGET AVX512
#define TILE_VECTOR sixteen_floats
#define TILE_INTEGER 0
#define TILE_MULTIPLY(a, b, p, row, word)                                              \
    STEP(sixteen_floats, "vbroadcastss", "vfmadd231ps", a, b, p, row, word)
#include "core/model/tile.inc"

#define TILE avx512_i16
#define TILE_ROWS 12
#define TILE_BYTES 64
#define TILE_TARGET AVX512
#define TILE_VECTOR sixteen_ints
#define TILE_INTEGER 1
#define TILE_MULTIPLY(a, b, p, row, word) STEP_PAIRS(sixteen_ints, a, b, p, row, word)
#include "core/model/tile.inc"

#define TILE vnni_i16
#define TILE_ROWS 12
#define TILE_BYTES 64
#define TILE_TARGET VNNI
#define TILE_VECTOR sixteen_ints
#define TILE_INTEGER 1
#define TILE_MULTIPLY(a, b, p, row, word)                                              \
    STEP(sixteen_ints, "vpbroadcastd", "vpdpwssd", a, b, p, row, word)
#include "core/model/tile.inc"

#define TILE vnni_i8
#define TILE_ROWS 12
#define TILE_BYTES 64
#define TILE_TARGET VNNI
#define TILE_VECTOR sixteen_ints
#define TILE_INTEGER 1
#define TILE_MULTIPLY(a, b, p, row, word)                                              \
    STEP(sixteen_ints, "vpbroadcastd", "vpdpbusd", a, b, p, row, word)
#include "core/model/tile.inc"

static const pf_tile_set avx512 = {.name = "avx512",
                                   .rows_max = {12, 12, 6},
                                   .is_fast = {true, true, false},
                                   .multiply = {avx512_f32, avx512_i16, avx2_i8}};
static const pf_tile_set vnni = {.name = "avx512-vnni",
                                 .rows_max = {12, 12, 12},
                                 .is_fast = {true, true, true},
                                 .multiply = {avx512_f32, vnni_i16, vnni_i8}};

/* ---- which ---- */

static bool is_here(const pf_tile_set *set)
{
    const bool wide =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    if (set == &vnni)
        return wide && __builtin_cpu_supports("avx512vnni");
    if (set == &avx512)
        return wide;
    return set == &plain ||
           (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
}

static const pf_tile_set *const sets[] = {&vnni, &avx512, &avx2, &plain};

#else

static bool is_here(const pf_tile_set *set)
{
    return set == &plain;
}

static const pf_tile_set *const sets[] = {&plain};

#endif

const pf_tile_set *pf_tile_set_at(size_t i)
{
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        if (is_here(sets[k]) && i-- == 0)
            return sets[k];
    }
    return NULL;
}

const pf_tile_set *pf_tile_set_find(const char *name)
{
    const pf_tile_set *set;
    for (size_t i = 0; (set = pf_tile_set_at(i)); i++) {
        if (!name || strcmp(name, set->name) == 0)
            return set;
    }
    return NULL;
}
