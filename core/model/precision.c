/* precision.c - see precision.h. */
#include "core/model/precision.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/packed.h"
#include "core/model/sizes.h"

static const char *const names[] = {[PF_PRECISION_F32] = "f32",
                                    [PF_PRECISION_I16] = "i16",
                                    [PF_PRECISION_I8] = "i8",
                                    [PF_PRECISION_AUTO] = "auto"};

enum { NAMES = sizeof names / sizeof *names };

const char *pf_precision_name(pf_precision precision)
{
    return names[precision];
}

static bool find(pf_precision *out, const char *name, size_t n)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (strncmp(name, names[i], n) == 0 && names[i][n] == '\0') {
            *out = (pf_precision)i;
            return true;
        }
    }
    return false;
}

bool pf_precision_find(pf_precision *out, const char *name, pf_err *err)
{
    *out = PF_PRECISION_AUTO;
    return !name || find(out, name, strlen(name)) ||
           pf_fail(
               err, PF_ERR_MISUSE,
               "precision '%s' is not known, only 'auto', 'f32', 'i16' and 'i8' are",
               name);
}

/* ---- a stamp's line ---- */

static const char begin[] = "precision ";

void pf_precision_write(const pf_precision_choice *c, char text[PF_PRECISION_LINE])
{
    snprintf(text, PF_PRECISION_LINE, "%s%s %s %s", begin, names[c->asked],
             names[c->text], names[c->image]);
}

/* "precision ASKED TEXT IMAGE"; lines of files begin with a number or a path. */
static bool read_line(pf_precision_choice *out, const char *line)
{
    pf_precision *const to[] = {&out->asked, &out->text, &out->image};
    line += strlen(begin);
    for (size_t i = 0; i < 3; i++) {
        const size_t n = strcspn(line, " \n");
        if (!find(to[i], line, n) || line[n] != (i < 2 ? ' ' : '\n'))
            return false;
        line += n + 1;
    }
    return out->text != PF_PRECISION_AUTO && out->image != PF_PRECISION_AUTO;
}

void pf_precision_read(pf_precision_choice *out, const char *stamp)
{
    const pf_precision_choice plain = {.is_known = true, .is_unsaid = true};
    for (const char *line = stamp; line && *line; line += strcspn(line, "\n")) {
        line += *line == '\n';
        *out = (pf_precision_choice){.is_known = true};
        if (strncmp(line, begin, strlen(begin)) == 0 && read_line(out, line))
            return;
    }
    *out = plain;
}

void pf_precision_describe(const pf_precision_choice *c, char text[PF_PRECISION_TEXT])
{
    if (c->asked == PF_PRECISION_AUTO)
        snprintf(text, PF_PRECISION_TEXT, "auto: texts %s, pictures %s", names[c->text],
                 names[c->image]);
    else
        snprintf(text, PF_PRECISION_TEXT, "%s", names[c->asked]);
}

/* ---- measuring ---- */

/* Other pictures are worse than those that are tried, by nearly half where we have seen
 * it at its worst: of the 2e-4 that are promised so much is left to them. */
static const double cosine_floor = 0.99999, difference_ceiling = 1.3e-4;

enum { SAMPLES = 4 };

typedef struct {
    pf_clip *clip;
    pf_session *session;
    int side;
    float *pixels;         /* [SAMPLES, 3, side, side] */
    float *plain, *faster; /* [SAMPLES, embed] */
} measuring;

/* Between -1 and 1, the same everywhere. */
static float noise_at(uint32_t i)
{
    i = (i ^ 61) ^ (i >> 16);
    i *= 9;
    i ^= i >> 4;
    i *= 0x27d4eb2d;
    i ^= i >> 15;
    return (float)(i >> 8) / (1 << 23) - 1;
}

/* Noise, a film with a bright shape and dark edges, noise that is faint, stripes. */
static void make_pixels(const measuring *m)
{
    const size_t side = (size_t)m->side, area = side * side;
    for (size_t i = 0; i < SAMPLES * 3 * area; i++) {
        const size_t kind = i / (3 * area), at = i % area;
        const float x = (float)(at % side) / (float)side - 0.5f;
        const float y = (float)(at / side) / (float)side - 0.5f;
        const float noise = noise_at((uint32_t)i);
        m->pixels[i] = kind == 0   ? 2 * noise
                       : kind == 1 ? 2 - 14 * (x * x + y * y) + 0.1f * noise
                       : kind == 2 ? x + 0.3f * noise
                                   : (at / 9 % 2 ? 1.5f : -1.5f) + 0.2f * noise;
    }
}

/* None that may be padding or the end, where a vocabulary has others. */
static int32_t any_id(const pf_dims *d, size_t i)
{
    const size_t others = d->vocab > 2 ? (size_t)d->vocab - 2 : 1;
    return (int32_t)(i % others) + (d->vocab > 1);
}

