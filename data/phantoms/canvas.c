/*
 * canvas.c - see canvas.h. Coverage is accumulated as signed areas per pixel and summed
 * along each row, which costs time in proportion to the outline, not to the area.
 */
#include "data/phantoms/canvas.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"

enum { POINTS_MAX = 1024, CURVE_STEPS = 6 };

typedef struct {
    int n;
    float x[POINTS_MAX], y[POINTS_MAX];
} outline;

/* --- random numbers ------------------------------------------------------------------
 */

/* SplitMix64 (Steele, Lea, Flood 2014): a counter behind a mixing function. */
static uint64_t mix64(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

ph_rng ph_rng_of(uint64_t seed, uint64_t stream)
{
    return (ph_rng){mix64(mix64(seed + 0x9E3779B97F4A7C15u) + stream)};
}

uint32_t ph_rng_u32(ph_rng *r)
{
    r->state += 0x9E3779B97F4A7C15u;
    return (uint32_t)(mix64(r->state) >> 32);
}

uint64_t ph_rng_u64(ph_rng *r)
{
    r->state += 0x9E3779B97F4A7C15u;
    return mix64(r->state);
}

float ph_uniform(ph_rng *r, float low, float high)
{
    return low + (high - low) * ((float)(ph_rng_u32(r) >> 8) * (1.0f / 16777216.0f));
}

float ph_spread(ph_rng *r, float amount)
{
    float a = ph_uniform(r, -0.5f, 0.5f);
    return amount * (a + ph_uniform(r, -0.5f, 0.5f));
}

int ph_pick(ph_rng *r, int n)
{
    return (int)(((uint64_t)ph_rng_u32(r) * (uint64_t)n) >> 32);
}

bool ph_chance(ph_rng *r, float p)
{
    return ph_uniform(r, 0, 1) < p;
}

/* --- elementary functions, the same bits everywhere ----------------------------------
 */

/* Bhaskara-like parabola with one correction: error below 0.0011. */
float ph_sin(float x)
{
    const float turns = x * 0.15915494f;
    float t = turns - (float)(int)turns;
    if (t > 0.5f)
        t -= 1;
    if (t < -0.5f)
        t += 1;
    const float y = 8 * t - 16 * t * (t < 0 ? -t : t);
    return 0.225f * (y * (y < 0 ? -y : y) - y) + y;
}

float ph_cos(float x)
{
    return ph_sin(x + 1.57079633f);
}

/* (1 + x/256)^256 by eight squarings; good to 1 % for |x| < 2, which is all we ask. */
float ph_exp(float x)
{
    float y = 1 + ph_clamp(x, -12, 12) / 256;
    for (int i = 0; i < 8; i++)
        y *= y;
    return y;
}

float ph_root(float x)
{
    return x > 0 ? sqrtf(x) : 0;
}

float ph_clamp(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

float ph_mix(float a, float b, float t)
{
    return a + (b - a) * t;
}

/* --- the canvas ------------------------------------------------------------------ */

ph_canvas *ph_canvas_new(int size, pf_err *err)
{
    ph_canvas *c = pf_zalloc(sizeof *c, err);
    if (!c)
        return NULL;
    c->size = size;
    const size_t n = (size_t)size * (size_t)size, more = (size_t)size + 2;
    c->px = pf_alloc_floats(n, err);
    c->temp = c->px ? pf_alloc_floats(more * more, err) : NULL;
    bool ok = c->temp != NULL;
    for (int i = 0; ok && i < PH_MASKS; i++) {
        c->mask[i].a = pf_alloc_floats(n, err);
        ok = c->mask[i].a != NULL;
    }
    if (!ok) {
        ph_canvas_free(c);
        return NULL;
    }
    return c;
}

void ph_canvas_free(ph_canvas *c)
{
    if (!c)
        return;
    for (int i = 0; i < PH_MASKS; i++)
        pf_free(c->mask[i].a);
    pf_free(c->temp);
    pf_free(c->px);
    pf_free(c);
}

static void clear_mask(ph_canvas *c, ph_mask *m)
{
    for (int y = m->y0; y < m->y1; y++)
        memset(m->a + (size_t)y * (size_t)c->size + m->x0, 0,
               (size_t)(m->x1 - m->x0) * sizeof(float));
    m->x0 = m->y0 = m->x1 = m->y1 = 0;
}

void ph_canvas_begin(ph_canvas *c, float value)
{
    for (size_t i = 0; i < (size_t)c->size * (size_t)c->size; i++)
        c->px[i] = value;
    for (int i = 0; i < PH_MASKS; i++)
        clear_mask(c, &c->mask[i]);
    c->mirror = 1;
    memset(c->warp, 0, sizeof c->warp);
    ph_place(c, 1, 0, 0, 0);
}

void ph_place(ph_canvas *c, float scale, float degrees, float move_x, float move_y)
{
    const float a = degrees * 0.0174532925f;
    c->scale = scale;
    c->turn_cos = ph_cos(a);
    c->turn_sin = ph_sin(a);
    c->move_x = move_x;
    c->move_y = move_y;
}

void ph_place_roughly(ph_canvas *c, ph_rng *r, float scale_low, float scale_high,
                      float degrees, float x, float y)
{
    const float scale = ph_uniform(r, scale_low, scale_high);
    const float turn = ph_spread(r, degrees);
    const float move_x = ph_spread(r, x);
    ph_place(c, scale, turn, move_x, ph_spread(r, y));
}

void ph_warp(ph_canvas *c, ph_rng *r, float amount)
{
    c->warp[0] = amount * ph_uniform(r, 0.4f, 1);
    c->warp[1] = amount * ph_uniform(r, 0.4f, 1);
    for (int i = 2; i < 4; i++)
        c->warp[i] = ph_uniform(r, 1.5f, 3.2f);
    for (int i = 4; i < 8; i++)
        c->warp[i] = ph_uniform(r, 0, 6.28f);
}

static void to_pixels(const ph_canvas *c, float x, float y, float *px, float *py)
{
    x *= c->mirror;
    const float *w = c->warp;
    const float wx = x + w[0] * ph_sin(w[2] * y + w[4] + 0.6f * ph_sin(2 * x + w[5]));
    const float wy = y + w[1] * ph_sin(w[3] * x + w[6] + 0.6f * ph_sin(2 * y + w[7]));
    const float tx = c->turn_cos * wx - c->turn_sin * wy;
    const float ty = c->turn_sin * wx + c->turn_cos * wy;
    const float half = 0.5f * (float)c->size;
    *px = (tx * c->scale + c->move_x + 1) * half;
    *py = (ty * c->scale + c->move_y + 1) * half;
}

/* --- rasterising ------------------------------------------------------------------ */

/* One edge piece within one row: `d` is the signed height it covers. */
static void cover_row(float *acc, float xa, float xb, float d)
{
    if (xa > xb) {
        const float t = xa;
        xa = xb;
        xb = t;
    }
    const int i = (int)xa;
    int j = (int)xb;
    if ((float)j < xb)
        j++;
    if (j <= i + 1) {
        const float part = 0.5f * (xa + xb) - (float)i;
        acc[i] += d - d * part;
        acc[i + 1] += d * part;
        return;
    }
    const float s = 1 / (xb - xa), f = xa - (float)i, g = xb - (float)(j - 1);
    const float first = 0.5f * s * (1 - f) * (1 - f), last = 0.5f * s * g * g;
    acc[i] += d * first;
    if (j == i + 2) {
        acc[i + 1] += d * (1 - first - last);
    } else {
        const float second = s * (1.5f - f);
        acc[i + 1] += d * (second - first);
        for (int k = i + 2; k < j - 1; k++)
            acc[k] += d * s;
        const float before = second + (float)(j - i - 3) * s;
        acc[j - 1] += d * (1 - before - last);
    }
    acc[j] += d * last;
}

static void cover_edge(float *acc, int size, float x0, float y0, float x1, float y1)
{
    if (y0 == y1)
        return;
    const float dir = y0 < y1 ? 1 : -1;
    if (y0 > y1) {
        float t = y0;
        y0 = y1;
        y1 = t;
        t = x0;
        x0 = x1;
        x1 = t;
    }
    const float slope = (x1 - x0) / (y1 - y0), limit = (float)size;
    float x = x0;
    if (y0 < 0) {
        x -= y0 * slope;
        y0 = 0;
    }
    if (y1 > limit)
        y1 = limit;
    for (int y = (int)y0; y < size && (float)y < y1; y++) {
        const float top = y0 > (float)y ? y0 : (float)y;
        const float end = y1 < (float)(y + 1) ? y1 : (float)(y + 1);
        const float next = x + slope * (end - top);
        cover_row(acc + (size_t)y * (size_t)(size + 2), ph_clamp(x, 0, limit),
                  ph_clamp(next, 0, limit), dir * (end - top));
        x = next;
    }
}

static void rasterise(ph_canvas *c, int index, const outline *o)
{
    ph_mask *m = &c->mask[index];
    clear_mask(c, m);
    if (o->n < 3)
        return;
    const float limit = (float)c->size;
    float lx = limit, ly = limit, hx = 0, hy = 0;
    for (int i = 0; i < o->n; i++) {
        lx = o->x[i] < lx ? o->x[i] : lx;
        hx = o->x[i] > hx ? o->x[i] : hx;
        ly = o->y[i] < ly ? o->y[i] : ly;
        hy = o->y[i] > hy ? o->y[i] : hy;
    }
    m->x0 = (int)ph_clamp(lx, 0, limit);
    m->y0 = (int)ph_clamp(ly, 0, limit);
    m->x1 = (int)ph_clamp(hx + 2, 0, limit);
    m->y1 = (int)ph_clamp(hy + 2, 0, limit);
    const size_t stride = (size_t)c->size + 2;
    for (int y = m->y0; y < m->y1; y++)
        memset(c->temp + (size_t)y * stride, 0, stride * sizeof(float));
    for (int i = 0; i < o->n; i++) {
        const int j = i + 1 < o->n ? i + 1 : 0;
        cover_edge(c->temp, c->size, o->x[i], o->y[i], o->x[j], o->y[j]);
    }
    for (int y = m->y0; y < m->y1; y++) {
        const float *acc = c->temp + (size_t)y * stride;
        float *row = m->a + (size_t)y * (size_t)c->size;
        float sum = 0;
        for (int x = 0; x < m->x1; x++) {
            sum += acc[x];
            const float a = sum < 0 ? -sum : sum;
            if (x >= m->x0)
                row[x] = a > 1 ? 1 : a;
        }
    }
}

/* --- outlines --------------------------------------------------------------------- */

static void put(const ph_canvas *c, outline *o, float x, float y)
{
    if (o->n < POINTS_MAX) {
        to_pixels(c, x, y, &o->x[o->n], &o->y[o->n]);
        o->n++;
    }
}

/* Catmull-Rom between b and c, with neighbours a and d. */
static float curve(float a, float b, float c, float d, float t)
{
    return b +
           0.5f * t *
               (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

void ph_area(ph_canvas *c, int m, const float *pts, int n)
{
    outline o = {.n = 0};
    for (int i = 0; i < n; i++) {
        const float *a = pts + 2 * ((i + n - 1) % n), *b = pts + 2 * i;
        const float *d = pts + 2 * ((i + 1) % n), *e = pts + 2 * ((i + 2) % n);
        for (int k = 0; k < CURVE_STEPS; k++) {
            const float t = (float)k / CURVE_STEPS;
            put(c, &o, curve(a[0], b[0], d[0], e[0], t),
                curve(a[1], b[1], d[1], e[1], t));
        }
    }
    rasterise(c, m, &o);
}

void ph_polygon(ph_canvas *c, int m, const float *pts, int n)
{
    outline o = {.n = 0};
    for (int i = 0; i < n; i++)
        put(c, &o, pts[2 * i], pts[2 * i + 1]);
    rasterise(c, m, &o);
}

void ph_ellipse(ph_canvas *c, int m, float x, float y, float rx, float ry,
                float degrees)
{
    outline o = {.n = 0};
    const float cs = ph_cos(degrees * 0.0174532925f);
    const float sn = ph_sin(degrees * 0.0174532925f);
    for (int i = 0; i < 40; i++) {
        const float t = (float)i * (6.2831853f / 40);
        const float ex = rx * ph_cos(t), ey = ry * ph_sin(t);
        put(c, &o, x + cs * ex - sn * ey, y + sn * ex + cs * ey);
    }
    rasterise(c, m, &o);
}

void ph_blob(ph_canvas *c, int m, ph_rng *r, float x, float y, float rx, float ry,
             float rough)
{
    outline o = {.n = 0};
    float phase[4];
    for (int k = 0; k < 4; k++)
        phase[k] = ph_uniform(r, 0, 6.28f);
    for (int i = 0; i < 56; i++) {
        const float t = (float)i * (6.2831853f / 56);
        float d = 1;
        for (int k = 0; k < 4; k++)
            d += rough * (0.22f / (float)(k + 1)) *
                 ph_sin((float)(k + 2) * t + phase[k]);
        put(c, &o, x + d * rx * ph_cos(t), y + d * ry * ph_sin(t));
    }
    rasterise(c, m, &o);
}

void ph_line(ph_canvas *c, int m, const float *pts, int n, float w0, float w1)
{
    enum { MID_MAX = 240 };
    float mx[MID_MAX], my[MID_MAX];
    int count = 0;
    for (int i = 0; i + 1 < n; i++) {
        const float *b = pts + 2 * i, *d = b + 2;
        const float *a = i > 0 ? b - 2 : b, *e = i + 2 < n ? d + 2 : d;
        for (int k = 0; k < CURVE_STEPS + (i + 2 == n) && count < MID_MAX; k++) {
            const float t = (float)k / CURVE_STEPS;
            mx[count] = curve(a[0], b[0], d[0], e[0], t);
            my[count++] = curve(a[1], b[1], d[1], e[1], t);
        }
    }
    outline o = {.n = 0};
    for (int side = 1; side >= -1; side -= 2)
        for (int k = 0; k < count; k++) {
            const int i = side > 0 ? k : count - 1 - k;
            const int p = i > 0 ? i - 1 : 0, q = i + 1 < count ? i + 1 : i;
            const float dx = mx[q] - mx[p], dy = my[q] - my[p];
            const float len = sqrtf(dx * dx + dy * dy) + 1e-6f;
            const float t = (float)i / (float)(count > 1 ? count - 1 : 1);
            const float h = 0.5f * ph_mix(w0, w1, t) * (float)side / len;
            put(c, &o, mx[i] - dy * h, my[i] + dx * h);
        }
    rasterise(c, m, &o);
}

void ph_box(ph_canvas *c, int m, float x, float y, float rx, float ry, float degrees,
            float round)
{
    outline o = {.n = 0};
    const float cs = ph_cos(degrees * 0.0174532925f);
    const float sn = ph_sin(degrees * 0.0174532925f);
    for (int i = 0; i < 32; i++) {
        const float t = ((float)(i % 8) / 7 + (float)(i / 8)) * 1.57079633f;
        const float sx = i / 8 == 0 || i / 8 == 3 ? 1.0f : -1.0f;
        const float sy = i / 8 < 2 ? 1.0f : -1.0f;
        const float ex = sx * (rx - round) + round * ph_cos(t);
        const float ey = sy * (ry - round) + round * ph_sin(t);
        put(c, &o, x + cs * ex - sn * ey, y + sn * ex + cs * ey);
    }
    rasterise(c, m, &o);
}

/* --- softening -------------------------------------------------------------------- */

/* One box filter of (fractional) half-width along rows, from src to dst, columns
 * [x0, x1); outside counts as the given edge behaviour: zero. */
static void box_row(const float *src, float *dst, int x0, int x1, int whole, float part,
                    float norm)
{
    float sum = 0;
    for (int x = x0; x < x0 + whole && x < x1; x++)
        sum += src[x];
    for (int x = x0; x < x1; x++) {
        const int in = x + whole, out = x - whole - 1;
        if (in < x1)
            sum += src[in];
        if (out >= x0)
            sum -= src[out];
        float edge = 0;
        if (in + 1 < x1)
            edge += src[in + 1];
        if (out >= x0)
            edge += src[out];
        dst[x] = (sum + part * edge) * norm;
    }
}

/* The same along columns, a row of running sums at a time. */
static void box_columns(const float *src, float *dst, float *sum, size_t stride, int x0,
                        int x1, int y0, int y1, int whole, float part, float norm)
{
    for (int x = x0; x < x1; x++)
        sum[x] = 0;
    for (int y = y0; y < y0 + whole && y < y1; y++)
        for (int x = x0; x < x1; x++)
            sum[x] += src[(size_t)y * stride + (size_t)x];
    for (int y = y0; y < y1; y++) {
        const int in = y + whole, out = y - whole - 1;
        const float *a = in < y1 ? src + (size_t)in * stride : NULL;
        const float *b = out >= y0 ? src + (size_t)out * stride : NULL;
        const float *e = in + 1 < y1 ? src + (size_t)(in + 1) * stride : NULL;
        float *to = dst + (size_t)y * stride;
        for (int x = x0; x < x1; x++) {
            float s = sum[x];
            if (a)
                s += a[x];
            if (b)
                s -= b[x];
            sum[x] = s;
            to[x] = (s + part * ((e ? e[x] : 0) + (b ? b[x] : 0))) * norm;
        }
    }
}

/* Three box filters each way are close to a Gaussian of `sigma` pixels: variance of a
 * box of width w is (w^2 - 1) / 12. */
static void blur_region(ph_canvas *c, float *a, int x0, int y0, int x1, int y1,
                        float sigma)
{
    const float width = sqrtf(4 * sigma * sigma + 1);
    const int whole = (int)((width - 1) / 2);
    const float part = (width - 1) / 2 - (float)whole, norm = 1 / width;
    const size_t stride = (size_t)c->size;
    float *t = c->temp, *sums = c->temp + stride * stride;
    for (int y = y0; y < y1; y++) {
        float *row = a + (size_t)y * stride, *other = t + (size_t)y * stride;
        box_row(row, other, x0, x1, whole, part, norm);
        box_row(other, row, x0, x1, whole, part, norm);
        box_row(row, other, x0, x1, whole, part, norm);
    }
    box_columns(t, a, sums, stride, x0, x1, y0, y1, whole, part, norm);
    box_columns(a, t, sums, stride, x0, x1, y0, y1, whole, part, norm);
    box_columns(t, a, sums, stride, x0, x1, y0, y1, whole, part, norm);
}

void ph_soften(ph_canvas *c, int index, float sigma)
{
    ph_mask *m = &c->mask[index];
    const float s = sigma * c->scale * 0.5f * (float)c->size;
    if (s < 0.2f || m->x0 >= m->x1)
        return;
    const int grow = (int)(3 * s) + 1;
    m->x0 = m->x0 > grow ? m->x0 - grow : 0;
    m->y0 = m->y0 > grow ? m->y0 - grow : 0;
    m->x1 = m->x1 + grow < c->size ? m->x1 + grow : c->size;
    m->y1 = m->y1 + grow < c->size ? m->y1 + grow : c->size;
    blur_region(c, m->a, m->x0, m->y0, m->x1, m->y1, s);
}

void ph_blur_all(ph_canvas *c, float sigma)
{
    const float s = sigma * 0.5f * (float)c->size;
    if (s >= 0.2f)
        blur_region(c, c->px, 0, 0, c->size, c->size, s);
}

/* --- masks with masks ----------------------------------------------------------------
 */

void ph_copy(ph_canvas *c, int to, int from)
{
    ph_mask *t = &c->mask[to];
    const ph_mask *f = &c->mask[from];
    clear_mask(c, t);
    t->x0 = f->x0;
    t->y0 = f->y0;
    t->x1 = f->x1;
    t->y1 = f->y1;
    for (int y = f->y0; y < f->y1; y++) {
        const size_t at = (size_t)y * (size_t)c->size + (size_t)f->x0;
        memcpy(t->a + at, f->a + at, (size_t)(f->x1 - f->x0) * sizeof(float));
    }
}

typedef enum { OP_CUT, OP_REMOVE, OP_RIM } mask_op;

static void combine(ph_canvas *c, int index, int by, mask_op op)
{
    const ph_mask *m = &c->mask[index], *b = &c->mask[by];
    for (int y = m->y0; y < m->y1; y++) {
        float *row = m->a + (size_t)y * (size_t)c->size;
        const float *other = b->a + (size_t)y * (size_t)c->size;
        for (int x = m->x0; x < m->x1; x++) {
            if (op == OP_CUT)
                row[x] *= other[x];
            else if (op == OP_REMOVE)
                row[x] *= 1 - other[x];
            else
                row[x] = other[x] > row[x] ? 2 * (other[x] - row[x]) * other[x] : 0;
        }
    }
}

void ph_cut(ph_canvas *c, int m, int by)
{
    combine(c, m, by, OP_CUT);
}

void ph_remove(ph_canvas *c, int m, int by)
{
    combine(c, m, by, OP_REMOVE);
}

void ph_join(ph_canvas *c, int index, int with)
{
    ph_mask *m = &c->mask[index];
    const ph_mask *w = &c->mask[with];
    if (w->x0 >= w->x1)
        return;
    if (m->x0 >= m->x1) {
        ph_copy(c, index, with);
        return;
    }
    m->x0 = w->x0 < m->x0 ? w->x0 : m->x0;
    m->y0 = w->y0 < m->y0 ? w->y0 : m->y0;
    m->x1 = w->x1 > m->x1 ? w->x1 : m->x1;
    m->y1 = w->y1 > m->y1 ? w->y1 : m->y1;
    for (int y = w->y0; y < w->y1; y++)
        for (int x = w->x0; x < w->x1; x++) {
            const size_t at = (size_t)y * (size_t)c->size + (size_t)x;
            if (w->a[at] > m->a[at])
                m->a[at] = w->a[at];
        }
}

void ph_rim(ph_canvas *c, int to, int from, float width)
{
    ph_copy(c, to, from);
    ph_soften(c, to, width);
    combine(c, to, from, OP_RIM);
}

/* --- clouds: value noise, three octaves
 * ----------------------------------------------- */

static float lattice(uint32_t seed, int x, int y)
{
    uint32_t h = seed ^ ((uint32_t)x * 0x9E3779B1u) ^ ((uint32_t)y * 0x85EBCA77u);
    h = (h ^ h >> 15) * 0x2C1B3C6Du;
    h = (h ^ h >> 12) * 0x297A2D39u;
    return (float)(h >> 16) * (1.0f / 65536.0f);
}

/* One row of noise in 0..1 added with `weight`: out[x] for pixels [x0, x1). */
static void noise_row(float *out, int x0, int x1, float step, float row_at,
                      uint32_t seed, float weight)
{
    const int gy = (int)row_at;
    float fy = row_at - (float)gy;
    fy = fy * fy * (3 - 2 * fy);
    int cell = -1;
    float a = 0, b = 0;
    for (int x = x0; x < x1; x++) {
        const float at = (float)x * step;
        const int gx = (int)at;
        if (gx != cell) {
            cell = gx;
            a = ph_mix(lattice(seed, gx, gy), lattice(seed, gx, gy + 1), fy);
            b = ph_mix(lattice(seed, gx + 1, gy), lattice(seed, gx + 1, gy + 1), fy);
        }
        float f = at - (float)gx;
        f = f * f * (3 - 2 * f);
        out[x] += weight * ph_mix(a, b, f);
    }
}

static void cloud_row(const ph_canvas *c, float *out, int x0, int x1, int y,
                      float cells, uint32_t seed)
{
    static const float weights[3] = {0.55f, 0.29f, 0.16f};
    for (int x = x0; x < x1; x++)
        out[x] = 0;
    float step = 2 * cells / (float)c->size;
    for (int k = 0; k < 3; k++, step *= 2)
        noise_row(out, x0, x1, step, (float)y * step, seed + (uint32_t)k * 77u,
                  weights[k]);
}

void ph_cloud(ph_canvas *c, int index, ph_rng *r, float cells, float depth)
{
    const ph_mask *m = &c->mask[index];
    const uint32_t seed = ph_rng_u32(r);
    for (int y = m->y0; y < m->y1; y++) {
        float *row = m->a + (size_t)y * (size_t)c->size;
        cloud_row(c, c->temp, m->x0, m->x1, y, cells, seed);
        for (int x = m->x0; x < m->x1; x++)
            row[x] *= 1 - depth * ph_clamp(1.6f * c->temp[x] - 0.3f, 0, 1);
    }
}

void ph_ramp(ph_canvas *c, int index, float x0, float y0, float low, float x1, float y1,
             float high)
{
    const ph_mask *m = &c->mask[index];
    float ax, ay, bx, by;
    to_pixels(c, x0, y0, &ax, &ay);
    to_pixels(c, x1, y1, &bx, &by);
    const float dx = bx - ax, dy = by - ay, len = dx * dx + dy * dy + 1e-6f;
    for (int y = m->y0; y < m->y1; y++) {
        float *row = m->a + (size_t)y * (size_t)c->size;
        for (int x = m->x0; x < m->x1; x++) {
            float t = ((float)x - ax) * dx + ((float)y - ay) * dy;
            t = ph_clamp(t / len, 0, 1);
            row[x] *= ph_mix(low, high, t * t * (3 - 2 * t));
        }
    }
}

/* --- on to the picture
 * ---------------------------------------------------------------- */

void ph_add(ph_canvas *c, int index, float amount)
{
    const ph_mask *m = &c->mask[index];
    for (int y = m->y0; y < m->y1; y++) {
        const float *row = m->a + (size_t)y * (size_t)c->size;
        float *px = c->px + (size_t)y * (size_t)c->size;
        for (int x = m->x0; x < m->x1; x++)
            px[x] += amount * row[x];
    }
}

void ph_paint(ph_canvas *c, int index, float value, float alpha)
{
    const ph_mask *m = &c->mask[index];
    for (int y = m->y0; y < m->y1; y++) {
        const float *row = m->a + (size_t)y * (size_t)c->size;
        float *px = c->px + (size_t)y * (size_t)c->size;
        for (int x = m->x0; x < m->x1; x++)
            px[x] += alpha * row[x] * (value - px[x]);
    }
}

void ph_paint_cloudy(ph_canvas *c, int index, ph_rng *r, float value, float amount,
                     float cells)
{
    const ph_mask *m = &c->mask[index];
    const uint32_t seed = ph_rng_u32(r);
    for (int y = m->y0; y < m->y1; y++) {
        const float *row = m->a + (size_t)y * (size_t)c->size;
        float *px = c->px + (size_t)y * (size_t)c->size;
        cloud_row(c, c->temp, m->x0, m->x1, y, cells, seed);
        for (int x = m->x0; x < m->x1; x++)
            px[x] += row[x] * (value + amount * (2 * c->temp[x] - 1) - px[x]);
    }
}

/* --- finishing ---------------------------------------------------------------------
 */

void ph_add_cloud(ph_canvas *c, ph_rng *r, float cells, float amount)
{
    const uint32_t seed = ph_rng_u32(r);
    for (int y = 0; y < c->size; y++) {
        float *px = c->px + (size_t)y * (size_t)c->size;
        cloud_row(c, c->temp, 0, c->size, y, cells, seed);
        for (int x = 0; x < c->size; x++)
            px[x] += amount * (2 * c->temp[x] - 1);
    }
}

void ph_add_grain(ph_canvas *c, ph_rng *r, float amount, float grow)
{
    const size_t n = (size_t)c->size * (size_t)c->size;
    for (size_t i = 0; i < n; i++) {
        const uint32_t h = ph_rng_u32(r);
        const float noise =
            (float)((int)(h & 0xFFFFu) + (int)(h >> 16) - 65535) / 65536;
        c->px[i] += amount * noise * (1 + grow * ph_clamp(c->px[i], 0, 1));
    }
}

void ph_speckle(ph_canvas *c, ph_rng *r, float amount)
{
    ph_mask *m = &c->mask[PH_MASKS - 1];
    const size_t n = (size_t)c->size * (size_t)c->size;
    for (size_t i = 0; i < n; i++)
        m->a[i] = ph_uniform(r, -1, 1);
    m->x0 = m->y0 = 0;
    m->x1 = m->y1 = c->size;
    blur_region(c, m->a, 0, 0, c->size, c->size, (float)c->size * 0.0032f);
    for (size_t i = 0; i < n; i++)
        c->px[i] *= ph_clamp(1 + 2.2f * amount * m->a[i], 0, 3);
    clear_mask(c, m);
}

void ph_window(ph_canvas *c, float black, float white, float gamma)
{
    const size_t n = (size_t)c->size * (size_t)c->size;
    const float norm = 1 / (white - black);
    for (size_t i = 0; i < n; i++) {
        const float v = ph_clamp((c->px[i] - black) * norm, 0, 1);
        /* A blend of v, v^2 and 2v - v^2 stands in for a power. */
        const float bent = gamma > 1 ? v * v : 2 * v - v * v;
        const float t = gamma > 1 ? gamma - 1 : 2 * (1 - gamma);
        c->px[i] = ph_mix(v, bent, ph_clamp(t, 0, 1));
    }
}

void ph_film_curve(ph_canvas *c, float strength)
{
    const size_t n = (size_t)c->size * (size_t)c->size;
    for (size_t i = 0; i < n; i++)
        c->px[i] = c->px[i] > 0 ? 1 - ph_exp(-strength * c->px[i]) : 0;
}

void ph_letter(ph_canvas *c, int m, char letter, float x, float y, float height)
{
    const ph_canvas before = *c;
    c->mirror = 1;
    memset(c->warp, 0, sizeof c->warp);
    ph_place(c, 1, 0, 0, 0);
    const float h = height / 2, w = height * 0.32f, t = height * 0.2f;
    ph_polygon(c, m,
               PH_PTS(x - w - t / 2, y - h, x - w + t / 2, y - h, x - w + t / 2, y + h,
                      x - w - t / 2, y + h));
    ph_paint(c, m, 0.97f, 1);
    if (letter == 'L') {
        ph_polygon(
            c, m,
            PH_PTS(x - w, y + h - t, x + w, y + h - t, x + w, y + h, x - w, y + h));
        ph_paint(c, m, 0.97f, 1);
    } else {
        ph_line(c, m,
                PH_PTS(x - w, y - h + t / 2, x + w * 0.4f, y - h + t / 2, x + w,
                       y - h * 0.45f, x + w * 0.4f, y + t * 0.1f, x - w, y + t * 0.1f),
                t, t);
        ph_paint(c, m, 0.97f, 1);
        ph_line(c, m, PH_PTS(x - w * 0.1f, y, x + w, y + h), t, t);
        ph_paint(c, m, 0.97f, 1);
    }
    c->mirror = before.mirror;
    memcpy(c->warp, before.warp, sizeof c->warp);
    c->scale = before.scale;
    c->turn_cos = before.turn_cos;
    c->turn_sin = before.turn_sin;
    c->move_x = before.move_x;
    c->move_y = before.move_y;
}

void ph_to_bytes(const ph_canvas *c, uint8_t *out)
{
    for (size_t i = 0; i < (size_t)c->size * (size_t)c->size; i++)
        out[i] = (uint8_t)(ph_clamp(c->px[i], 0, 1) * 255 + 0.5f);
}

/* --- resizing ----------------------------------------------------------------------
 */

static float cubic(float x) /* Keys' kernel, a = -0.5, as Pillow uses it */
{
    x = x < 0 ? -x : x;
    if (x < 1)
        return (1.5f * x - 2.5f) * x * x + 1;
    return x < 2 ? ((-0.5f * x + 2.5f) * x - 4) * x + 2 : 0;
}

/* Resample `rows` rows of `n` pixels (pixel step `ps`, row step `rs`) to `m` pixels. */
static void resize_lines(const uint8_t *src, int n, int ps, int rs, int rows,
                         uint8_t *dst, int m, int dps, int drs)
{
    enum { TAPS_MAX = 96 };
    const float ratio = (float)n / (float)m, wide = ratio > 1 ? ratio : 1;
    for (int i = 0; i < m; i++) {
        const float middle = ((float)i + 0.5f) * ratio, reach = 2 * wide;
        const float low = middle - reach + 0.5f, high = middle + reach + 0.5f;
        const int from = low > 0 ? (int)low : 0;
        int to = high < (float)n ? (int)high : n;
        if (to - from > TAPS_MAX)
            to = from + TAPS_MAX;
        float w[TAPS_MAX], sum = 0;
        for (int k = from; k < to; k++)
            sum += w[k - from] = cubic(((float)k - middle + 0.5f) / wide);
        for (int y = 0; y < rows; y++) {
            float v = 0;
            for (int k = from; k < to; k++)
                v += w[k - from] *
                     (float)src[(size_t)y * (size_t)rs + (size_t)k * (size_t)ps];
            v = ph_clamp(v / sum + 0.5f, 0, 255);
            dst[(size_t)y * (size_t)drs + (size_t)i * (size_t)dps] = (uint8_t)v;
        }
    }
}

void ph_resize_bytes(const uint8_t *src, int n, uint8_t *dst, int m, uint8_t *temp)
{
    resize_lines(src, n, 1, n, n, temp, m, 1, m); /* temp [n, m] */
    resize_lines(temp, n, m, 1, m, dst, m, m, 1); /* dst [m, m] */
}
