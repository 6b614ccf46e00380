/* clip.c - opening a model, sessions, and the two ways in. See clip.h. */
#include "core/model/clip.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/tower.h"

/* ---- the model ---- */

static bool bind_logits(pf_clip *clip, pf_err *err)
{
    float log_scale = 0;
    const char *bias = clip->dims.family->logit_bias;
    if (!pf_bind_scalar(clip->binder, &log_scale, err, "logit_scale") ||
        (bias && !pf_bind_scalar(clip->binder, &clip->logit_bias, err, bias)))
        return false;
    clip->logit_scale = expf(log_scale);
    return isfinite(clip->logit_scale) ||
           pf_fail(err, PF_ERR_FORMAT,
                   "tensor 'logit_scale' is %g, its exp() overflows",
                   (double)log_scale);
}

/* Tensors of a tower that is not asked for count as known. */
static bool bind_towers(pf_clip *clip, unsigned what, pf_err *err)
{
    if (!bind_logits(clip, err) || ((what & PF_CLIP_TEXT) && !pf_text_bind(clip, err)))
        return false;
    if (!(what & PF_CLIP_IMAGE))
        return true;
    return clip->dims.vision == PF_VISION_VIT ? pf_vit_bind(clip, err)
                                              : pf_resnet_bind(clip, err);
}

static void ignore_known_extras(const pf_clip *clip)
{
    const pf_family *f = clip->dims.family;
    for (size_t i = 0; i < sizeof f->ignored / sizeof *f->ignored; i++) {
        if (f->ignored[i])
            pf_bind_ignore(clip->binder, "%s", f->ignored[i]);
    }
}

static bool open_clip(pf_clip *clip, const pf_weights *weights, const pf_beside *beside,
                      unsigned what, pf_notes *notes, pf_err *err)
{
    static const pf_beside nothing = {0};
    const unsigned both = PF_CLIP_TEXT | PF_CLIP_IMAGE;
    pf_dims *d = &clip->dims;
    if (!pf_family_find(&d->family, &d->prefix, weights, err))
        return false;
    if (*d->prefix)
        pf_notes_add(notes, "tensor names begin with '%s', which is passed over",
                     d->prefix);
    if (!d->family->read_dims(d, weights, beside ? beside : &nothing, notes, err) ||
        !pf_binder_new(&clip->binder, weights, d->prefix, what & PF_CLIP_VERIFY, err))
        return false;
    clip->towers = what & both;
    if (!bind_towers(clip, what, err))
        return false;
    clip->hash = pf_bind_hash(clip->binder);
    ignore_known_extras(clip);
    if (!pf_weights_check(weights, err))
        return false;
    return clip->towers != both || pf_bind_finish(clip->binder, d->family->name, err);
}

bool pf_clip_open(pf_clip **out, const pf_weights *weights, const pf_beside *beside,
                  unsigned what, pf_notes *notes, pf_err *err)
{
    *out = NULL;
    pf_clip *clip = pf_zalloc(sizeof *clip, err);
    if (!clip)
        return false;
    pthread_mutex_init(&clip->packing, NULL);
    if (what & PF_CLIP_VERIFY)
        what |= PF_CLIP_TEXT | PF_CLIP_IMAGE;
    if (!open_clip(clip, weights, beside, what, notes, err)) {
        pf_clip_close(clip);
        return false;
    }
    *out = clip;
    return true;
}

/* ---- packed weights ---- */

static int index_of(unsigned tower)
{
    return tower == PF_CLIP_IMAGE;
}

void pf_clip_set_precision(pf_clip *clip, unsigned tower, pf_precision precision)
{
    const int i = index_of(tower);
    if (clip->precision[i] == precision)
        return;
    clip->precision[i] = precision;
    pf_pack_free(clip->pack[i]);
    clip->pack[i] = NULL;
    atomic_store(&clip->is_packed[i], false);
}

pf_precision pf_clip_precision(const pf_clip *clip, unsigned tower)
{
    return clip->precision[index_of(tower)];
}

