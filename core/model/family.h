/*
 * family.h - what a kind of checkpoint is: the names of its tensors, the parts of the
 * towers that they fill, and where its sizes stand.
 *
 * The forward pass is one (text.c, vit.c, transformer.c, pool.c, resnet.c); families
 * are descriptions of it. A new one is a file with a pf_family and a row in families.c;
 * a part that none had so far is a field here, and the place in the forward pass that
 * looks at it. Everything in a family is static and never changes.
 */
#ifndef PF_CORE_MODEL_FAMILY_H
#define PF_CORE_MODEL_FAMILY_H

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/notes.h"
#include "core/checkpoint/weights.h"
#include "core/image/preprocess.h"
#include "core/model/dims.h"
#include "core/tokenizer/tokenizer.h"

/* The blocks of a tower: those of `stem` are "<stem>.0", "<stem>.1" and so on, and what
 * follows are names behind that and a dot; ".weight" and ".bias" come behind them. */
typedef struct {
    const char *stem;
    const char *norm1, *norm2;
    const char *qkv; /* one matrix of query, key, value, in this order: "<qkv>weight",
                        "<qkv>bias"; NULL: three of them, as follows */
    const char *query, *key, *value;
    const char *output, *up, *down;
    bool norms_follow; /* post-norm: x = norm(x + f(x)); otherwise x += f(norm(x)) */
} pf_block_parts;

/* From a tower's row to the vector. */
typedef enum {
    PF_PROJECTION_NONE,   /* it is the vector */
    PF_PROJECTION_IN_OUT, /* a matrix [in, out]: tensor `name` itself, as OpenAI has it
                           */
    PF_PROJECTION_OUT_IN, /* a linear layer without bias: "<name>.weight" */
    PF_PROJECTION_BIASED, /* the same with "<name>.bias" */
    PF_PROJECTION_TWO,    /* two of them without bias, exact GELU between */
} pf_projection_kind;

typedef struct {
    pf_projection_kind kind;
    const char *name, *second;
} pf_projection_parts;

/* Which row of a text is the text's. */
typedef enum {
    PF_POOL_END,   /* where it ends, by its ids (pf_dims.end_id) */
    PF_POOL_FIRST, /* the first */
    PF_POOL_LAST,  /* the last of the context, to which every text is padded */
} pf_pooling;

typedef struct {
    const char *tokens; /* tensor [vocab, width] */
    const char *kinds;  /* tensor [2, width], row 0 is added to each token; or NULL */
    const char *positions;  /* tensor [positions, width] */
    const char *first_norm; /* behind the sum of these; or NULL */
    pf_block_parts blocks;
    const char *final_norm; /* or NULL */
    pf_projection_parts projection;
    pf_pooling pooling;
    bool is_causal;     /* a token sees none behind it */
    bool hides_padding; /* no token sees one whose id is 0 */
} pf_text_parts;

typedef struct {
    const char *patches; /* convolution: "<patches>.weight", "<patches>.bias" */
    bool patches_have_bias;
    const char *class_row;  /* tensor [width], in front of the patches; or NULL */
    const char *positions;  /* tensor [rows, width] */
    bool is_boxed;          /* class row and positions have a size of 1 in front */
    const char *first_norm; /* in front of the blocks; or NULL */
    pf_block_parts blocks;
    const char *final_norm;
    const char *head; /* attention pooling with a probe (pool.c); NULL: the class row */
    pf_projection_parts projection;
} pf_image_parts;

/* What lies beside a checkpoint and says how it is meant, or was said by the user. */
typedef struct {
    const pf_json *config;       /* Hugging Face's config.json, or NULL */
    const pf_json *open_clip;    /* open_clip_config.json, or NULL */
    const pf_json *preprocessor; /* preprocessor_config.json, or NULL */
    bool is_open_clip_file;      /* it has the name that open_clip gives its own */
    pf_activation activation;    /* that was asked for, or UNKNOWN */
} pf_beside;

struct pf_family {
    const char *name; /* for people and for --info: "SigLIP" */
    /* Tensors that no other family has; one of them is enough. NULL behind the last. */
    const char *telltales[4];
    const char *ignored[4]; /* tensors that may be there and are not needed */
    pf_text_parts text;
    pf_image_parts image;
    const char *published;  /* the name that its models go by; NULL: they have many */
    const char *licence;    /* of the weights that are published in it; NULL: various */
    const char *logit_bias; /* tensor: labels are judged each by itself; or NULL */
    pf_tokenizer_kind tokenizer;

    /* Fill the sizes of *d, whose family and prefix are set. */
    bool (*read_dims)(pf_dims *d, const pf_weights *w, const pf_beside *beside,
                      pf_notes *notes, pf_err *err);
    /* How the pictures of a model of these sizes are prepared. */
    bool (*read_preprocess)(pf_preprocess *p, const pf_dims *d, const pf_beside *beside,
                            pf_err *err);
};

extern const pf_family pf_family_hf_clip; /* Hugging Face's CLIPModel */
extern const pf_family pf_family_openai;  /* OpenAI's CLIP, open_clip's of its kind */
extern const pf_family pf_family_biomedclip; /* open_clip's, of a timm ViT and a BERT */
extern const pf_family pf_family_siglip;     /* Hugging Face's SiglipModel */

/* Which family the tensors are of, and what stands in front of their names (static).
 * UNSUPPORTED, by name where it is known: none of these; FORMAT: of two. */
PF_MUST_CHECK bool pf_family_find(const pf_family **out, const char **prefix,
                                  const pf_weights *weights, pf_err *err);

#endif
