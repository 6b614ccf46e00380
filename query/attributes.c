/* attributes.c - see attributes.h. */
#include "query/attributes.h"

#include <stdbool.h>
#include <string.h>

#include "cli/term.h"

enum { VALUE_COLUMNS = 40 };

/* Of the keys that importers give and tables mostly have. */
static const char *const first_keys[] = {
    "modality", "body_part", "anatomy", "diagnosis", "findings", "finding",
    "view",     "side",      "sex",     "age",       "year",     "date",
};

static bool is_first_key(const char *key)
{
    for (size_t i = 0; i < sizeof first_keys / sizeof *first_keys; i++) {
        if (strcmp(first_keys[i], key) == 0)
            return true;
    }
    return false;
}

size_t attributes_choose(const pf_hit *h, size_t out[ATTRIBUTES_SHOWN])
{
    size_t n = 0;
    for (size_t k = 0; k < sizeof first_keys / sizeof *first_keys; k++) {
        for (size_t i = 0; i < h->n_attributes && n < ATTRIBUTES_SHOWN; i++) {
            if (strcmp(h->attributes[i].key, first_keys[k]) == 0)
                out[n++] = i;
        }
    }
    for (size_t i = 0; i < h->n_attributes && n < ATTRIBUTES_SHOWN; i++) {
        if (!is_first_key(h->attributes[i].key))
            out[n++] = i;
    }
    return n;
}

char *attributes_line(const pf_hit *h)
{
    size_t chosen[ATTRIBUTES_SHOWN], size;
    const size_t n = attributes_choose(h, chosen);
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < n; i++) {
        const pf_attribute *a = &h->attributes[chosen[i]];
        const size_t all = strlen(a->value);
        const size_t shown = pf_term_fitting(a->value, all, VALUE_COLUMNS);
        fprintf(out, "%s%s=%.*s%s", i > 0 ? "  " : "", a->key, (int)shown, a->value,
                shown < all ? "\xE2\x80\xA6" : "");
    }
    return out && fclose(out) == 0 ? text : NULL;
}
