/*
 * dims.h - the sizes of a model: read from what lies beside it, or from the tensors.
 *
 * Every number is range-checked here, so that products of them cannot overflow later.
 */
#ifndef PF_CORE_MODEL_DIMS_H
#define PF_CORE_MODEL_DIMS_H

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/checkpoint/weights.h"
#include "core/model/kernels.h"

typedef struct pf_family pf_family; /* family.h */

typedef enum {
    PF_VISION_VIT,
    PF_VISION_RESNET,
} pf_vision;

/* One stack of transformer blocks. */
typedef struct {
    int width, layers, heads, mlp;
    float eps; /* of the layer norms */
    pf_activation activation;
} pf_stack_dims;

typedef struct {
    const pf_family *family;
    const char *prefix; /* in front of every tensor name: "" or "module." */
    int embed;          /* length of the vectors */
    int image_size;     /* side of the square input the checkpoint was made for */

    pf_vision vision;
    pf_stack_dims vit; /* when vision is a ViT */
    int patch;         /* side of a patch, ViT only */
    int grid;          /* side of the grid of patches or of the ResNet's last map */
    int stages[4];     /* blocks per stage, ResNet only */
    int stem;          /* channels after the stem ("width"), ResNet only */
    int pool_heads;    /* of the attention pool, ResNet only */

    pf_stack_dims text;
    int context, vocab; /* tokens of a text at most; different tokens */
    int positions;      /* that the table has; at least `context` */
    int middle;         /* between two layers of the text's projection; else 0 */
    int end_id;         /* a text ends at its first; -1: at its highest id */
} pf_dims;

/* Rows in front of the patches: the class row, where the family has one. */
int pf_dims_class_rows(const pf_dims *d);

/* "ViT-B/32", "RN50", "RN50x4", or a description such as "ViT 128x3 /16". Writes at
 * most `size` bytes. */
void pf_dims_describe(const pf_dims *d, char *text, size_t size);
/* The same of the model, for catalogs and messages: "ViT-B/32", "SigLIP, ViT-B/16". */
void pf_dims_describe_model(const pf_dims *d, char *text, size_t size);
/* The same of the text tower: "12 blocks of width 512". */
void pf_dims_describe_text(const pf_dims *d, char *text, size_t size);

/* Parameters of the whole model, counted from the sizes. */
size_t pf_dims_parameters(const pf_dims *d);

/* Working memory of a forward pass, bytes for each text of the whole context or for
 * each picture; of a ResNet what does not depend on their number is left out. */
size_t pf_dims_text_bytes(const pf_dims *d);
size_t pf_dims_picture_bytes(const pf_dims *d);

/* Side of the grid that an input of side `size` ends in. */
int pf_dims_grid_for(const pf_dims *d, int size);

#endif
