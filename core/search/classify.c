/* classify.c - see classify.h. */
#include "core/search/classify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

enum { TEXTS_AT_ONCE = 32 }; /* of labels in one forward pass: bounds its memory */

static const char blanks[] = " \t\r\n\v\f";
static const char hole[] = "{}"; /* where a template takes the label */

struct pf_classifier {
    size_t n, dim;
    float *vectors; /* [n, dim], each of length 1 */
    double scale;   /* exp(logit_scale) */
    double bias;    /* of logits, where each label is judged by itself */
    bool is_apart;  /* it is */
    size_t n_truncated;
};

/* ---- labels ---- */

void pf_labels_reset(pf_labels *labels)
{
    for (size_t i = 0; i < labels->n; i++) {
        pf_free(labels->name[i]);
        pf_free(labels->text[i]);
    }
    pf_free(labels->name);
    pf_free(labels->text);
    *labels = (pf_labels){0};
}

static bool check_template(const char *template, pf_err *err)
{
    const char *first = strstr(template, hole);
    if (!pf_utf8_is_valid(template, strlen(template)))
        return pf_fail(err, PF_ERR_MISUSE, "the template is no UTF-8");
    return (first && !strstr(first + strlen(hole), hole)) ||
           pf_fail(
               err, PF_ERR_MISUSE,
               "the template '%.*s' does not have {}, where the label goes, exactly "
               "once",
               pf_utf8_shown(template, strlen(template)), template);
}

static bool check_list(const char *list, size_t *n, pf_err *err)
{
    if (!pf_utf8_is_valid(list, strlen(list)))
        return pf_fail(err, PF_ERR_MISUSE, "the labels are no UTF-8");
    *n = 1;
    for (const char *comma = list; (comma = strchr(comma, ',')); comma++)
        ++*n;
    if (*n > PF_LABELS_MAX)
        return pf_fail(err, PF_ERR_MISUSE, "%zu labels, the most is %d", *n,
                       PF_LABELS_MAX);
    return true;
}

/* `n` bytes of the list are the next label. */
static bool add_label(pf_labels *out, const char *s, size_t n, const char *template,
                      pf_err *err)
{
    const size_t before = strspn(s, blanks);
    if (before >= n)
        return pf_fail(err, PF_ERR_MISUSE, "label %zu is empty", out->n + 1);
    s += before;
    n -= before;
    while (strchr(blanks, s[n - 1]))
        n--;
    for (size_t i = 0; i < out->n; i++) {
        if (strlen(out->name[i]) == n && memcmp(out->name[i], s, n) == 0)
            return pf_fail(err, PF_ERR_MISUSE, "the label '%.*s' is there twice",
                           pf_utf8_shown(s, n), s);
    }
    const char *at = strstr(template, hole);
    char **name = &out->name[out->n], **text = &out->text[out->n];
    out->n++;
    *name = pf_strndup(s, n, err);
    if (*name)
        *text = pf_strf(err, "%.*s%s%s", (int)(at - template), template, *name,
                        at + strlen(hole));
    return *text != NULL;
}

static bool add_labels(pf_labels *out, const char *list, const char *template,
                       pf_err *err)
{
    for (const char *s = list;; s++) {
        const size_t n = strcspn(s, ",");
        if (!add_label(out, s, n, template, err))
            return false;
        s += n;
        if (*s == '\0')
            break;
    }
    return out->n >= PF_LABELS_MIN ||
           pf_fail(err, PF_ERR_MISUSE,
                   "'%s' is the only label: there is nothing to choose from, commas "
                   "part labels",
                   out->name[0]);
}

bool pf_labels_parse(pf_labels *out, const char *list, const char *template,
                     pf_err *err)
{
    size_t n = 0;
    if (!check_template(template, err) || !check_list(list, &n, err))
        return false;
    out->name = pf_alloc_array(n, sizeof *out->name, err);
    out->text = pf_alloc_array(n, sizeof *out->text, err);
    if (out->name && out->text && add_labels(out, list, template, err))
        return true;
    pf_labels_reset(out);
    return false;
}

