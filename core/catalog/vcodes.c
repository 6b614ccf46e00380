/*
 * vcodes.c - see vcodes.h.
 *
 * With c[i] for a code and v'[i] = low[i] + width[i] (c[i] + 1/2) / 255,
 *
 *     q v'  =  sum of q[i] (low[i] + width[i] / 510)  +  sum of w[i] c[i],
 *     w[i]  =  q[i] width[i] / 255.
 *
 * The first sum is one number for each query. In the second, w is rounded to 16 bits,
 * so that it is a sum of integers, the same on every machine; what rounding may do to
 * it is a bound over all codes (`noise`). Two products of 8 bits (VNNI) make one of
 * 16: w = 256 high + low.
 */
#include "core/catalog/vcodes.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/mem.h"

enum {
    STEPS = 255,
    LINE = 64, /* codes that a kernel takes in one step: weights end in zeros */
    WEIGHT_MAX = 127 * 256 + 127, /* high and low fit eight bits each */
};

struct pf_vcodes_query {
    size_t dim;
    double base, unit;
    float noise, length;
    int16_t *weights;   /* [dim, filled up] */
    int8_t *high, *low; /* likewise: weights[i] = 256 high[i] + low[i] */
};

/* ---- codes ----------------------------------------------------------------------- */

void pf_vcodes_widen(float *low, float *high, const float *vector, size_t dim,
                     bool is_first)
{
    for (size_t i = 0; i < dim; i++) {
        low[i] = is_first || vector[i] < low[i] ? vector[i] : low[i];
        high[i] = is_first || vector[i] > high[i] ? vector[i] : high[i];
    }
}

void pf_vcodes_make(const pf_vcodes *c, const float *vector, uint8_t *codes)
{
    for (size_t i = 0; i < c->dim; i++) {
        float place =
            c->width[i] > 0 ? (vector[i] - c->low[i]) / c->width[i] * STEPS : 0;
        place = place > 0 ? place : 0;
        codes[i] = (uint8_t)(place < STEPS ? place : STEPS);
    }
}

static double meaning(const pf_vcodes *c, size_t i, uint8_t code)
{
    return c->low[i] + (double)c->width[i] * (code + 0.5) / STEPS;
}

float pf_vcodes_error(const pf_vcodes *c, const float *vector, const uint8_t *codes)
{
    double sum = 0;
    for (size_t i = 0; i < c->dim; i++) {
        const double off = (double)vector[i] - meaning(c, i, codes[i]);
        sum += off * off;
    }
    return nextafterf((float)sqrt(sum), INFINITY);
}

/* ---- queries --------------------------------------------------------------------- */

static size_t filled_up(size_t dim)
{
    return (dim + LINE - 1) / LINE * LINE;
}

static double weight_of(const pf_vcodes *c, const float *query, size_t i)
{
    return (double)query[i] * (double)c->width[i] / STEPS;
}

/* Every code is within 127.5 of 127.5: the middle goes into the base, and what is left
 * is how far rounding may lead astray. */
static void round_weights(pf_vcodes_query *q, const pf_vcodes *c, const float *query)
{
    double most = 0, base = 0, noise = 0, square = 0;
    for (size_t i = 0; i < c->dim; i++)
        most = fmax(most, fabs(weight_of(c, query, i)));
    const double unit = most > 0 ? most / WEIGHT_MAX : 1;
    for (size_t i = 0; i < c->dim; i++) {
        const double w = weight_of(c, query, i);
        const long weight = lrint(w / unit);
        const double left = w - (double)weight * unit;
        q->weights[i] = (int16_t)weight;
        q->low[i] = (int8_t)(weight & 0xff);
        q->high[i] = (int8_t)((weight - q->low[i]) / 256);
        base += (double)query[i] * meaning(c, i, 0) + left * 127.5;
        noise += fabs(left) * 127.5;
        square += (double)query[i] * (double)query[i];
    }
    q->base = base;
    q->unit = unit;
    q->noise = (float)(noise + 1e-6); /* a product is a float of 1 at most */
    q->length = nextafterf((float)sqrt(square), INFINITY);
}

pf_vcodes_query *pf_vcodes_prepare(const pf_vcodes *c, const float *query, pf_err *err)
{
    const size_t room = filled_up(c->dim), head = filled_up(sizeof(pf_vcodes_query));
    uint8_t *memory = pf_zalloc(head + 4 * room, err);
    if (!memory)
        return NULL;
    pf_vcodes_query *q = (pf_vcodes_query *)(void *)memory;
    *q = (pf_vcodes_query){.dim = c->dim,
                           .weights = (int16_t *)(void *)(memory + head),
                           .high = (int8_t *)memory + head + 2 * room,
                           .low = (int8_t *)memory + head + 3 * room};
    round_weights(q, c, query);
    return q;
}

float pf_vcodes_noise(const pf_vcodes_query *q)
{
    return q->noise;
}

float pf_vcodes_length(const pf_vcodes_query *q)
{
    return q->length;
}

/* ---- products -------------------------------------------------------------------- */

