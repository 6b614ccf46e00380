/* collection.c - see collection.h. */
#include "indexer/collection.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/unicode.h"
#include "core/base/utf8.h"

enum { FIRST_SLOTS = 64 };

void pf_collection_init(pf_collection *c, const char *source)
{
    *c = (pf_collection){.source = source};
}

void pf_collection_reset(pf_collection *c)
{
    pf_arena_reset(&c->strings);
    pf_free(c->images);
    pf_free(c->cases);
    pf_free(c->texts);
    pf_free(c->gaps);
    pf_free(c->thrown);
    pf_free(c->facts);
    pf_free(c->stale);
    pf_free(c->notes);
    pf_free(c->keys);
    pf_free(c->slots);
    *c = (pf_collection){0};
}

/* Places are 32 bits, and 0 is none. */
static bool has_place(size_t n, const char *what, pf_err *err)
{
    return n < UINT32_MAX ||
           pf_fail(err, PF_ERR_LIMIT, "more than %u %s", UINT32_MAX - 1, what);
}

/* ---- strings ---- */

static const char *keep_bytes(pf_collection *c, const char *s, pf_err *err)
{
    return pf_arena_add(&c->strings, s, strlen(s), err);
}

static const char *keep_text(pf_collection *c, const char *s, pf_err *err)
{
    char *owned;
    const char *utf8 = pf_utf8_clean(s, &owned, err);
    const char *kept = utf8 ? keep_bytes(c, utf8, err) : NULL;
    pf_free(owned);
    return kept;
}

/* Valid UTF-8 in NFC: `s` itself or a copy, which is in *owned. */
static const char *clean_nfc(const char *s, char **owned, pf_err *err)
{
    char *repaired, *composed;
    const char *utf8 = pf_utf8_clean(s, &repaired, err);
    const char *nfc = utf8 ? pf_unicode_nfc(utf8, &composed, err) : NULL;
    *owned = repaired;
    if (nfc && nfc != utf8) {
        pf_free(repaired);
        *owned = composed;
    }
    return nfc;
}

/* There are few keys, and each row of a table has them in the same order: the one that
 * came after the last one the time before is looked at first. */
static bool keep_clean_key(pf_collection *c, const char *key, uint32_t *out,
                           pf_err *err)
{
    for (size_t i = 0; i < c->n_keys; i++) {
        const size_t at = (c->next_key + i) % c->n_keys;
        if (strcmp(c->keys[at], key) == 0) {
            *out = (uint32_t)at;
            c->next_key = at + 1;
            return true;
        }
    }
    *out = (uint32_t)c->n_keys;
    if (!has_place(c->n_keys, "keys", err) ||
        !pf_grow_array(&c->keys, &c->keys_room, c->n_keys, sizeof *c->keys, err) ||
        !(c->keys[c->n_keys] = keep_bytes(c, key, err)))
        return false;
    c->n_keys++;
    return true;
}

static bool keep_key(pf_collection *c, const char *key, uint32_t *out, pf_err *err)
{
    char *owned;
    const char *clean = clean_nfc(key, &owned, err);
    const bool ok = clean && keep_clean_key(c, clean, out, err);
    pf_free(owned);
    return ok;
}

/* ---- images ---- */

bool pf_collection_add_image(pf_collection *c, const pf_collected_image *image,
                             pf_subject *out, pf_err *err)
{
    if (!has_place(c->n_images + 1, "images", err) ||
        !pf_grow_array(&c->images, &c->images_room, c->n_images, sizeof *c->images,
                       err))
        return false;
    pf_collected_image added = {
        .frame = image->frame, .size = image->size, .mtime_ns = image->mtime_ns};
    if (!(added.path = keep_bytes(c, image->path, err)))
        return false;
    *out = (pf_subject){.at = (uint32_t)c->n_images};
    c->images[c->n_images++] = added;
    return true;
}

/* ---- cases ---- */

/* Where this key is in the table, or would be. */
static uint32_t *find_slot(const pf_collection *c, const char *key)
{
    const pf_hash hash = pf_hash_bytes(key, strlen(key));
    size_t at;
    memcpy(&at, hash.b, sizeof at);
    for (at %= c->n_slots; c->slots[at] != 0; at = (at + 1) % c->n_slots) {
        if (strcmp(c->cases[c->slots[at] - 1].key, key) == 0)
            break;
    }
    return &c->slots[at];
}

