/*
 * tower.h - what the towers are made of; inside the model only.
 *
 * A pf_clip holds bound weights and never changes. A pf_session holds one thread's
 * working memory: it grows before a forward pass, never during one.
 */
#ifndef PF_CORE_MODEL_TOWER_H
#define PF_CORE_MODEL_TOWER_H

#include "core/model/bind.h"
#include "core/model/clip.h"

typedef struct {
    pf_norm norm1, norm2;
    pf_linear query, key, value, output, up, down;
} pf_block;

/* Pre-norm transformer blocks: x += attention(norm1(x)); x += mlp(norm2(x)). */
typedef struct {
    pf_stack_dims dims;
    pf_block *blocks; /* [layers], owned */
} pf_stack;

typedef struct {
    pf_stack stack;
    const float *tokens;    /* [vocab, width] */
    const float *positions; /* [context, width] */
    pf_norm final_norm;
    pf_linear projection; /* no bias */
} pf_text_tower;

typedef struct {
    pf_stack stack;
    pf_linear patches;      /* [width, 3 * patch * patch], no bias */
    const float *class_row; /* [width] */
    const float *positions; /* [1 + grid * grid, width] */
    pf_norm first_norm, final_norm;
    pf_linear projection;
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
    pf_hash hash;
};

/* Named buffers of a session; each keeps the largest size it was asked for. */
typedef enum {
    PF_ROOM_X,       /* the residual stream */
    PF_ROOM_NORMED,  /* after a layer norm, then the heads' output */
    PF_ROOM_QKV,     /* queries, keys and values side by side */
    PF_ROOM_MLP,     /* the wide middle of the MLP */
    PF_ROOM_SCORES,  /* attention weights of one head */
    PF_ROOM_POOLED,  /* one row per sequence */
    PF_ROOM_PATCHES, /* pictures cut into patches */
    PF_ROOM_MAP_A,   /* feature maps of a ResNet */
    PF_ROOM_MAP_B,
    PF_ROOM_MAP_C,
    PF_ROOM_MAP_D,
    PF_ROOM_COLUMNS, /* receptive fields of a convolution */
    PF_ROOM_COUNT,
} pf_room;

struct pf_session {
    const pf_clip *clip;
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
void pf_session_tell(const pf_session *s, const char *stage, const float *x,
                     size_t rows, size_t columns);

/* Bind the blocks of a tower. The caller frees stack->blocks with pf_free(). */
PF_MUST_CHECK bool pf_stack_bind(pf_stack *stack, pf_binder *b,
                                 const pf_stack_dims *dims, pf_names names,
                                 bool is_text, pf_err *err);
PF_MUST_CHECK bool pf_norm_bind(pf_norm *norm, pf_binder *b, int width, pf_err *err,
                                const char *name);
/* x [out] without bias, stored as `transposed` [in, out] by OpenAI. */
PF_MUST_CHECK bool pf_projection_bind(pf_linear *l, pf_binder *b, int in, int out,
                                      pf_names names, pf_err *err, const char *name);

/*
 * Run all blocks over n sequences. PF_ROOM_X holds their rows one after another,
 * sequence i in rows starts[i] .. starts[i + 1] - 1; the row `pooled_row[i]` counted
 * from its start comes out in PF_ROOM_POOLED [n, width]. In the last block only the
 * pooled rows are computed past the keys and values, unless a probe wants to see them
 * all. With a causal mask the pooled row must be the last of its sequence, or all rows
 * are computed.
 */
PF_MUST_CHECK bool pf_stack_run(const pf_stack *stack, pf_session *s, size_t n,
                                const size_t *pooled_row, bool is_causal,
                                const char *tower, pf_err *err);

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
