/* dates.c - see dates.h. */
#include "core/search/dates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static const char *const keys[] = {"date", "study_date", "year"};

typedef struct {
    pf_dated_image image;
    int key; /* the lower, the better */
} found_date;

typedef struct {
    found_date *found;
    size_t n, room;
    int key;
    char value[24]; /* the last that was read, */
    int64_t date;   /* and what it says */
} reading;

/* The number that these digits make; false unless they are so many and within. */
static bool take_digits(const char **at, size_t n, int64_t most, int64_t *out)
{
    int64_t number = 0;
    for (size_t i = 0; i < n; i++) {
        const char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        number = 10 * number + (c - '0');
    }
    if (number > most)
        return false;
    *at += n;
    *out = number;
    return true;
}

/* 0: it is no date. A part that cannot be read ends it. */
static int64_t read_date(const char *text)
{
    static const struct {
        char before[3];
        int64_t most;
    } parts[] = {{"-", 12}, {"-", 31}, {"T ", 23}, {":", 59}, {":", 60}};
    int64_t date, part;
    if (!take_digits(&text, 4, 9999, &date) || (*text >= '0' && *text <= '9'))
        return 0;
    bool goes_on = true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        goes_on = goes_on && *text != '\0' && strchr(parts[i].before, *text) &&
                  (text++, take_digits(&text, 2, parts[i].most, &part));
        date = 100 * date + (goes_on ? part : 0);
    }
    return date;
}

/* Values come in a row. */
static bool take(void *user, int64_t image_id, const char *value, pf_err *err)
{
    reading *r = user;
    if (strncmp(value, r->value, sizeof r->value - 1) != 0) {
        snprintf(r->value, sizeof r->value, "%s", value);
        r->date = read_date(r->value);
    }
    if (r->date == 0)
        return true;
    if (!pf_grow_array(&r->found, &r->room, r->n, sizeof *r->found, err))
        return false;
    r->found[r->n++] = (found_date){{image_id, r->date}, r->key};
    return true;
}

/* Of an image what counts comes first. */
static int by_image(const void *a, const void *b)
{
    const found_date *x = a, *y = b;
    if (x->image.id != y->image.id)
        return x->image.id > y->image.id ? 1 : -1;
    if (x->key != y->key)
        return x->key - y->key;
    return (x->image.date < y->image.date) - (x->image.date > y->image.date);
}

bool pf_dates_load(pf_dates *out, pf_store *store, pf_err *err)
{
    reading r = {0};
    bool ok = true;
    for (; ok && r.key < (int)(sizeof keys / sizeof *keys); r.key++)
        ok = pf_store_each_value(store, keys[r.key], take, &r, err);
    out->images = ok ? pf_alloc_array(r.n, sizeof *out->images, err) : NULL;
    if (out->images && r.n > 0)
        qsort(r.found, r.n, sizeof *r.found, by_image);
    for (size_t i = 0; out->images && i < r.n; i++) {
        if (i == 0 || r.found[i].image.id != r.found[i - 1].image.id)
            out->images[out->n++] = r.found[i].image;
    }
    pf_free(r.found);
    return out->images != NULL;
}

void pf_dates_reset(pf_dates *dates)
{
    pf_free(dates->images);
    *dates = (pf_dates){0};
}
