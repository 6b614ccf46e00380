/*
 * browse.c - what a catalog has, for looking around (plainfilm.h): images, cases,
 * thumbnails, previews, values and how often they are there.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/engine/reader.h"
#include "core/image/encode.h"
#include "core/search/thumbnails.h"

/* The reader's store, at a snapshot. */
static pf_store *begin(pf_reader *r, pf_err *err)
{
    if (!r->catalog) {
        pf_fail(err, PF_ERR_MISUSE, "this needs a catalog, there is a model only");
        return NULL;
    }
    return pf_reader_begin(r, err) ? pf_reader_store(r) : NULL;
}

bool pf_reader_get_info(pf_reader *r, pf_catalog_info *out, pf_err *err)
{
    pf_store_counts n;
    if (out->struct_size < sizeof out->struct_size)
        return pf_fail(err, PF_ERR_MISUSE,
                       "pf_catalog_info was not made by PF_CATALOG_INFO_INIT");
    pf_store *store = begin(r, err);
    bool is_being_written;
    if (!store || !pf_reader_get_counts(r, &n, err) ||
        !pf_catalog_is_being_written(pf_reader_folder(r), &is_being_written, err))
        return false;
    const pf_catalog_info info = {
        .struct_size = out->struct_size < sizeof info ? out->struct_size : sizeof info,
        .generation = pf_reader_generation(r),
        .images = n.images,
        .captions = n.captions,
        .cases = n.cases,
        .captioned_images = n.captioned_images,
        .dim = (int)pf_reader_dim(r),
        .is_being_written = is_being_written,
    };
    memcpy(out, &info, info.struct_size);
    return true;
}

/* ---- one image ---- */

/* What is given: the image in front, then what it points to, all but that owned by
 * `details`. */
typedef struct {
    pf_image image;
    pf_store_details details;
    pf_caption *captions;
    pf_attribute *attributes;
} image_block;

static bool fill_image(image_block *b, pf_err *err)
{
    const pf_store_details *d = &b->details;
    b->captions = pf_alloc_array(d->n_captions, sizeof *b->captions, err);
    b->attributes = pf_alloc_array(d->n_attributes, sizeof *b->attributes, err);
    if (!b->captions || !b->attributes)
        return false;
    for (size_t i = 0; i < d->n_captions; i++)
        b->captions[i] =
            (pf_caption){sizeof *b->captions, d->captions[i].id, d->captions[i].text};
    for (size_t i = 0; i < d->n_attributes; i++)
        b->attributes[i] = (pf_attribute){sizeof *b->attributes, d->attributes[i].key,
                                          d->attributes[i].value};
    b->image = (pf_image){.struct_size = sizeof b->image,
                          .id = d->id,
                          .path = d->path,
                          .frame = d->frame,
                          .width = d->width,
                          .height = d->height,
                          .format = d->format,
                          .captions = b->captions,
                          .n_captions = d->n_captions,
                          .case_id = d->case_id,
                          .case_key = d->case_key,
                          .case_title = d->case_title,
                          .attributes = b->attributes,
                          .n_attributes = d->n_attributes};
    return true;
}

static image_block *block_of(pf_image *image)
{
    return (image_block *)(void *)image; /* it stands first in its block */
}

void pf_image_free(pf_image *image)
{
    if (!image)
        return;
    image_block *b = block_of(image);
    pf_store_details_reset(&b->details);
    pf_free(b->captions);
    pf_free(b->attributes);
    pf_free(b);
}

bool pf_reader_find_image(pf_reader *r, int64_t id, pf_image **out, pf_err *err)
{
    *out = NULL;
    pf_store *store = begin(r, err);
    image_block *b = store ? pf_zalloc(sizeof *b, err) : NULL;
    if (!b)
        return false;
    bool ok = pf_store_get_details(store, id, &b->details, err);
    const bool is_there = ok && b->details.id != 0;
    ok = ok && (!is_there || fill_image(b, err));
    if (ok && is_there)
        *out = &b->image;
    else
        pf_image_free(&b->image);
    return ok;
}

