/* import_roco.c - see import_roco.h. */
#include "indexer/import_roco.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "indexer/records.h"

enum { FILE_MAX_BYTES = 1 << 30 };

/* One of the files, while it is read. */
typedef struct {
    pf_texts *texts;
    const char *path;
    char *folder; /* it lies in */
    size_t line;
    bool is_found; /* by its name, and not given by the user */
} reader;

/* ---- lines of fields parted by tabs ---- */

/* The bytes up to a line end (LF, CR or both), which is passed over. False at the end.
 */
static bool next_line(pf_span *left, size_t *number, pf_span *line)
{
    if (pf_span_left(left) == 0)
        return false;
    line->p = line->end = left->p;
    while (line->end < left->end && *line->end != '\n' && *line->end != '\r')
        line->end++;
    left->p = line->end;
    if (pf_span_left(left) > 1 && memcmp(left->p, "\r\n", 2) == 0)
        left->p++;
    left->p += pf_span_left(left) > 0;
    ++*number;
    return true;
}

static bool is_blank(pf_span line)
{
    const char *text = (const char *)line.p;
    size_t n = pf_span_left(&line);
    if (n > 0)
        pf_utf8_trim(&text, &n);
    return n == 0;
}

/* The next field of the line, trimmed, with a NUL behind it in `out`; false at the end
 * of the line. With `rest` all that is left is one field. */
static bool next_field(pf_span *line, bool rest, pf_buf *out, bool *is_there,
                       pf_err *err)
{
    *is_there = line->p < line->end;
    const uint8_t *from = line->p, *end = line->end;
    if (!rest && *is_there) {
        const uint8_t *tab = memchr(from, '\t', (size_t)(end - from));
        end = tab ? tab : end;
    }
    line->p = end < line->end ? end + 1 : line->end;
    const char *field = (const char *)from;
    size_t n = (size_t)(end - from);
    pf_utf8_trim(&field, &n);
    out->size = 0;
    return pf_buf_add(out, field, n, err) && pf_buf_add(out, "", 1, err);
}

/* `id` may be "". */
typedef bool line_fn(reader *r, const char *id, pf_span *rest, pf_buf *field,
                     pf_err *err);

static bool check_line(const reader *r, const pf_span *line, pf_err *err)
{
    const size_t n = pf_span_left(line);
    if (n > PF_TABLE_MAX_ROW_BYTES)
        return pf_fail(err, PF_ERR_LIMIT, "line %zu has %zu bytes, the limit is %d",
                       r->line, n, PF_TABLE_MAX_ROW_BYTES);
    return n == 0 || !memchr(line->p, '\0', n) ||
           pf_fail(err, PF_ERR_FORMAT, "line %zu holds a NUL byte", r->line);
}

static bool each_line(reader *r, pf_span text, line_fn *fn, pf_err *err)
{
    pf_buf id, field;
    pf_span line;
    bool ok = true, is_there;
    pf_buf_init(&id, PF_TABLE_MAX_ROW_BYTES + 1);
    pf_buf_init(&field, PF_TABLE_MAX_ROW_BYTES + 1);
    r->line = 0;
    while (ok && next_line(&text, &r->line, &line)) {
        if (is_blank(line))
            continue;
        ok = check_line(r, &line, err) &&
             next_field(&line, false, &id, &is_there, err) &&
             fn(r, id.data, &line, &field, err);
    }
    pf_buf_free(&id);
    pf_buf_free(&field);
    return ok;
}

/* ---- what they say ---- */

/* *is_there: a picture is called that; then `of` is its image. */
static bool find_image(reader *r, const char *id, pf_names_match *match, pf_subject *of,
                       pf_err *err)
{
    *match = (pf_names_match){0};
    if (id[0] != '\0' &&
        !pf_names_find(&r->texts->names, r->folder, id, true, match, err))
        return false;
    if (match->file)
        *of = pf_texts_subject(r->texts, match->file);
    return true;
}

static bool take_caption(reader *r, const char *id, pf_span *rest, pf_buf *field,
                         pf_err *err)
{
    pf_names_match match;
    pf_subject image;
    bool is_there;
    if (!find_image(r, id, &match, &image, err) ||
        !next_field(rest, true, field, &is_there, err))
        return false;
    if (match.file) {
        r->texts->to->images[image.at].has_row = true;
        return pf_collection_add_caption(r->texts->to, image, field->data, err);
    }
    const pf_stale_row row = {.table = r->path,
                              .name = id,
                              .line = r->line,
                              .is_ambiguous = match.is_ambiguous};
    return match.is_in_gap || pf_collection_add_stale_row(r->texts->to, &row, err);
}