/* The key of a tower's packed weights; NULL when it is not known whose they are. */
static const pf_hash *find_key(const pf_clip *clip, unsigned tower, pf_hash *key)
{
    enum { LAYOUT = 2 }; /* to be counted up when something is packed in another way */
    const uint8_t what[] = {LAYOUT, (uint8_t)tower,
                            (uint8_t)clip->precision[tower == PF_CLIP_IMAGE]};
    pf_hasher *h = clip->is_identified ? pf_hasher_new(NULL) : NULL;
    if (!h)
        return NULL;
    pf_hasher_add(h, clip->identity.b, sizeof clip->identity.b);
    pf_hasher_add(h, what, sizeof what);
    *key = pf_hasher_finish(h);
    return key;
}

void pf_clip_identify(pf_clip *clip, const char *identity)
{
    clip->identity = pf_hash_bytes(identity, strlen(identity));
    clip->is_identified = true;
}

static bool pack(pf_clip *clip, unsigned tower, pf_err *err)
{
    const int i = index_of(tower);
    pf_layers layers = {.precision = clip->precision[i]};
    pf_hash key;
    const bool ok =
        pf_layers_of(&layers, clip, tower, err) &&
        pf_pack_make(&clip->pack[i], layers.at, layers.n, find_key(clip, tower, &key),
                     pf_bind_read, clip->binder, err);
    pf_free(layers.at);
    return ok;
}

bool pf_clip_pack(const pf_clip *shared, unsigned tower, pf_err *err)
{
    pf_clip *clip = (pf_clip *)shared; /* written to under the lock */
    const int i = index_of(tower);
    bool ok = true;
    if (atomic_load(&clip->is_packed[i]))
        return true;
    pthread_mutex_lock(&clip->packing);
    if (!atomic_load(&clip->is_packed[i])) {
        ok = pack(clip, tower, err);
        atomic_store(&clip->is_packed[i], ok);
    }
    pthread_mutex_unlock(&clip->packing);
    return ok;
}

void pf_clip_close(pf_clip *clip)
{
    if (!clip)
        return;
    pf_free(clip->text.stack.blocks);
    pf_free(clip->vit.stack.blocks);
    pf_free(clip->resnet.blocks);
    pf_pack_free(clip->pack[0]);
    pf_pack_free(clip->pack[1]);
    pf_binder_free(clip->binder);
    pthread_mutex_destroy(&clip->packing);
    pf_free(clip);
}

const pf_dims *pf_clip_dims(const pf_clip *clip)
{
    return &clip->dims;
}

float pf_clip_logit_scale(const pf_clip *clip)
{
    return clip->logit_scale;
}

bool pf_clip_logit_bias(const pf_clip *clip, float *bias)
{
    *bias = clip->logit_bias;
    return clip->dims.family->logit_bias != NULL;
}

pf_hash pf_clip_hash(const pf_clip *clip)
{
    return clip->hash;
}

/* ---- sessions ---- */

bool pf_session_new(pf_session **out, const pf_clip *clip, pf_err *err)
{
    *out = pf_zalloc(sizeof **out, err);
    if (*out)
        (*out)->clip = clip;
    return *out != NULL;
}

void pf_session_free(pf_session *s)
{
    if (!s)
        return;
    for (int i = 0; i < PF_ROOM_COUNT; i++)
        pf_free(s->room[i]);
    pf_crew_free(s->crew);
    pf_free(s->starts);
    pf_free(s);
}

bool pf_session_set_threads(pf_session *s, size_t n, pf_err *err)
{
    pf_crew_free(s->crew);
    s->crew = NULL;
    return n < 2 || pf_crew_new(&s->crew, n, err);
}

float *pf_session_room(pf_session *s, pf_room which, size_t n, pf_err *err)
{
    if (n > s->room_size[which] || !s->room[which]) {
        pf_free(s->room[which]);
        s->room_size[which] = 0;
        s->room[which] = pf_alloc_floats(n, err);
        if (s->room[which])
            s->room_size[which] = n;
    }
    return s->room[which];
}