/* ---- one case ---- */

typedef struct {
    pf_case found;
    char *key, *title;
    int64_t *images;
    size_t n_images, room;
} case_block;

static bool add_image(void *user, int64_t case_id, int64_t image_id, pf_err *err)
{
    case_block *b = user;
    (void)case_id;
    if (!pf_grow_array(&b->images, &b->room, b->n_images, sizeof *b->images, err))
        return false;
    b->images[b->n_images++] = image_id;
    return true;
}

void pf_case_free(pf_case *found)
{
    if (!found)
        return;
    case_block *b = (case_block *)(void *)found; /* it stands first in its block */
    pf_free(b->key);
    pf_free(b->title);
    pf_free(b->images);
    pf_free(b);
}

bool pf_reader_find_case(pf_reader *r, int64_t id, pf_case **out, pf_err *err)
{
    *out = NULL;
    pf_store *store = begin(r, err);
    case_block *b = store ? pf_zalloc(sizeof *b, err) : NULL;
    if (!b)
        return false;
    const bool ok =
        pf_store_get_case(store, id, &b->key, &b->title, err) &&
        (!b->key || pf_store_each_image_of_case(store, id, add_image, b, err));
    if (ok && b->key) {
        b->found = (pf_case){.struct_size = sizeof b->found,
                             .id = id,
                             .key = b->key,
                             .title = b->title,
                             .images = b->images,
                             .n_images = b->n_images};
        *out = &b->found;
    } else {
        pf_case_free(&b->found);
    }
    return ok;
}

/* ---- thumbnails ---- */

bool pf_reader_get_thumbnail(pf_reader *r, int64_t image_id, uint8_t **jpeg, size_t *n,
                             pf_err *err)
{
    pf_buf b;
    *jpeg = NULL;
    if (!begin(r, err))
        return false;
    pf_buf_init(&b, PF_STORE_THUMBNAIL_MAX);
    if (pf_search_get_thumbnail(r, image_id, &b, err)) {
        *n = b.size;
        *jpeg = (uint8_t *)pf_buf_take(&b, err);
    }
    pf_buf_free(&b);
    return *jpeg != NULL;
}

/* ---- previews ---- */

enum { PREVIEW_QUALITY = 90, PREVIEW_CAP = 256 << 20, ORIGINAL_CAP = 256 << 20 };

static bool check_preview(const pf_preview_options *o, pf_err *err)
{
    if (o->struct_size != sizeof *o)
        return pf_fail(err, PF_ERR_MISUSE,
                       "pf_preview_options were not made by PF_PREVIEW_OPTIONS_INIT");
    if (o->side < 1 || o->side > PF_PREVIEW_SIDE_MAX)
        return pf_fail(err, PF_ERR_MISUSE, "a side of %d pixels is outside 1..%d",
                       o->side, PF_PREVIEW_SIDE_MAX);
    return (isfinite(o->low) && isfinite(o->high)) ||
           pf_fail(err, PF_ERR_MISUSE, "a window's ends are numbers");
}

/* To a file in memory. */
static bool encode_png(const pf_picture *picture, uint8_t **bytes, size_t *n,
                       pf_err *err)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, n);
    bool ok = out && pf_png_write(picture, out, err);
    ok = out && fclose(out) == 0 && ok;
    if (!ok) {
        pf_free(text);
        return err && err->code != PF_OK
                   ? false
                   : pf_fail(err, PF_ERR_NOMEM, "out of memory (a preview)");
    }
    *bytes = (uint8_t *)text;
    return true;
}

static bool encode_jpeg(const pf_picture *picture, uint8_t **bytes, size_t *n,
                        pf_err *err)
{
    pf_buf b;
    pf_buf_init(&b, PREVIEW_CAP);
    if (pf_jpeg_encode(picture, PREVIEW_QUALITY, &b, err)) {
        *n = b.size;
        *bytes = (uint8_t *)pf_buf_take(&b, err);
    }
    pf_buf_free(&b);
    return *bytes != NULL;
}

