/* edits.c - see edits.h. All that is said about an image becomes a list of lines, here
 * and from the store, and the sorted lists are compared. */
#include "indexer/edits.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

typedef struct {
    pf_text_kind kind;
    const char *key, *value; /* borrowed; the key of a caption is "" */
} line;

typedef struct {
    line *at;
    size_t count, room;
    size_t n_met; /* of the store's lines, which come in the order of these */
    bool differs;
    bool had_document; /* its case in the store is one */
} line_list;

static int by_all(const void *a, const void *b)
{
    const line *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    const int order = strcmp(x->key, y->key);
    return order ? order : strcmp(x->value, y->value);
}

static bool add_line(line_list *list, pf_text_kind kind, const char *key,
                     const char *value, pf_err *err)
{
    if (!pf_grow_array(&list->at, &list->room, list->count, sizeof *list->at, err))
        return false;
    list->at[list->count++] = (line){kind, key, value};
    return true;
}

static bool add_chain(line_list *list, pf_text_kind kind, const pf_collection *found,
                      const pf_text_chain *chain, bool has_keys, pf_err *err)
{
    bool ok = true;
    for (uint32_t at = chain->first; ok && at; at = found->texts[at].next)
        ok = add_line(list, kind, has_keys ? found->keys[found->texts[at].key] : "",
                      found->texts[at].value, err);
    return ok;
}

/* Each line once, in order. */
static void tidy(line_list *list)
{
    size_t unique = 0;
    if (list->count > 1)
        qsort(list->at, list->count, sizeof *list->at, by_all);
    for (size_t i = 0; i < list->count; i++) {
        if (i == 0 || by_all(&list->at[unique - 1], &list->at[i]) != 0)
            list->at[unique++] = list->at[i];
    }
    list->count = unique;
}

static bool list_found(line_list *list, const pf_collection *found,
                       const pf_collected_image *image, pf_err *err)
{
    list->count = list->n_met = 0;
    list->differs = list->had_document = false;
    bool ok = add_chain(list, PF_TEXT_CAPTION, found, &image->captions, false, err) &&
              add_chain(list, PF_TEXT_ATTRIBUTE, found, &image->attributes, true, err);
    if (ok && image->in_case > 0) {
        const pf_collected_case *c = &found->cases[image->in_case - 1];
        ok = add_line(list, PF_TEXT_CASE, c->key, c->title, err) &&
             add_chain(list, PF_TEXT_CASE_CAPTION, found, &c->captions, false, err) &&
             add_chain(list, PF_TEXT_CASE_ATTRIBUTE, found, &c->attributes, true, err);
    }
    tidy(list);
    return ok;
}

static bool meet(void *context, pf_text_kind kind, const char *key, const char *value,
                 pf_err *err)
{
    line_list *list = context;
    const line stored = {kind, key, value};
    (void)err;
    list->had_document |=
        kind == PF_TEXT_CASE &&
        strncmp(key, PF_CASE_OF_DOCUMENT, strlen(PF_CASE_OF_DOCUMENT)) == 0;
    if (list->n_met == list->count || by_all(&list->at[list->n_met], &stored) != 0)
        list->differs = true;
    else
        list->n_met++;
    return true;
}

bool pf_edits_brings_texts(const pf_source *source, const pf_plan_item *item)
{
    return item->image_id != 0 && item->kind != PF_PLAN_CHANGED &&
           item->source_id != source->id && !item->has_lost_document &&
           pf_collected_is_bare(item->image);
}

static bool compare(line_list *list, const pf_source *source, pf_plan_item *item,
                    pf_store *store, pf_err *err)
{
    const bool brings = pf_edits_brings_texts(source, item);
    if (!list_found(list, &source->found, item->image, err) ||
        !pf_store_each_text_of_image(store, item->image_id, meet, list, err))
        return false;
    const bool differs = list->differs || list->n_met < list->count;
    item->has_lost_document = list->had_document;
    item->has_new_texts =
        differs && ((!item->image->keeps_rows && !brings) || list->had_document);
    return true;
}

bool pf_edits_find(pf_source *source, pf_store *store, pf_err *err)
{
    line_list list = {0};
    bool ok = true;
    for (size_t i = 0; ok && store && i < source->plan.count; i++) {
        pf_plan_item *item = &source->plan.items[i];
        if (item->image_id == 0 || item->failure || item->is_others ||
            item->image->keeps_texts ||
            (!source->texts_changed && !pf_edits_brings_texts(source, item)))
            continue;
        ok = compare(&list, source, item, store, err);
    }
    pf_free(list.at);
    return ok;
}
