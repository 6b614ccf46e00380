/*
 * tower.h - what the towers are made of; inside the model only.
 *
 * A pf_clip holds bound weights and never changes, but for each tower's weights being
 * packed before they are first used, by one thread while the others wait. A pf_session
 * holds one thread's working memory: it grows before a forward pass, never during one.
 */
#ifndef PF_CORE_MODEL_TOWER_H
#define PF_CORE_MODEL_TOWER_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/crew.h"
#include "core/model/bind.h"
#include "core/model/clip.h"
#include "core/model/family.h"
#include "core/model/pack.h"

typedef struct {
    pf_norm norm1, norm2;
    pf_linear query, key, value, output, up, down;
} pf_block;

/* Transformer blocks (transformer.c). */
typedef struct {
    pf_stack_dims dims;
    bool norms_follow; /* see family.h */
    pf_block *blocks;  /* [layers], owned */
} pf_stack;

typedef struct {
    pf_projection_kind kind;
    pf_linear first, second;
} pf_projection;

/* A norm that a tower does not have has no gain: NULL. */
typedef struct {
    pf_stack stack;
    const float *tokens;    /* [vocab, width] */
    const float *kind;      /* [width], added to each token; or NULL */
    const float *positions; /* [positions, width] */
    pf_norm first_norm, final_norm;
    pf_projection projection;
} pf_text_tower;

/* Attention pooling (pool.c): a query that is learnt, and an MLP. */
typedef struct {
    const float *probe; /* [width] */
    pf_linear query, key, value, output, up, down;
    pf_norm norm;
} pf_head;

typedef struct {
    pf_stack stack;
    pf_linear patches;      /* [width, 3 * patch * patch] */
    const float *class_row; /* [width], or NULL */
    const float *positions; /* [class rows + grid * grid, width] */
    pf_norm first_norm, final_norm;
    pf_head head; /* its probe is NULL: the class row is read */
    pf_projection projection;
} pf_vit_tower;

typedef struct {
    pf_conv reduce, spatial, expand, shortcut;
    size_t pool;       /* 2: average pool before expand and shortcut; 1: none */
    bool has_shortcut; /* a convolution on the way around */
} pf_bottleneck;

typedef struct {
    pf_conv stem[3];
    pf_bottleneck *blocks; /* all stages one after another, owned */
    size_t n_blocks;
    const float *positions; /* [1 + grid * grid, 32 * stem] */
    pf_linear query, key, value, output;
} pf_resnet_tower;

struct pf_clip {
    pf_dims dims;
    unsigned towers;
    pf_binder *binder;
    pf_text_tower text;
    pf_vit_tower vit;
    pf_resnet_tower resnet;
    float logit_scale; /* exp() applied */
    float logit_bias;  /* 0 without one */
    pf_hash hash;
    /* Of the text tower, of the image tower. */
    pf_precision precision[2];
    pf_pack *pack[2];         /* the weights of its layers; NULL: not yet */
    atomic_bool is_packed[2]; /* when this is true, no more is written to it */
    pthread_mutex_t packing;
    pf_hash identity; /* of the files behind it */
    bool is_identified;
};

/* Named buffers of a session; each keeps the largest size it was asked for. */
typedef enum {
    PF_ROOM_X,       /* the residual stream */
    PF_ROOM_NORMED,  /* after a layer norm, then the heads' output */
    PF_ROOM_QKV,     /* queries, keys and values side by side */
    PF_ROOM_MLP,     /* the wide middle of the MLP */
    PF_ROOM_HEAD,    /* what attention needs for one head */
    PF_ROOM_POOLED,  /* one row per sequence */
    PF_ROOM_PATCHES, /* pictures cut into patches */
    PF_ROOM_MAP_A,   /* feature maps of a ResNet */
    PF_ROOM_MAP_B,
    PF_ROOM_MAP_C,
    PF_ROOM_MAP_D,
    PF_ROOM_COLLECTED, /* maps of some pictures, while each goes alone */
    PF_ROOM_FIELDS,    /* receptive fields of a convolution */
    PF_ROOM_ROWS,      /* rows as products take them */
    PF_ROOM_COUNT,
} pf_room;

struct pf_session {
    const pf_clip *clip;
    pf_precision precision; /* of the tower that is at work */
    pf_crew *crew;          /* that helps with a pass; or NULL */
    float *room[PF_ROOM_COUNT];
    size_t room_size[PF_ROOM_COUNT];
    size_t *starts; /* first row of each sequence, and one past the last */
    size_t n_starts;
    pf_probe probe;
    void *probe_context;
};

PF_MUST_CHECK float *pf_session_room(pf_session *s, pf_room which, size_t n,
                                     pf_err *err);
/* `starts` for n sequences. */
PF_MUST_CHECK size_t *pf_session_starts(pf_session *s, size_t n, pf_err *err);
/* Room for `n` rows of `in` numbers as products take them, to be had before
 * pf_session_rows(). */
PF_MUST_CHECK bool pf_session_reserve(pf_session *s, size_t n, size_t in, pf_err *err);
/* x [n, l->in] as `l` takes it; there is room for one at a time. */
pf_rows pf_session_rows(pf_session *s, const pf_linear *l, const float *x, size_t n);
/* y[n, ldy] = rows w^T + bias, see pf_product. */
void pf_session_multiply(pf_session *s, const pf_product *p);
/* The same for x [n, l->in], without more. */
void pf_session_linear(pf_session *s, const pf_linear *l, const float *x, size_t n,
                       float *y, size_t ldy, bool add);