static bool embed_text(measuring *m, size_t sample, float *out, pf_err *err)
{
    const pf_dims *d = pf_clip_dims(m->clip);
    const bool pads = d->family->text.pooling == PF_POOL_LAST;
    int32_t ids[PF_CONTEXT_MAX];
    size_t n = pads ? (size_t)d->context : 4 + 5 * sample;
    n = n > (size_t)d->context ? (size_t)d->context : n;
    for (size_t i = 0; i < n; i++)
        ids[i] = any_id(d, sample * 7919 + i * 104729);
    ids[n - 1] = d->end_id >= 0 ? d->end_id : d->vocab - 1;
    return pf_session_embed_tokens(m->session, ids, &n, 1, out, err);
}

static bool embed_all(measuring *m, unsigned tower, pf_precision precision, float *out,
                      pf_err *err)
{
    const size_t dim = (size_t)pf_clip_dims(m->clip)->embed;
    bool ok = true;
    pf_clip_set_precision(m->clip, tower, precision);
    if (tower == PF_CLIP_IMAGE)
        return pf_session_embed_images(m->session, m->pixels, m->side, SAMPLES, out,
                                       err);
    for (size_t i = 0; ok && i < SAMPLES; i++)
        ok = embed_text(m, i, out + i * dim, err);
    return ok;
}

/* What integers lose: the lowest cosine, and the most that a number is off by. */
typedef struct {
    double cosine, difference;
} loss;

static loss compare(const measuring *m)
{
    const size_t dim = (size_t)pf_clip_dims(m->clip)->embed;
    loss l = {.cosine = 1};
    for (size_t i = 0; i < SAMPLES; i++) {
        double dot = 0;
        for (size_t k = 0; k < dim; k++) {
            const double a = m->plain[i * dim + k], b = m->faster[i * dim + k];
            dot += a * b;
            l.difference = fmax(l.difference, fabs(a - b));
        }
        l.cosine = fmin(l.cosine, dot);
    }
    return l;
}

static void tell_loss(unsigned tower, loss l, pf_notes *notes)
{
    pf_notes_add(notes,
                 "%s are embedded in float32, which is slower: with integers of 16 "
                 "bits this model's vectors would be off by up to %.3e (limit %.3e), "
                 "with a cosine down to %.7f (limit %.7f)",
                 tower == PF_CLIP_TEXT ? "texts" : "pictures", l.difference,
                 difference_ceiling, l.cosine, cosine_floor);
}

static bool measure_tower(measuring *m, unsigned tower, pf_precision *out,
                          pf_notes *notes, pf_err *err)
{
    if (!embed_all(m, tower, PF_PRECISION_F32, m->plain, err) ||
        !embed_all(m, tower, PF_PRECISION_I16, m->faster, err))
        return false;
    const loss l = compare(m);
    const bool is_small =
        l.cosine >= cosine_floor && l.difference <= difference_ceiling;
    *out = is_small ? PF_PRECISION_I16 : PF_PRECISION_F32;
    if (!is_small)
        tell_loss(tower, l, notes);
    return true;
}

static bool prepare(measuring *m, pf_err *err)
{
    const size_t dim = (size_t)pf_clip_dims(m->clip)->embed;
    const size_t side = (size_t)m->side;
    m->pixels = pf_alloc_floats(SAMPLES * 3 * side * side, err);
    m->plain = pf_alloc_floats(SAMPLES * dim, err);
    m->faster = pf_alloc_floats(SAMPLES * dim, err);
    if (!m->pixels || !m->plain || !m->faster)
        return false;
    make_pixels(m);
    return pf_session_new(&m->session, m->clip, err);
}

bool pf_precision_measure(pf_precision_choice *c, pf_clip *clip, int side,
                          pf_notes *notes, pf_err *err)
{
    measuring m = {.clip = clip, .side = side};
    if (c->asked != PF_PRECISION_AUTO)
        c->text = c->image = c->asked;
    if (c->asked != PF_PRECISION_AUTO || c->is_known) {
        c->is_known = true;
        return true;
    }
    const bool ok = prepare(&m, err) &&
                    measure_tower(&m, PF_CLIP_TEXT, &c->text, notes, err) &&
                    measure_tower(&m, PF_CLIP_IMAGE, &c->image, notes, err);
    c->is_known = ok;
    pf_session_free(m.session);
    pf_free(m.pixels);
    pf_free(m.plain);
    pf_free(m.faster);
    return ok;
}

/* Integers that lose nothing are for machines on which they gain something. */
static pf_precision worthwhile(const pf_precision_choice *c, pf_precision precision)
{
    return c->asked == PF_PRECISION_AUTO &&
                   !pf_packed_instructions()->is_fast[precision]
               ? PF_PRECISION_F32
               : precision;
}

void pf_precision_use(const pf_precision_choice *c, pf_clip *clip)
{
    pf_clip_set_precision(clip, PF_CLIP_TEXT, worthwhile(c, c->text));
    pf_clip_set_precision(clip, PF_CLIP_IMAGE, worthwhile(c, c->image));
}