/* Each field that is left becomes a value of the keys, in turn. */
static bool take_fields(reader *r, const char *id, pf_span *rest, pf_buf *field,
                        const char *const *keys, size_t n_keys, pf_err *err)
{
    pf_names_match match;
    pf_subject image;
    bool is_there = true;
    size_t n = 0;
    if (!find_image(r, id, &match, &image, err))
        return false;
    while (match.file && is_there) {
        if (!next_field(rest, false, field, &is_there, err))
            return false;
        if (!is_there || field->data[0] == '\0')
            continue;
        if (!pf_collection_add_attribute(r->texts->to, image, keys[n++ % n_keys],
                                         field->data, err))
            return false;
    }
    return true;
}

static bool take_keywords(reader *r, const char *id, pf_span *rest, pf_buf *field,
                          pf_err *err)
{
    static const char *const keys[] = {"keyword"};
    return take_fields(r, id, rest, field, keys, 1, err);
}

static bool take_cuis(reader *r, const char *id, pf_span *rest, pf_buf *field,
                      pf_err *err)
{
    static const char *const keys[] = {"cui"};
    return take_fields(r, id, rest, field, keys, 1, err);
}

static bool take_semtypes(reader *r, const char *id, pf_span *rest, pf_buf *field,
                          pf_err *err)
{
    static const char *const keys[] = {"tui", "semtype"};
    return take_fields(r, id, rest, field, keys, 2, err);
}

/* ---- tables ---- */

typedef struct {
    const char *column, *key;
} translation;

static const char *key_of(const translation *words, const char *column)
{
    while (words->column && strcasecmp(words->column, column) != 0)
        words++;
    return words->column ? words->key : column;
}

static size_t column_called(const pf_records *rows, const char *name)
{
    size_t at = 0;
    while (at < rows->n_columns && strcasecmp(rows->columns[at], name) != 0)
        at++;
    return at;
}

/* CUI -> name, sorted by the former. */
typedef struct {
    const char *cui, *name;
} concept;

typedef struct {
    concept *at;
    size_t n, room;
    pf_arena strings;
} concepts;

static int by_cui(const void *a, const void *b)
{
    return strcmp(((const concept *)a)->cui, ((const concept *)b)->cui);
}

typedef struct {
    const char *id; /* the column that names the picture */
    const translation
        *words;      /* which attributes others become, if not as they are called
                      */
    concepts *names; /* of CUIs; may be NULL */
} table_kind;

static bool take_cui(reader *r, const table_kind *kind, pf_subject image,
                     const char *cui, pf_err *err)
{
    const concept key = {cui, NULL};
    const concept *known =
        kind->names && kind->names->n > 0
            ? bsearch(&key, kind->names->at, kind->names->n, sizeof key, by_cui)
            : NULL;
    return pf_collection_add_attribute(r->texts->to, image, "cui", cui, err) &&
           (!known || pf_collection_add_attribute(r->texts->to, image, "concept",
                                                  known->name, err));
}

/* "C0040405;C0817096". */
static bool take_cui_list(reader *r, const table_kind *kind, pf_subject image,
                          const char *list, pf_err *err)
{
    bool ok = true;
    while (ok && *list != '\0') {
        const size_t n = strcspn(list, ";");
        const size_t blanks = strspn(list, " ");
        char *cui = blanks < n ? pf_strndup(list + blanks, n - blanks, err) : NULL;
        ok = blanks >= n || (cui && take_cui(r, kind, image, cui, err));
        pf_free(cui);
        list += n + (list[n] == ';');
    }
    return ok;
}

/* "CC BY-NC [Smith et al. (2020)]" is the licence CC BY-NC. */
static bool take_license(reader *r, pf_subject image, const char *attribution,
                         pf_err *err)
{
    if (strncmp(attribution, "CC", 2) != 0)
        return true;
    size_t n = strcspn(attribution, "[");
    while (n > 0 && attribution[n - 1] == ' ')
        n--;
    char *license = pf_strndup(attribution, n, err);
    const bool ok = license && pf_collection_add_attribute(r->texts->to, image,
                                                           "license", license, err);
    pf_free(license);
    return ok;
}