static float product_of(const pf_vcodes_query *q, int64_t sum)
{
    return (float)(q->base + q->unit * (double)sum);
}

typedef void products_fn(const pf_vcodes_query *q, const uint8_t *codes, size_t n,
                         float *products);

static void plain_products(const pf_vcodes_query *q, const uint8_t *codes, size_t n,
                           float *products)
{
    enum { PART = 128 }; /* whose sum fits 32 bits */
    for (size_t v = 0; v < n; v++, codes += q->dim) {
        int64_t sum = 0;
        for (size_t first = 0; first < q->dim; first += PART) {
            const size_t end = first + PART < q->dim ? first + PART : q->dim;
            int32_t part = 0;
            for (size_t i = first; i < end; i++)
                part += q->weights[i] * codes[i];
            sum += part;
        }
        products[v] = product_of(q, sum);
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

AVX2 static inline int64_t sum_of_eight(__m256i v)
{
    int32_t lane[8];
    int64_t sum = 0;
    _mm256_storeu_si256((__m256i *)(void *)lane, v);
    for (int i = 0; i < 8; i++)
        sum += lane[i];
    return sum;
}

/* A sum in a lane grows by 2 * 255 * WEIGHT_MAX at most: after 64 steps it is moved. */
AVX2 static void avx2_products(const pf_vcodes_query *q, const uint8_t *codes, size_t n,
                               float *products)
{
    enum { STEP = 16, MOVE = 64 * STEP };
    const size_t whole = q->dim / STEP * STEP;
    for (size_t v = 0; v < n; v++, codes += q->dim) {
        int64_t sum = 0;
        for (size_t first = 0; first < whole; first += MOVE) {
            const size_t end = first + MOVE < whole ? first + MOVE : whole;
            __m256i part = _mm256_setzero_si256();
            for (size_t i = first; i < end; i += STEP) {
                const __m256i c = _mm256_cvtepu8_epi16(
                    _mm_loadu_si128((const __m128i *)(const void *)(codes + i)));
                const __m256i w =
                    _mm256_loadu_si256((const __m256i *)(const void *)(q->weights + i));
                part = _mm256_add_epi32(part, _mm256_madd_epi16(c, w));
            }
            sum += sum_of_eight(part);
        }
        for (size_t i = whole; i < q->dim; i++)
            sum += q->weights[i] * codes[i];
        products[v] = product_of(q, sum);
    }
}

/* A lane grows by 4 * 255 * 128 at most, which fits for all dims there are. */
VNNI static void vnni_products(const pf_vcodes_query *q, const uint8_t *codes, size_t n,
                               float *products)
{
    const size_t whole = q->dim / LINE * LINE;
    const __mmask64 rest = (1ull << (q->dim - whole)) - 1;
    for (size_t v = 0; v < n; v++, codes += q->dim) {
        __m512i high = _mm512_setzero_si512(), low = _mm512_setzero_si512();
        for (size_t i = 0; i < whole; i += LINE) {
            const __m512i c = _mm512_loadu_si512(codes + i);
            high = _mm512_dpbusd_epi32(high, c, _mm512_loadu_si512(q->high + i));
            low = _mm512_dpbusd_epi32(low, c, _mm512_loadu_si512(q->low + i));
        }
        if (rest) {
            const __m512i c = _mm512_maskz_loadu_epi8(rest, codes + whole);
            high = _mm512_dpbusd_epi32(high, c, _mm512_loadu_si512(q->high + whole));
            low = _mm512_dpbusd_epi32(low, c, _mm512_loadu_si512(q->low + whole));
        }
        products[v] = product_of(q, 256 * (int64_t)_mm512_reduce_add_epi32(high) +
                                        _mm512_reduce_add_epi32(low));
    }
}

static bool has_vnni(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#endif

/* ---- which instructions ---------------------------------------------------------- */

static bool has_always(void)
{
    return true;
}

static const struct {
    const char *name;
    bool (*is_there)(void);
    products_fn *products;
} kernels[] = {
#if defined(__x86_64__) && defined(__GNUC__)
    {"vnni", has_vnni, vnni_products},
    {"avx2", has_avx2, avx2_products},
#endif
    {"plain", has_always, plain_products},
};

enum { KERNELS = sizeof kernels / sizeof *kernels };

static products_fn *find_kernel(const char *name)
{
    for (size_t i = 0; i < KERNELS; i++) {
        if ((!name || strcmp(name, kernels[i].name) == 0) && kernels[i].is_there())
            return kernels[i].products;
    }
    return NULL;
}

static _Atomic(products_fn *) chosen; /* NULL: not looked for yet */

bool pf_vcodes_use(const char *name)
{
    products_fn *found = find_kernel(name);
    if (found)
        atomic_store(&chosen, found);
    return found != NULL;
}

void pf_vcodes_products(const pf_vcodes_query *q, const uint8_t *codes, size_t n,
                        float *products)
{
    products_fn *use = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!use) {
        use = find_kernel(NULL);
        atomic_store_explicit(&chosen, use, memory_order_relaxed);
    }
    use(q, codes, n, products);
}