/* At most half of the slots are ever taken. */
static bool make_slots(pf_collection *c, pf_err *err)
{
    if (2 * (c->n_cases + 1) <= c->n_slots)
        return true;
    const size_t n = c->n_slots > 0 ? 2 * c->n_slots : FIRST_SLOTS;
    uint32_t *slots = pf_alloc_array(n, sizeof *slots, err);
    if (!slots)
        return false;
    pf_free(c->slots);
    c->slots = slots;
    c->n_slots = n;
    for (size_t i = 0; i < c->n_cases; i++)
        *find_slot(c, c->cases[i].key) = (uint32_t)i + 1;
    return true;
}

static bool add_case(pf_collection *c, const char *key, const char *title,
                     pf_subject *out, pf_err *err)
{
    if (!has_place(c->n_cases + 1, "cases", err) || !make_slots(c, err))
        return false;
    uint32_t *slot = find_slot(c, key);
    if (*slot == 0) {
        pf_collected_case added = {0};
        if (!pf_grow_array(&c->cases, &c->cases_room, c->n_cases, sizeof *c->cases,
                           err) ||
            !(added.key = keep_bytes(c, key, err)) ||
            !(added.title = keep_text(c, title, err)))
            return false;
        c->cases[c->n_cases++] = added;
        *slot = (uint32_t)c->n_cases;
    }
    *out = (pf_subject){.is_case = true, .at = *slot - 1};
    return true;
}

bool pf_collection_add_case(pf_collection *c, const char *key, const char *title,
                            pf_subject *out, pf_err *err)
{
    char *owned;
    const char *clean = clean_nfc(key, &owned, err);
    const bool ok = clean && add_case(c, clean, title, out, err);
    pf_free(owned);
    return ok;
}

void pf_collection_put_into_case(pf_collection *c, pf_subject image, pf_subject into)
{
    c->images[image.at].in_case = into.at + 1;
}

/* ---- captions and attributes ---- */

/* `value` lives as long as the collection. */
static bool add_kept(pf_collection *c, pf_text_chain *chain, uint32_t key,
                     const char *value, pf_err *err)
{
    if (c->n_texts == 0)
        c->n_texts = 1;
    if (!has_place(c->n_texts, "captions and attributes", err) ||
        !pf_grow_array(&c->texts, &c->texts_room, c->n_texts, sizeof *c->texts, err))
        return false;
    const uint32_t at = (uint32_t)c->n_texts++;
    c->texts[at] = (pf_collected_text){.key = key, .value = value};
    if (chain->count++ == 0)
        chain->first = at;
    else
        c->texts[chain->last].next = at;
    chain->last = at;
    return true;
}

static bool add_text(pf_collection *c, pf_text_chain *chain, uint32_t key,
                     const char *text, pf_err *err)
{
    const char *value = keep_text(c, text, err);
    return value && add_kept(c, chain, key, value, err);
}

bool pf_collection_add_caption(pf_collection *c, pf_subject of, const char *text,
                               pf_err *err)
{
    if (text[0] == '\0')
        return true;
    c->n_captions++;
    return add_text(c,
                    of.is_case ? &c->cases[of.at].captions : &c->images[of.at].captions,
                    0, text, err);
}

bool pf_collection_add_attribute(pf_collection *c, pf_subject of, const char *key,
                                 const char *value, pf_err *err)
{
    if (value[0] == '\0')
        return true;
    pf_text_chain *chain =
        of.is_case ? &c->cases[of.at].attributes : &c->images[of.at].attributes;
    uint32_t place;
    char *owned;
    const char *clean = clean_nfc(value, &owned, err);
    const bool ok =
        clean && keep_key(c, key, &place, err) && add_text(c, chain, place, clean, err);
    pf_free(owned);
    return ok;
}

/* ---- gaps ---- */

static bool copy_texts(pf_collection *c, pf_text_chain *to, const pf_text_chain *from,
                       pf_err *err)
{
    bool ok = true;
    for (uint32_t at = from->first; ok && at; at = c->texts[at].next)
        ok = add_kept(c, to, c->texts[at].key, c->texts[at].value, err);
    return ok;
}

bool pf_collection_add_frame(pf_collection *c, pf_subject image, int frame, pf_err *err)
{
    const pf_collected_image like = c->images[image.at];
    pf_subject added;
    pf_collected_image same = like;
    same.frame = frame;
    if (!pf_collection_add_image(c, &same, &added, err))
        return false;
    pf_collected_image *is = &c->images[added.at];
    is->in_case = like.in_case;
    is->wants_row = like.wants_row;
    is->has_row = like.has_row;
    is->keeps_texts = like.keeps_texts;
    is->has_facts = like.has_facts;
    c->n_captions += like.captions.count;
    return copy_texts(c, &is->captions, &like.captions, err) &&
           copy_texts(c, &is->attributes, &like.attributes, err);
}