static bool take_cell(reader *r, const table_kind *kind, pf_subject image,
                      const char *column, const char *value, pf_err *err)
{
    if (strcasecmp(column, "CUIs") == 0)
        return take_cui_list(r, kind, image, value, err);
    if (strcasecmp(column, "Attribution") == 0 && !take_license(r, image, value, err))
        return false;
    return column[0] == '\0' ||
           pf_collection_add_attribute(r->texts->to, image, key_of(kind->words, column),
                                       value, err);
}

static bool take_row(reader *r, const table_kind *kind, const pf_records *rows,
                     size_t id, pf_err *err)
{
    const char *name = pf_records_cell(rows, id);
    pf_names_match match = {0};
    pf_subject image;
    if (!name || !find_image(r, name, &match, &image, err))
        return !name;
    for (size_t i = 0; match.file && i < rows->n_cells; i++) {
        const pf_cell *cell = &rows->cells[i];
        if (cell->column != id &&
            !take_cell(r, kind, image, rows->columns[cell->column], cell->value, err))
            return false;
    }
    return true;
}

static bool take_rows(reader *r, const table_kind *kind, pf_records *rows, pf_err *err)
{
    const size_t id = column_called(rows, kind->id);
    if (rows->n_columns == 0)
        return true; /* an empty file */
    if (id == rows->n_columns)
        return pf_fail(err, PF_ERR_FORMAT, "the first line names no column '%s'",
                       kind->id);
    for (bool has_row = true; has_row;) {
        if (!pf_records_next(rows, &has_row, err) ||
            (has_row && !take_row(r, kind, rows, id, err)))
            return false;
    }
    return true;
}

static bool list_concepts(concepts *names, pf_records *rows, pf_err *err)
{
    for (bool has_row = true; has_row;) {
        if (!pf_records_next(rows, &has_row, err))
            return false;
        const char *cui = has_row ? pf_records_cell(rows, 0) : NULL;
        const char *name = has_row ? pf_records_cell(rows, 1) : NULL;
        if (!cui || !name)
            continue;
        if (!pf_grow_array(&names->at, &names->room, names->n, sizeof *names->at, err))
            return false;
        concept *added = &names->at[names->n];
        if (!(added->cui = pf_arena_add(&names->strings, cui, strlen(cui), err)) ||
            !(added->name = pf_arena_add(&names->strings, name, strlen(name), err)))
            return false;
        names->n++;
    }
    if (names->n > 1)
        qsort(names->at, names->n, sizeof *names->at, by_cui);
    return true;
}

/* ---- files ---- */

typedef struct {
    line_fn *lines;         /* fields parted by tabs; or */
    const table_kind *rows; /* CSV; or */
    concepts *concepts;     /* to be filled */
} content;

static bool read_content(reader *r, const content *c, pf_span text, pf_err *err)
{
    if (c->lines)
        return each_line(r, text, c->lines, err);
    pf_records rows;
    const bool ok = pf_records_open(&rows, text, ',', err) &&
                    (c->concepts ? list_concepts(c->concepts, &rows, err)
                                 : take_rows(r, c->rows, &rows, err));
    pf_records_reset(&rows);
    return ok;
}

/* One that is not there says nothing. */
static bool read_file(pf_texts *texts, const char *path, bool is_found,
                      const content *c, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    pf_buf bytes;
    pf_encoding was;
    if (!pf_path_exists(path))
        return true;
    pf_buf_init(&bytes, FILE_MAX_BYTES);
    reader r = {.texts = texts, .path = path, .is_found = is_found};
    r.folder = pf_strndup(path, (size_t)(pf_path_base(path) - path), err);
    const bool ok =
        r.folder && ((pf_texts_read_file(texts, path, is_found, &bytes, &was, &why) &&
                      read_content(&r, c, pf_span_of(bytes.data, bytes.size), &why)) ||
                     pf_texts_miss(texts, path, is_found, &why, err));
    pf_free(r.folder);
    pf_buf_free(&bytes);
    return ok;
}

