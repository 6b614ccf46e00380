/*
 * judged_file.c - see judged.h. Questions from a file: a table, or JSON Lines.
 */
#include "core/evaluate/judged.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/base/utf8.h"
#include "core/evaluate/judged_impl.h"
#include "core/search/filter.h"

enum {
    FILE_MAX_BYTES = 256 << 20,
    PHRASE_MAX_BYTES = 1 << 16,
    KNOWN_MAX = 256,         /* values of attributes whose images are remembered, */
    KNOWN_IDS_MAX = 4 << 20, /* and images of all of them */
};

/* ---- what all kinds share -------------------------------------------------------- */

/* A set that grows; ids come in any order and more than once. */
typedef struct {
    pf_id_set set;
    size_t room;
} growing;

static bool grow(growing *g, int64_t id, pf_err *err)
{
    if (!pf_grow_array(&g->set.ids, &g->room, g->set.n, sizeof *g->set.ids, err))
        return false;
    g->set.ids[g->set.n++] = id;
    return true;
}

/* Ascending, each once, and only those in `among` (NULL: all). */
static void settle(pf_id_set *set, const pf_id_set *among)
{
    const size_t n = pf_ids_sort(set->ids, set->n);
    set->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!among || pf_id_set_has(among, set->ids[i]))
            set->ids[set->n++] = set->ids[i];
    }
}

typedef struct {
    pf_judged_list *out;
    pf_store *store;
    const pf_id_set *images;
    pf_notes *notes;
    const atomic_int *stop; /* or NULL */
    size_t line;
} reading;

static bool is_stopped(const reading *r, pf_err *err)
{
    if (!r->stop || atomic_load(r->stop) == 0)
        return false;
    pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool check_phrase(const char *phrase, pf_err *err)
{
    const size_t n = strlen(phrase);
    if (phrase[strspn(phrase, " \t\r\n")] == '\0')
        return pf_fail(err, PF_ERR_FORMAT, "the phrase is empty");
    if (n > PHRASE_MAX_BYTES)
        return pf_fail(err, PF_ERR_LIMIT, "the phrase has more than %d bytes",
                       PHRASE_MAX_BYTES);
    return pf_utf8_is_valid(phrase, n) ||
           pf_fail(err, PF_ERR_FORMAT, "the phrase is not UTF-8");
}

/* A question with `right`, which is taken. */
static bool add_question(reading *r, const char *phrase, growing *right, pf_err *err)
{
    pf_judged j = {.right = right->set};
    *right = (growing){0};
    settle(&j.right, r->images);
    if (j.right.n == 0) {
        pf_notes_add(r->notes, "line %zu: no image answers '%.*s', it is skipped",
                     r->line, pf_utf8_shown(phrase, strlen(phrase)), phrase);
        r->out->skipped++;
        pf_judged_reset(&j);
        return true;
    }
    if (!(j.text = pf_strdup(phrase, err))) {
        pf_judged_reset(&j);
        return false;
    }
    return pf_judged_add(r->out, &j, err);
}

static bool add_id(reading *r, growing *right, int64_t id, pf_err *err)
{
    char *path = NULL;
    int frame;
    if (id > 0 && !pf_store_get_image_path(r->store, id, &path, &frame, NULL, err))
        return false;
    const bool is_there = path != NULL;
    pf_free(path);
    return is_there ? grow(right, id, err)
                    : pf_fail(err, PF_ERR_NOT_FOUND,
                              "there is no image %lld in the catalog", (long long)id);
}

/* ---- cells ----------------------------------------------------------------------- */

static bool read_id(const char *s, size_t n, int64_t *id, pf_err *err)
{
    *id = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9' || *id > (INT64_MAX - 9) / 10)
            return pf_fail(err, PF_ERR_FORMAT, "'%.*s' is no number of an image",
                           pf_utf8_shown(s, n), s);
        *id = 10 * *id + (s[i] - '0');
    }
    return true;
}

/* "12 15;17" */
static bool read_relevant(reading *r, const char *cell, growing *right, pf_err *err)
{
    for (const char *at = cell; *at != '\0';) {
        int64_t id;
        const size_t n = strcspn(at, "; \t\r\n");
        if (n > 0 && (!read_id(at, n, &id, err) || !add_id(r, right, id, err)))
            return false;
        at += n + (at[n] != '\0');
    }
    return true;
}

