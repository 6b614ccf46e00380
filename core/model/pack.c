/* pack.c - see pack.h. */
#include "core/model/pack.h"

#include "core/base/cache_file.h"
#include "core/base/mem.h"
#include "core/base/team.h"

enum { THREADS_MAX = 8 };

static const pf_cache_kind weights = {"weights-", 4 << 20};

struct pf_pack {
    float *memory;      /* of all layers; NULL: they are mapped */
    pf_cache_file file; /* all zero: they are in memory */
};

void pf_pack_free(pf_pack *pack)
{
    if (!pack)
        return;
    pf_cache_file_close(&pack->file);
    pf_free(pack->memory);
    pf_free(pack);
}

/* ---- what goes where ---- */

/* A panel of a layer. */
typedef struct {
    pf_linear *layer;
    size_t panel;
    char *memory; /* of the layer */
} piece;

typedef struct {
    piece *at;
    size_t n, room, size; /* size: bytes of all layers */
    size_t widest;        /* floats of the largest panel */
} pieces;

static bool add_layer(pieces *p, pf_linear *l, pf_precision precision, pf_err *err)
{
    pf_packed_view(&l->packed, precision, l->in, l->out, NULL);
    for (size_t i = 0; i < pf_packed_panels(&l->packed); i++) {
        if (!pf_grow_array(&p->at, &p->room, p->n, sizeof *p->at, err))
            return false;
        p->at[p->n++] = (piece){.layer = l, .panel = i};
    }
    p->size += pf_packed_size(precision, l->in, l->out);
    const size_t floats = l->in * PF_TILE_COLUMNS;
    p->widest = floats > p->widest ? floats : p->widest;
    return true;
}

/* Every layer looks at its part of `memory`. */
static void place(const pieces *p, char *memory)
{
    for (size_t i = 0; i < p->n; i++) {
        pf_linear *l = p->at[i].layer;
        const pf_precision precision = l->packed.precision;
        if (i > 0 && l != p->at[i - 1].layer) {
            const pf_linear *last = p->at[i - 1].layer;
            memory += pf_packed_size(precision, last->in, last->out);
        }
        if (p->at[i].panel == 0)
            pf_packed_view(&l->packed, precision, l->in, l->out, memory);
        p->at[i].memory = memory;
    }
}

/* ---- packing ---- */

typedef struct {
    const pieces *pieces;
    pf_pack_read *read;
    const void *context;
    float *rows; /* of a panel */
} packer;

static bool pack_piece(void *member, size_t item, pf_err *err)
{
    const packer *p = member;
    const piece *c = &p->pieces->at[item];
    const pf_linear *l = c->layer;
    const size_t first = c->panel * PF_TILE_COLUMNS, left = l->out - first;
    const size_t rows = left < PF_TILE_COLUMNS ? left : PF_TILE_COLUMNS;
    if (!p->read(p->context, l->weight + first * l->in, rows * l->in, p->rows, err))
        return false;
    pf_packed_fill(&l->packed, c->panel, p->rows, c->memory);
    return true;
}

static bool pack_all(const pieces *p, pf_pack_read *read, const void *context,
                     pf_err *err)
{
    packer of[THREADS_MAX] = {{0}};
    void *members[THREADS_MAX];
    const size_t n = pf_team_cores(THREADS_MAX);
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        of[i] = (packer){p, read, context, pf_alloc_floats(p->widest, err)};
        members[i] = &of[i];
        ok = ok && of[i].rows;
    }
    const pf_team team = {
        .work = pack_piece, .members = members, .n_members = n, .n_items = p->n};
    ok = ok && pf_team_run(&team, err);
    for (size_t i = 0; i < n; i++)
        pf_free(of[i].rows);
    return ok;
}

static bool pack_in_memory(pf_pack *pack, const pieces *p, pf_pack_read *read,
                           const void *context, pf_err *err)
{
    pack->memory = pf_alloc_floats(p->size / sizeof(float), err);
    if (!pack->memory)
        return false;
    place(p, (char *)pack->memory);
    return pack_all(p, read, context, err);
}

/* From the file, or made and written to it. */
static bool fill(pf_pack *pack, const pieces *p, const pf_hash *key, pf_pack_read *read,
                 const void *context, pf_err *err)
{
    if (key && pf_cache_file_find(&pack->file, &weights, key, p->size)) {
        place(p, (char *)pack->file.bytes); /* only looked at */
        return true;
    }
    if (!pack_in_memory(pack, p, read, context, err))
        return false;
    if (key)
        pf_cache_file_keep(&weights, key, pack->memory, p->size);
    return true;
}

bool pf_pack_make(pf_pack **out, pf_linear *const *layers, size_t n,
                  pf_precision precision, const pf_hash *key, pf_pack_read *read,
                  const void *context, pf_err *err)
{
    pieces p = {0};
    *out = pf_zalloc(sizeof **out, err);
    bool ok = *out != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = add_layer(&p, layers[i], precision, err);
    ok = ok && fill(*out, &p, key, read, context, err);
    pf_free(p.at);
    if (!ok) {
        pf_pack_free(*out);
        *out = NULL;
    }
    return ok;
}
