/* pack.c - see pack.h. */
#include "core/model/pack.h"

#include "core/base/cache_file.h"
#include "core/base/mem.h"
#include "core/base/team.h"
#include "core/model/winograd.h"

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
    const pf_layer *layer;
    size_t panel;
    char *memory; /* of the layer */
} piece;

typedef struct {
    piece *at;
    size_t n, room, size; /* size: bytes of all layers */
    size_t widest;        /* floats that the largest panel is made of */
} pieces;

static size_t size_of(const pf_layer *layer)
{
    return pf_packed_size(layer->precision, layer->linear->in, layer->linear->out);
}

static bool add_layer(pieces *p, const pf_layer *layer, pf_err *err)
{
    pf_linear *l = layer->linear;
    pf_packed_view(&l->packed, layer->precision, l->in, l->out, NULL);
    for (size_t i = 0; i < pf_packed_panels(&l->packed); i++) {
        if (!pf_grow_array(&p->at, &p->room, p->n, sizeof *p->at, err))
            return false;
        p->at[p->n++] = (piece){.layer = layer, .panel = i};
    }
    p->size += size_of(layer);
    const size_t of_row = l->in + (layer->conv ? layer->conv->kernel.in : 0);
    const size_t floats = of_row * PF_TILE_COLUMNS;
    p->widest = floats > p->widest ? floats : p->widest;
    return true;
}

/* Every layer looks at its part of `memory`. */
static void place(const pieces *p, char *memory)
{
    for (size_t i = 0; i < p->n; i++) {
        const pf_layer *layer = p->at[i].layer;
        pf_linear *l = layer->linear;
        if (i > 0 && layer != p->at[i - 1].layer)
            memory += size_of(p->at[i - 1].layer);
        if (p->at[i].panel == 0)
            pf_packed_view(&l->packed, layer->precision, l->in, l->out, memory);
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

/* Rows of a convolution's points, behind those of the kernel that they come of. */
static bool read_points(const packer *p, const pf_conv *conv, size_t first, size_t n,
                        pf_err *err)
{
    const size_t in = conv->kernel.in;
    float *kernel = p->rows + n * conv->points.in;
    size_t there = n;
    const size_t from = pf_winograd_from(conv, first, &there);
    if (there &&
        !p->read(p->context, conv->kernel.weight + from * in, there * in, kernel, err))
        return false;
    pf_winograd_fill(conv, first, n, kernel, p->rows);
    return true;
}

static bool pack_piece(void *member, size_t item, pf_err *err)
{
    const packer *p = member;
    const piece *c = &p->pieces->at[item];
    const pf_linear *l = c->layer->linear;
    const size_t first = c->panel * PF_TILE_COLUMNS, left = l->out - first;
    const size_t rows = left < PF_TILE_COLUMNS ? left : PF_TILE_COLUMNS;
    const bool ok = c->layer->conv ? read_points(p, c->layer->conv, first, rows, err)
                                   : p->read(p->context, l->weight + first * l->in,
                                             rows * l->in, p->rows, err);
    if (!ok)
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

bool pf_pack_make(pf_pack **out, const pf_layer *layers, size_t n, const pf_hash *key,
                  pf_pack_read *read, const void *context, pf_err *err)
{
    pieces p = {0};
    *out = pf_zalloc(sizeof **out, err);
    bool ok = *out != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = add_layer(&p, &layers[i], err);
    ok = ok && fill(*out, &p, key, read, context, err);
    pf_free(p.at);
    if (!ok) {
        pf_pack_free(*out);
        *out = NULL;
    }
    return ok;
}