void pf_session_tell(const pf_session *s, const char *stage, const float *x,
                     size_t rows, size_t columns);

/* ---- layers (layers.c) ---- */

/* Layers as they are to be packed; the array is to be freed with pf_free(). */
typedef struct {
    pf_layer *at;
    size_t n, room;
    pf_precision precision; /* of the tower: set by the caller */
} pf_layers;

/* Add those of a bound tower, PF_CLIP_TEXT or PF_CLIP_IMAGE. */
PF_MUST_CHECK bool pf_layers_of(pf_layers *l, pf_clip *clip, unsigned tower,
                                pf_err *err);

/* ---- parts (parts.c) ---- */

PF_MUST_CHECK bool pf_norm_bind(pf_norm *norm, pf_binder *b, int width, pf_err *err,
                                const char *name);
/* "<stem>.<name>.weight", and ".bias" if it has one. */
PF_MUST_CHECK bool pf_linear_bind(pf_linear *l, pf_binder *b, int in, int out,
                                  bool has_bias, pf_err *err, const char *stem,
                                  const char *name);
/* Query, key and value from one matrix: "<stem>.<qkv>weight", "<stem>.<qkv>bias". */
PF_MUST_CHECK bool pf_qkv_bind(pf_linear *const l[3], pf_binder *b, int width,
                               pf_err *err, const char *stem, const char *qkv);
/* `middle`: between the two layers of PF_PROJECTION_TWO. */
PF_MUST_CHECK bool pf_projection_bind(pf_projection *p, pf_binder *b,
                                      const pf_projection_parts *parts, int in,
                                      int middle, int out, pf_err *err);
/* x [n, in] -> out [n, out]; stages are told as "<tower>.projection". */
PF_MUST_CHECK bool pf_projection_run(const pf_projection *p, pf_session *s,
                                     const float *x, size_t n, float *out,
                                     const char *tower, pf_err *err);
/* Tell a probe what a norm makes of all rows, of which only one is going to be used. */
PF_MUST_CHECK bool pf_norm_tell(const pf_norm *norm, float eps, pf_session *s,
                                const float *x, size_t rows, size_t width,
                                const char *stage, pf_err *err);

/* ---- blocks (transformer.c) ---- */

/* The caller frees stack->blocks with pf_free(). */
PF_MUST_CHECK bool pf_stack_bind(pf_stack *stack, pf_binder *b,
                                 const pf_stack_dims *dims, const pf_block_parts *parts,
                                 pf_err *err);

/*
 * Run all blocks over n sequences. PF_ROOM_X holds their rows one after another,
 * sequence i in rows starts[i] .. starts[i + 1] - 1; the row `pooled_row[i]` counted
 * from its start comes out in PF_ROOM_POOLED [n, width]. In the last block only the
 * pooled rows are computed past the keys and values, unless a probe wants to see them
 * all. With a causal mask the pooled row must be the last of its sequence, or all rows
 * are computed. `pooled_row` NULL: all rows, which stay in PF_ROOM_X.
 */
PF_MUST_CHECK bool pf_stack_run(const pf_stack *stack, pf_session *s, size_t n,
                                const size_t *pooled_row, bool is_causal,
                                const char *tower, pf_err *err);

/* ---- attention with one query (pool.c) ---- */

/* Of n pictures with `rows` rows each: query i at q + i * ldq (ldq 0: the same for all)
 * over keys and values kv [n, rows, 2 * width] -> out [n, width]. */
PF_MUST_CHECK bool pf_pool_attend(pf_session *s, const float *q, size_t ldq,
                                  const float *kv, size_t n, size_t rows, size_t width,
                                  size_t heads, float *out, pf_err *err);
PF_MUST_CHECK bool pf_head_bind(pf_head *head, pf_binder *b, const pf_stack_dims *dims,
                                const char *stem, pf_err *err);
/* x [n, rows, width] -> PF_ROOM_POOLED [n, width]. */
PF_MUST_CHECK bool pf_head_run(const pf_head *head, const pf_stack_dims *dims,
                               pf_session *s, const float *x, size_t n, size_t rows,
                               pf_err *err);

/* ---- towers ---- */

PF_MUST_CHECK bool pf_text_bind(pf_clip *clip, pf_err *err);
PF_MUST_CHECK bool pf_vit_bind(pf_clip *clip, pf_err *err);
PF_MUST_CHECK bool pf_resnet_bind(pf_clip *clip, pf_err *err);

/* pixels [n, 3, size, size] -> out [n, embed], not normalised. */
PF_MUST_CHECK bool pf_vit_embed(pf_session *s, const float *pixels, int size, size_t n,
                                float *out, pf_err *err);
PF_MUST_CHECK bool pf_text_embed(pf_session *s, const int32_t *ids,
                                 const size_t *lengths, size_t n, float *out,
                                 pf_err *err);
PF_MUST_CHECK bool pf_resnet_embed(pf_session *s, const float *pixels, int size,
                                   size_t n, float *out, pf_err *err);

#endif