/* The file whose name is the first `n` bytes of `path` and `name`. */
static bool read_beside(pf_texts *texts, const char *path, size_t n, const char *name,
                        bool is_found, const content *c, pf_err *err)
{
    char *other = pf_strf(err, "%.*s%s", (int)n, path, name);
    const bool ok = other && read_file(texts, other, is_found, c, err);
    pf_free(other);
    return ok;
}

/* ---- ROCO ---- */

static const translation roco_words[] = {{"PMC_ID", "pmc_id"}, {"CC", "license"}, {0}};
static const table_kind licences = {.id = "ROCO_ID", .words = roco_words};

static const struct {
    const char *name;
    content content;
} sisters[] = {{"keywords.txt", {.lines = take_keywords}},
               {"cuis.txt", {.lines = take_cuis}},
               {"semtypes.txt", {.lines = take_semtypes}},
               {"licences.txt", {.rows = &licences}}};

enum { SISTERS = sizeof sisters / sizeof *sisters };

bool pf_roco_may_be_captions(const char *path)
{
    return strcmp(pf_path_base(path), "captions.txt") == 0;
}

bool pf_roco_has_siblings(const char *path, bool *out, pf_err *err)
{
    const size_t n = (size_t)(pf_path_base(path) - path);
    *out = false;
    for (size_t i = 0; pf_roco_may_be_captions(path) && i < SISTERS; i++) {
        char *sister = pf_strf(err, "%.*s%s", (int)n, path, sisters[i].name);
        if (!sister)
            return false;
        *out |= pf_path_exists(sister);
        pf_free(sister);
    }
    return true;
}

/* "ROCO_...", a tab and more. */
static bool is_caption_line(pf_span line)
{
    static const char begin[] = "ROCO_";
    const char *text = (const char *)line.p;
    size_t n = pf_span_left(&line);
    if (n > 0)
        pf_utf8_trim(&text, &n);
    return n > sizeof begin && memcmp(text, begin, sizeof begin - 1) == 0 &&
           memchr(text, '\t', n);
}

bool pf_roco_is_captions(const char *path, pf_span text)
{
    enum { LOOKED_AT = 20 };
    pf_span line;
    size_t number = 0;
    bool is_so = false;
    while (!is_so && number < LOOKED_AT && next_line(&text, &number, &line))
        is_so = is_caption_line(line);
    return is_so && pf_roco_may_be_captions(path);
}

bool pf_roco_read_captions(pf_texts *texts, const char *path, bool is_found,
                           pf_span text, pf_err *err)
{
    const size_t n = (size_t)(pf_path_base(path) - path);
    reader r = {.texts = texts, .path = path, .is_found = is_found};
    r.folder = pf_strndup(path, n, err);
    bool ok = r.folder && each_line(&r, text, take_caption, err);
    for (size_t i = 0; ok && i < SISTERS; i++)
        ok = read_beside(texts, path, n, sisters[i].name, is_found, &sisters[i].content,
                         err);
    pf_free(r.folder);
    return ok;
}

/* ---- ROCOv2 ---- */

static const char v2_ending[] = "_captions.csv";

bool pf_roco_is_v2_captions(const char *path)
{
    const char *base = pf_path_base(path);
    const size_t n = strlen(base), most = sizeof v2_ending - 1;
    return n > most && strcmp(base + n - most, v2_ending) == 0;
}

bool pf_roco_read_v2(pf_texts *texts, const char *captions, bool is_found, pf_err *err)
{
    static const translation words[] = {{"PMCID", "pmc_id"}, {0}};
    concepts names = {0};
    const table_kind kind = {.id = "ID", .words = words, .names = &names};
    const content rows = {.rows = &kind}, mapping = {.concepts = &names};
    const size_t folder = (size_t)(pf_path_base(captions) - captions);
    const size_t split = strlen(captions) - (sizeof v2_ending - 1);
    const bool ok =
        read_beside(texts, captions, folder, "cui_mapping.csv", is_found, &mapping,
                    err) &&
        read_beside(texts, captions, split, "_concepts.csv", is_found, &rows, err) &&
        read_beside(texts, captions, split, "_concepts_manual.csv", is_found, &rows,
                    err) &&
        read_beside(texts, captions, folder, "license_information.csv", is_found, &rows,
                    err);
    pf_free(names.at);
    pf_arena_reset(&names.strings);
    return ok;
}
