/* judged.c - see judged.h. Lists of questions, and those that captions make. */
#include "core/evaluate/judged.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/evaluate/judged_impl.h"

enum { QUESTIONS_MAX = 1000000 };

/* ---- lists ----------------------------------------------------------------------- */

void pf_judged_reset(pf_judged *j)
{
    pf_free(j->text);
    pf_id_set_reset(&j->right);
    pf_id_set_reset(&j->captions);
    *j = (pf_judged){0};
}

void pf_judged_list_reset(pf_judged_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        pf_judged_reset(&list->at[i]);
    pf_free(list->at);
    *list = (pf_judged_list){0};
}

static bool make_place(pf_judged_list *list, pf_err *err)
{
    if (list->n == QUESTIONS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d questions", QUESTIONS_MAX);
    return pf_grow_array(&list->at, &list->room, list->n, sizeof *list->at, err);
}

bool pf_judged_add(pf_judged_list *list, pf_judged *j, pf_err *err)
{
    const bool ok = make_place(list, err);
    if (ok)
        list->at[list->n++] = *j;
    else
        pf_judged_reset(j);
    *j = (pf_judged){0};
    return ok;
}

/* ---- a catalog's captions -------------------------------------------------------- */

typedef struct {
    int64_t id, image_id;
    char *text; /* owned until a question takes it */
} caption;

typedef struct {
    const pf_id_set *images;
    caption *at;
    size_t n, room;
} caption_list;

static bool take_caption(void *user, int64_t id, int64_t image_id, pf_err *err)
{
    caption_list *l = user;
    if (!pf_id_set_has(l->images, image_id))
        return true;
    if (!pf_grow_array(&l->at, &l->room, l->n, sizeof *l->at, err))
        return false;
    l->at[l->n++] = (caption){.id = id, .image_id = image_id};
    return true;
}

static bool read_texts(caption_list *l, pf_store *store, pf_err *err)
{
    const size_t limit = pf_store_text_limit(store);
    for (size_t i = 0, n = 0; i < l->n; i++) {
        int64_t image_id;
        if (!pf_store_get_caption(store, l->at[i].id, &l->at[i].text, &image_id, err))
            return false;
        if (!l->at[i].text)
            return pf_fail(err, PF_ERR_FORMAT, "caption %lld has no text",
                           (long long)l->at[i].id);
        n += strlen(l->at[i].text);
        if (n > limit)
            return pf_fail(err, PF_ERR_LIMIT,
                           "the captions have more text than %zu bytes, as many as "
                           "the catalog has",
                           limit);
    }
    return true;
}

static int by_text(const void *a, const void *b)
{
    const caption *x = a, *y = b;
    const int order = strcmp(x->text, y->text);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static int by_first_caption(const void *a, const void *b)
{
    const pf_judged *x = a, *y = b;
    return pf_ids_compare(&x->captions.ids[0], &y->captions.ids[0]);
}

/* The captions from `first` to before `end` have one text. */
static bool add_text(pf_judged_list *out, caption_list *l, size_t first, size_t end,
                     pf_err *err)
{
    pf_judged j = {0};
    const size_t n = end - first;
    j.right.ids = pf_alloc_array(n, sizeof *j.right.ids, err);
    j.captions.ids = pf_alloc_array(n, sizeof *j.captions.ids, err);
    if (!j.right.ids || !j.captions.ids) {
        pf_judged_reset(&j);
        return false;
    }
    j.right.n = j.captions.n = n;
    for (size_t i = 0; i < n; i++) {
        j.right.ids[i] = l->at[first + i].image_id;
        j.captions.ids[i] = l->at[first + i].id;
    }
    j.right.n = pf_ids_sort(j.right.ids, n);
    j.text = l->at[first].text;
    l->at[first].text = NULL;
    return pf_judged_add(out, &j, err);
}

static bool group_texts(pf_judged_list *out, caption_list *l, pf_err *err)
{
    for (size_t first = 0, end; first < l->n; first = end) {
        /* the first's text goes away: compare with the second from the end on */
        for (end = first + 1; end < l->n; end++) {
            if (strcmp(l->at[first].text, l->at[end].text) != 0)
                break;
        }
        if (!add_text(out, l, first, end, err))
            return false;
    }
    return true;
}

bool pf_judged_captions(pf_judged_list *out, pf_store *store, const pf_id_set *images,
                        pf_err *err)
{
    caption_list l = {.images = images};
    bool ok = pf_store_each_caption(store, take_caption, &l, err) &&
              read_texts(&l, store, err);
    if (ok && l.n > 0) {
        qsort(l.at, l.n, sizeof *l.at, by_text);
        ok = group_texts(out, &l, err);
    }
    if (ok && out->n > 0)
        qsort(out->at, out->n, sizeof *out->at, by_first_caption);
    for (size_t i = 0; i < l.n; i++)
        pf_free(l.at[i].text);
    pf_free(l.at);
    return ok;
}
