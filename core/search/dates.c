/* dates.c - see dates.h. */
#include "core/search/dates.h"

#include <stdio.h>
#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"

static const char *const keys[] = {"date", "study_date", "year"};

typedef struct {
    const pf_id_set *images;
    int64_t *dates;
    uint8_t *ranks; /* of the keys that these are from: the higher, the better */
    uint8_t rank;
    size_t next;    /* place of the image that may come */
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
    size_t at;
    (void)err;
    if (strncmp(value, r->value, sizeof r->value - 1) != 0) {
        snprintf(r->value, sizeof r->value, "%s", value);
        r->date = read_date(r->value);
    }
    if (r->date == 0 ||
        !pf_ids_find_next(r->images->ids, r->images->n, image_id, &r->next, &at))
        return true;
    if (r->rank > r->ranks[at] || r->date > r->dates[at]) {
        r->ranks[at] = r->rank;
        r->dates[at] = r->date;
    }
    return true;
}

bool pf_dates_load(int64_t **out, pf_store *store, const pf_id_set *images, pf_err *err)
{
    enum { N_KEYS = sizeof keys / sizeof *keys };
    reading r = {.images = images};
    r.dates = pf_alloc_array(images->n, sizeof *r.dates, err);
    r.ranks = pf_alloc_array(images->n, 1, err);
    bool ok = r.dates && r.ranks;
    for (size_t i = N_KEYS; ok && i-- > 0;) { /* the best comes last */
        r.rank++;
        ok = pf_store_each_value(store, keys[i], take, &r, err);
    }
    pf_free(r.ranks);
    if (!ok)
        pf_free(r.dates);
    *out = ok ? r.dates : NULL;
    return ok;
}