/* As stored, or what it leads to from the current folder. */
static bool read_path(reading *r, const char *cell, growing *right, pf_err *err)
{
    char real[PATH_MAX];
    int64_t id = 0;
    if (cell[0] == '\0')
        return true;
    if (!pf_store_find_image(r->store, cell, 0, &id, err))
        return false;
    if (id == 0 && realpath(cell, real) &&
        !pf_store_find_image(r->store, real, 0, &id, err))
        return false;
    return id != 0 ? grow(right, id, err)
                   : pf_fail(err, PF_ERR_NOT_FOUND,
                             "there is no image '%.*s' in the catalog",
                             pf_utf8_shown(cell, strlen(cell)), cell);
}

/* The next of the values that are parted by ';', without the blanks around it, into
 * `value` [n + 1]; false at the end. Empty ones are passed over. */
static bool next_value(const char **at, char *value)
{
    while (**at != '\0') {
        size_t n = strcspn(*at, ";");
        const char *s = *at;
        *at += n + ((*at)[n] != '\0');
        for (; n > 0 && is_blank(*s); n--)
            s++;
        while (n > 0 && is_blank(s[n - 1]))
            n--;
        if (n > 0) {
            memcpy(value, s, n);
            value[n] = '\0';
            return true;
        }
    }
    return false;
}

typedef struct {
    const char *wanted;
    growing found;
} having;

static bool take_value(void *user, int64_t image_id, const char *value, pf_err *err)
{
    having *h = user;
    if (pf_filter_equals(value, h->wanted))
        return grow(&h->found, image_id, err);
    if (!strchr(value, ';'))
        return true;
    char *part = pf_strdup(value, err);
    bool ok = part != NULL, is_there = false;
    for (const char *at = value; ok && !is_there && next_value(&at, part);)
        is_there = pf_filter_equals(part, h->wanted);
    pf_free(part);
    return ok && (!is_there || grow(&h->found, image_id, err));
}

/* ---- tables ---------------------------------------------------------------------- */

enum { NO_COLUMN = PF_TABLE_MAX_COLUMNS };

/* The images that have a value: it takes a walk through the store to find them, and
 * most rows ask for what others have asked for. */
typedef struct {
    size_t column;
    char *value; /* owned */
    pf_id_set images;
} known_value;

typedef struct {
    reading r;
    pf_table table;
    size_t phrase, relevant, path, n;  /* columns */
    char *names[PF_TABLE_MAX_COLUMNS]; /* owned */
    known_value known[KNOWN_MAX];
    size_t n_known, n_known_ids;
} table_file;

static bool is_key(const table_file *t, size_t column)
{
    return column != t->phrase && column != t->relevant && column != t->path;
}

static bool check_columns(const table_file *t, pf_err *err)
{
    const bool has_list = t->relevant != NO_COLUMN || t->path != NO_COLUMN;
    if (t->phrase == NO_COLUMN)
        return pf_fail(err, PF_ERR_FORMAT, "no column is called 'phrase'");
    if (!has_list && t->n == 1)
        return pf_fail(err, PF_ERR_FORMAT,
                       "no column says what is right: 'relevant', 'path' or "
                       "attributes");
    for (size_t i = 0; i < t->n; i++) {
        bool has_key = true;
        if (!is_key(t, i))
            continue;
        if (has_list)
            return pf_fail(err, PF_ERR_FORMAT,
                           "column '%.80s' does not go with 'relevant' or 'path'",
                           t->names[i]);
        if (!pf_store_has_key(t->r.store, t->names[i], &has_key, err))
            return false;
        if (!has_key)
            return pf_fail(err, PF_ERR_NOT_FOUND,
                           "column '%.80s' is no attribute of an image in the catalog",
                           t->names[i]);
    }
    return true;
}