bool pf_collection_add_gap(pf_collection *c, const char *path, const char *reason,
                           pf_err *err)
{
    pf_collected_gap gap;
    if (!pf_grow_array(&c->gaps, &c->gaps_room, c->n_gaps, sizeof *c->gaps, err) ||
        !(gap.path = keep_bytes(c, path, err)) ||
        !(gap.reason = keep_text(c, reason, err)))
        return false;
    c->gaps[c->n_gaps++] = gap;
    return true;
}

bool pf_collection_is_in_gap(const pf_collection *c, const char *path)
{
    for (size_t i = 0; i < c->n_gaps; i++) {
        if (pf_path_is_under(path, c->gaps[i].path) ||
            strcmp(c->source, c->gaps[i].path) == 0)
            return true;
    }
    return false;
}

/* ---- rows that fit nothing, and notes ---- */

bool pf_collection_add_stale_row(pf_collection *c, const pf_stale_row *row, pf_err *err)
{
    pf_stale_row kept = *row;
    if (!pf_grow_array(&c->stale, &c->stale_room, c->n_stale, sizeof *c->stale, err) ||
        !(kept.table = keep_bytes(c, row->table, err)) ||
        !(kept.name = keep_text(c, row->name, err)))
        return false;
    c->stale[c->n_stale++] = kept;
    return true;
}

bool pf_collection_add_facts(pf_collection *c, const pf_collected_facts *facts,
                             pf_err *err)
{
    pf_collected_facts kept = *facts;
    if (!pf_grow_array(&c->facts, &c->facts_room, c->n_facts, sizeof *c->facts, err) ||
        !(kept.path = keep_bytes(c, facts->path, err)) ||
        (facts->text && !(kept.text = keep_text(c, facts->text, err))))
        return false;
    c->facts[c->n_facts++] = kept;
    return true;
}

bool pf_collection_misses_texts(const pf_collection *c)
{
    bool misses = c->keeps_texts;
    for (size_t i = 0; !misses && i < c->n_images; i++)
        misses = c->images[i].keeps_texts;
    return misses;
}

bool pf_collected_lacks_row(const pf_collected_image *image)
{
    return image->wants_row && !image->has_row;
}

bool pf_collection_add_note(pf_collection *c, const char *text, pf_err *err)
{
    const char *kept = keep_text(c, text, err);
    if (!kept ||
        !pf_grow_array(&c->notes, &c->notes_room, c->n_notes, sizeof *c->notes, err))
        return false;
    c->notes[c->n_notes++] = kept;
    return true;
}

/* ---- finishing ---- */

static int by_path_and_frame(const void *a, const void *b)
{
    const pf_collected_image *x = a, *y = b;
    const int order = strcmp(x->path, y->path);
    return order ? order : (x->frame > y->frame) - (x->frame < y->frame);
}

static void join(const pf_collection *c, pf_text_chain *chain,
                 const pf_text_chain *more)
{
    if (more->count == 0)
        return;
    if (chain->count == 0)
        chain->first = more->first;
    else
        c->texts[chain->last].next = more->first;
    chain->last = more->last;
    chain->count += more->count;
}

void pf_collection_finish(pf_collection *c)
{
    size_t unique = 0;
    if (c->n_images > 1)
        qsort(c->images, c->n_images, sizeof *c->images, by_path_and_frame);
    for (size_t i = 0; i < c->n_images; i++) {
        pf_collected_image *last = unique > 0 ? &c->images[unique - 1] : NULL;
        const pf_collected_image *image = &c->images[i];
        if (!last || by_path_and_frame(last, image) != 0) {
            c->images[unique++] = *image;
            continue;
        }
        join(c, &last->captions, &image->captions);
        join(c, &last->attributes, &image->attributes);
        if (last->in_case == 0)
            last->in_case = image->in_case;
        last->wants_row |= image->wants_row;
        last->has_row |= image->has_row;
        last->keeps_texts |= image->keeps_texts;
        last->has_facts |= image->has_facts;
    }
    c->n_images = unique;
}

const pf_collected_image *pf_collection_find(const pf_collection *c, const char *path,
                                             int frame)
{
    const pf_collected_image key = {.path = path, .frame = frame};
    return c->n_images == 0 ? NULL
                            : bsearch(&key, c->images, c->n_images, sizeof *c->images,
                                      by_path_and_frame);
}