size_t *pf_session_starts(pf_session *s, size_t n, pf_err *err)
{
    if (n + 1 > s->n_starts) {
        void *p = s->starts;
        if (!pf_resize_array(&p, n + 1, sizeof *s->starts, err))
            return NULL;
        s->starts = p;
        s->n_starts = n + 1;
    }
    return s->starts;
}

bool pf_session_reserve(pf_session *s, size_t n, size_t in, pf_err *err)
{
    const size_t bytes = pf_rows_size(s->precision, in, n);
    return pf_session_room(s, PF_ROOM_ROWS, bytes / sizeof(float) + 1, err) != NULL;
}

pf_rows pf_session_rows(pf_session *s, const pf_linear *l, const float *x, size_t n)
{
    pf_rows rows;
    pf_rows_make(&rows, l->packed.precision, x, l->in, n, l->in, s->room[PF_ROOM_ROWS]);
    return rows;
}

static void multiply_panel(void *product, size_t worker, size_t panel)
{
    (void)worker;
    pf_kernel_linear(product, panel, panel + 1);
}

void pf_session_multiply(pf_session *s, const pf_product *p)
{
    pf_product shared = *p;
    pf_crew_each(s->crew, pf_packed_panels(&p->layer->packed), multiply_panel, &shared);
}

void pf_session_linear(pf_session *s, const pf_linear *l, const float *x, size_t n,
                       float *y, size_t ldy, bool add)
{
    const pf_product p = {.layer = l,
                          .rows = pf_session_rows(s, l, x, n),
                          .y = y,
                          .ldy = ldy,
                          .add = add};
    pf_session_multiply(s, &p);
}

void pf_session_set_probe(pf_session *s, pf_probe probe, void *context)
{
    s->probe = probe;
    s->probe_context = context;
}

void pf_session_tell(const pf_session *s, const char *stage, const float *x,
                     size_t rows, size_t columns)
{
    if (s->probe)
        s->probe(s->probe_context, stage, x, rows, columns);
}

/* ---- embedding ---- */

static bool normalize_rows(float *out, size_t n, size_t width, const char *what,
                           pf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!pf_kernel_normalize(out + i * width, width))
            return pf_fail(
                err, PF_ERR_FORMAT,
                "%s gave a vector that is zero or not finite; the checkpoint is "
                "damaged",
                what);
    }
    return true;
}

/* Before each pass: the file behind the weights is as it was, the tower is packed. */
static bool begin(pf_session *s, unsigned tower, pf_err *err)
{
    s->precision = pf_clip_precision(s->clip, tower);
    return pf_bind_check(s->clip->binder, err) && pf_clip_pack(s->clip, tower, err);
}

bool pf_session_embed_images(pf_session *s, const float *pixels, int size, size_t n,
                             float *out, pf_err *err)
{
    const pf_dims *d = &s->clip->dims;
    if (pf_dims_grid_for(d, size) != d->grid)
        return pf_fail(
            err, PF_ERR_MISMATCH,
            "pictures of %d pixels end in a %d x %d grid, the model has positions "
            "for %d x %d",
            size, pf_dims_grid_for(d, size), pf_dims_grid_for(d, size), d->grid,
            d->grid);
    if (n == 0)
        return true;
    return begin(s, PF_CLIP_IMAGE, err) &&
           (d->vision == PF_VISION_VIT
                ? pf_vit_embed(s, pixels, size, n, out, err)
                : pf_resnet_embed(s, pixels, size, n, out, err)) &&
           normalize_rows(out, n, (size_t)d->embed, "the image tower", err);
}

bool pf_session_embed_tokens(pf_session *s, const int32_t *ids, const size_t *lengths,
                             size_t n, float *out, pf_err *err)
{
    if (n == 0)
        return true;
    return begin(s, PF_CLIP_TEXT, err) && pf_text_embed(s, ids, lengths, n, out, err) &&
           normalize_rows(out, n, (size_t)s->clip->dims.embed, "the text tower", err);
}