/* ---- the classifier ---- */

void pf_classifier_free(pf_classifier *c)
{
    if (!c)
        return;
    pf_free(c->vectors);
    pf_free(c);
}

size_t pf_classifier_truncated(const pf_classifier *c)
{
    return c->n_truncated;
}

static bool embed_labels(pf_classifier *c, const pf_labels *labels, pf_embedder *e,
                         pf_err *err)
{
    for (size_t i = 0; i < c->n; i += TEXTS_AT_ONCE) {
        const size_t n = c->n - i < TEXTS_AT_ONCE ? c->n - i : TEXTS_AT_ONCE;
        bool is_truncated[TEXTS_AT_ONCE];
        if (!pf_embed_texts(e, (const char *const *)labels->text + i, n,
                            c->vectors + i * c->dim, is_truncated, err))
            return false;
        for (size_t k = 0; k < n; k++)
            c->n_truncated += is_truncated[k];
    }
    return true;
}

bool pf_classifier_new(pf_classifier **out, const pf_labels *labels,
                       const pf_model *model, pf_err *err)
{
    *out = NULL;
    pf_embedder *e = NULL;
    pf_classifier *c = pf_zalloc(sizeof *c, err);
    if (!c)
        return false;
    c->n = labels->n;
    c->dim = (size_t)pf_model_dim(model);
    float bias = 0;
    c->scale = (double)pf_clip_logit_scale(pf_model_clip(model));
    c->is_apart = pf_clip_logit_bias(pf_model_clip(model), &bias);
    c->bias = (double)bias;
    c->vectors = pf_alloc_floats(c->n * c->dim, err);
    const bool ok = c->vectors && pf_embedder_new(&e, model, err) &&
                    embed_labels(c, labels, e, err);
    pf_embedder_free(e);
    if (ok)
        *out = c;
    else
        pf_classifier_free(c);
    return ok;
}

/* ---- classifying ---- */

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static int best_first(const void *a, const void *b)
{
    const pf_label_score *x = a, *y = b;
    if (x->cosine != y->cosine)
        return x->cosine > y->cosine ? -1 : 1;
    return x->label < y->label ? -1 : x->label > y->label;
}

/* Once they are in order the first has the largest exponent: taken off all of them,
 * none overflows and the sum is at least 1. */
static void softmax(pf_label_score *sorted, size_t n, double scale)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sorted[i].probability = exp(scale * (sorted[i].cosine - sorted[0].cosine));
        sum += sorted[i].probability;
    }
    for (size_t i = 0; i < n; i++)
        sorted[i].probability /= sum;
}

/* Far out exp() is 0 or infinite, and the probability 1 or 0. */
static void sigmoid(pf_label_score *scores, size_t n, double scale, double bias)
{
    for (size_t i = 0; i < n; i++)
        scores[i].probability = 1 / (1 + exp(-(scale * scores[i].cosine + bias)));
}

void pf_classify(const pf_classifier *c, const float *vector, pf_label_score *out)
{
    for (size_t i = 0; i < c->n; i++)
        out[i] = (pf_label_score){i, dot(c->vectors + i * c->dim, vector, c->dim), 0};
    qsort(out, c->n, sizeof *out, best_first);
    if (c->is_apart)
        sigmoid(out, c->n, c->scale, c->bias);
    else
        softmax(out, c->n, c->scale);
}

bool pf_classify_image(const pf_classifier *c, pf_reader *r, int64_t image_id,
                       pf_label_score *out, pf_err *err)
{
    bool found = false;
    float *vector = pf_alloc_floats(c->dim, err);
    bool ok = vector && pf_store_get_image_vector(pf_reader_store(r), image_id,
                                                  (int)c->dim, vector, &found, err);
    if (ok && !found)
        ok = pf_fail(err, PF_ERR_NOT_FOUND, "there is no image %lld in catalog '%s'",
                     (long long)image_id, pf_reader_folder(r));
    if (ok)
        pf_classify(c, vector, out);
    pf_free(vector);
    return ok;
}