static bool read_header(table_file *t, pf_err *err)
{
    bool has_row;
    if (!pf_table_next(&t->table, &has_row, err))
        return false;
    t->phrase = t->relevant = t->path = NO_COLUMN;
    t->n = has_row ? t->table.n_fields : 0;
    for (size_t i = 0; i < t->n; i++) {
        const char *name = pf_table_field(&t->table, i);
        size_t *special = strcmp(name, "phrase") == 0     ? &t->phrase
                          : strcmp(name, "relevant") == 0 ? &t->relevant
                          : strcmp(name, "path") == 0     ? &t->path
                                                          : NULL;
        if (!(t->names[i] = pf_strdup(name, err)))
            return false;
        if (special && *special != NO_COLUMN)
            return pf_fail(err, PF_ERR_FORMAT, "two columns are called '%s'", name);
        if (special)
            *special = i;
    }
    return check_columns(t, err);
}

static const pf_id_set *find_known(const table_file *t, size_t column,
                                   const char *value)
{
    for (size_t i = 0; i < t->n_known; i++) {
        const known_value *k = &t->known[i];
        if (k->column == column && strcmp(k->value, value) == 0)
            return &k->images;
    }
    return NULL;
}

/* Takes the images if there is room. */
static bool remember(table_file *t, size_t column, const char *value, pf_id_set *images,
                     pf_err *err)
{
    if (t->n_known == KNOWN_MAX || images->n > KNOWN_IDS_MAX - t->n_known_ids)
        return true;
    known_value k = {.column = column, .value = pf_strdup(value, err)};
    if (!k.value)
        return false;
    k.images = *images;
    *images = (pf_id_set){0};
    t->n_known_ids += k.images.n;
    t->known[t->n_known++] = k;
    return true;
}

/* Of `right` those stay that are among `has`; with `is_first` it becomes all of them.
 */
static bool narrow(growing *right, const pf_id_set *has, bool is_first, pf_err *err)
{
    if (!is_first) {
        settle(&right->set, has);
        return true;
    }
    right->set.ids = pf_alloc_array(has->n, sizeof *has->ids, err);
    if (!right->set.ids)
        return false;
    if (has->n > 0)
        memcpy(right->set.ids, has->ids, has->n * sizeof *has->ids);
    right->set.n = right->room = has->n;
    return true;
}

/* Of `right` those stay that have the value, too; with `is_first` all that have it. */
static bool need_value(table_file *t, size_t column, char *value, bool is_first,
                       growing *right, pf_err *err)
{
    const pf_id_set *known = find_known(t, column, value);
    if (known)
        return narrow(right, known, is_first, err);
    having h = {.wanted = value};
    bool ok = pf_store_each_value(t->r.store, t->names[column], take_value, &h, err);
    settle(&h.found.set, NULL);
    ok = ok && narrow(right, &h.found.set, is_first, err) &&
         remember(t, column, value, &h.found.set, err);
    pf_id_set_reset(&h.found.set);
    return ok;
}

static bool read_attributes(table_file *t, char *value, growing *right, pf_err *err)
{
    bool is_first = true;
    for (size_t i = 0; i < t->n; i++) {
        if (!is_key(t, i))
            continue;
        for (const char *at = pf_table_field(&t->table, i); next_value(&at, value);) {
            if ((is_first || right->set.n > 0) &&
                !need_value(t, i, value, is_first, right, err))
                return false;
            is_first = false;
        }
    }
    return !is_first || pf_fail(err, PF_ERR_FORMAT, "nothing says what is right");
}

static bool read_row(table_file *t, char *value, pf_err *err)
{
    growing right = {0};
    if (t->table.n_fields != t->n)
        return pf_fail(err, PF_ERR_FORMAT, "%zu columns, the first line has %zu",
                       t->table.n_fields, t->n);
    const char *phrase = pf_table_field(&t->table, t->phrase);
    bool ok = check_phrase(phrase, err);
    if (ok && t->relevant == NO_COLUMN && t->path == NO_COLUMN)
        ok = read_attributes(t, value, &right, err);
    if (ok && t->relevant != NO_COLUMN)
        ok = read_relevant(&t->r, pf_table_field(&t->table, t->relevant), &right, err);
    if (ok && t->path != NO_COLUMN)
        ok = read_path(&t->r, pf_table_field(&t->table, t->path), &right, err);
    ok = ok && add_question(&t->r, phrase, &right, err);
    pf_id_set_reset(&right.set);
    return ok;
}