bool pf_reader_get_preview(pf_reader *r, int64_t image_id, const pf_preview_options *o,
                           pf_preview **out, pf_err *err)
{
    *out = NULL;
    if (!check_preview(o, err) || !begin(r, err))
        return false;
    pf_search_preview p = {
        .side = o->side, .frame = o->frame, .window = {o->low, o->high}};
    pf_preview *preview = pf_zalloc(sizeof *preview, err);
    uint8_t *bytes = NULL;
    size_t n = 0;
    const bool ok =
        preview && pf_search_make_preview(r, image_id, &p, err) &&
        (o->is_lossless ? encode_png : encode_jpeg)(&p.preview, &bytes, &n, err);
    pf_picture_reset(&p.preview);
    if (!ok) {
        pf_free(preview);
        return false;
    }
    *preview = (pf_preview){.struct_size = sizeof *preview,
                            .bytes = bytes,
                            .n = n,
                            .width = p.width,
                            .height = p.height,
                            .frame = p.frame_shown,
                            .n_frames = p.n_frames,
                            .is_deep = p.is_deep};
    *out = preview;
    return true;
}

void pf_preview_free(pf_preview *preview)
{
    if (preview)
        pf_free((void *)preview->bytes); /* const for all but us */
    pf_free(preview);
}

bool pf_reader_get_original(pf_reader *r, int64_t image_id, uint8_t **bytes, size_t *n,
                            const char **format, pf_err *err)
{
    pf_buf b;
    *bytes = NULL;
    *format = NULL;
    if (!begin(r, err))
        return false;
    pf_buf_init(&b, ORIGINAL_CAP);
    if (pf_search_get_original(r, image_id, &b, format, err)) {
        *n = b.size;
        *bytes = (uint8_t *)pf_buf_take(&b, err);
    }
    pf_buf_free(&b);
    return *bytes != NULL;
}

/* ---- values ---- */

struct pf_facets {
    pf_facet *at;
    size_t n, room;
    size_t most; /* of each key; 0: all */
    size_t of_key;
};

static bool add_facet(void *user, const char *key, const char *value, int64_t n_images,
                      pf_err *err)
{
    pf_facets *f = user;
    const bool is_same = f->n > 0 && strcmp(f->at[f->n - 1].key, key) == 0;
    f->of_key = is_same ? f->of_key + 1 : 1;
    if (f->most > 0 && f->of_key > f->most)
        return true;
    if (!pf_grow_array(&f->at, &f->room, f->n, sizeof *f->at, err))
        return false;
    pf_facet *facet = &f->at[f->n];
    *facet = (pf_facet){sizeof *facet, pf_strdup(key, err), pf_strdup(value, err),
                        (size_t)n_images};
    f->n++;
    return facet->key && facet->value;
}

bool pf_reader_get_facets(pf_reader *r, const char *key, size_t most, pf_facets **out,
                          pf_err *err)
{
    *out = NULL;
    pf_store *store = begin(r, err);
    pf_facets *f = store ? pf_zalloc(sizeof *f, err) : NULL;
    if (!f)
        return false;
    f->most = most;
    if (!pf_store_each_value_count(store, key, add_facet, f, err)) {
        pf_facets_free(f);
        return false;
    }
    *out = f;
    return true;
}

void pf_facets_free(pf_facets *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++) {
        pf_free((void *)f->at[i].key); /* const for all but us */
        pf_free((void *)f->at[i].value);
    }
    pf_free(f->at);
    pf_free(f);
}

size_t pf_facets_count(const pf_facets *f)
{
    return f->n;
}

const pf_facet *pf_facets_at(const pf_facets *f, size_t i)
{
    return i < f->n ? &f->at[i] : NULL;
}