static bool read_rows(table_file *t, pf_err *err)
{
    bool has_row = false;
    char *value = pf_zalloc(PF_TABLE_MAX_ROW_BYTES + 1, err); /* of a cell */
    bool ok = value && read_header(t, err);
    t->r.line = 1;
    while (ok && (ok = pf_table_next(&t->table, &has_row, err)) && has_row) {
        t->r.line = t->table.line;
        if (is_stopped(&t->r, err))
            ok = false;
        else
            ok = read_row(t, value, err) || pf_fail_in(err, "line %zu", t->r.line);
    }
    pf_free(value);
    return ok;
}

static bool read_table(const reading *r, pf_span bytes, pf_err *err)
{
    table_file *t = pf_zalloc(sizeof *t, err);
    if (!t)
        return false;
    t->r = *r;
    if (pf_span_left(&bytes) >= 3 && memcmp(bytes.p, "\xEF\xBB\xBF", 3) == 0)
        bytes.p += 3; /* a byte order mark, as spreadsheets write it */
    pf_table_init(&t->table, bytes, ',');
    const bool ok = read_rows(t, err);
    for (size_t i = 0; i < t->n; i++)
        pf_free(t->names[i]);
    for (size_t i = 0; i < t->n_known; i++) {
        pf_free(t->known[i].value);
        pf_id_set_reset(&t->known[i].images);
    }
    pf_table_reset(&t->table);
    pf_free(t);
    return ok;
}

/* ---- JSON Lines ------------------------------------------------------------------ */

static bool read_ids(reading *r, const pf_json *list, growing *right, pf_err *err)
{
    for (size_t i = 0; i < pf_json_size(list); i++) {
        int64_t id;
        if (!pf_json_to_int(pf_json_at(list, i), &id))
            return pf_fail(err, PF_ERR_FORMAT, "'relevant' holds what is no number");
        if (!add_id(r, right, id, err))
            return false;
    }
    return true;
}

static bool read_object(reading *r, const pf_json *object, pf_err *err)
{
    growing right = {0};
    size_t n = 0;
    const char *phrase = pf_json_string(pf_json_get(object, "phrase"), &n);
    const pf_json *list = pf_json_get(object, "relevant");
    if (!phrase || strlen(phrase) != n || !list ||
        pf_json_get_kind(list) != PF_JSON_ARRAY || pf_json_size(object) != 2)
        return pf_fail(err, PF_ERR_FORMAT,
                       "not an object with a string 'phrase' and an array 'relevant'");
    const bool ok = check_phrase(phrase, err) && read_ids(r, list, &right, err) &&
                    add_question(r, phrase, &right, err);
    pf_id_set_reset(&right.set);
    return ok;
}

static bool read_lines(reading *r, const char *text, size_t n, pf_err *err)
{
    for (size_t at = 0, end; at < n; at = end + 1) {
        const char *newline = memchr(text + at, '\n', n - at);
        end = newline ? (size_t)(newline - text) : n;
        r->line++;
        size_t first = at;
        while (first < end && is_blank(text[first]))
            first++;
        if (first == end)
            continue;
        pf_json *object = NULL;
        if (is_stopped(r, err))
            return false;
        const bool ok = pf_json_parse(&object, text + at, end - at, err) &&
                        read_object(r, object, err);
        pf_json_free(object);
        if (!ok)
            return pf_fail_in(err, "line %zu", r->line);
    }
    return true;
}

bool pf_judged_read(pf_judged_list *out, pf_store *store, const pf_id_set *images,
                    const char *path, const atomic_int *stop, pf_notes *notes,
                    pf_err *err)
{
    reading r = {
        .out = out, .store = store, .images = images, .notes = notes, .stop = stop};
    pf_buf bytes;
    pf_buf_init(&bytes, FILE_MAX_BYTES);
    bool ok = pf_file_read(path, &bytes, err);
    if (ok) {
        const bool is_json = bytes.size > 0 && bytes.data[0] == '{';
        ok = (is_json ? read_lines(&r, bytes.data, bytes.size, err)
                      : read_table(&r, pf_span_of(bytes.data, bytes.size), err)) ||
             pf_fail_in(err, "questions '%s'", path);
    }
    pf_buf_free(&bytes);
    return ok;
}
