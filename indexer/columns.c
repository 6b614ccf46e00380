/* columns.c - see columns.h. */
#include "indexer/columns.h"

#include <ctype.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/unicode.h"
#include "core/base/utf8.h"

static const char *const file_names[] = {
    "file",      "filename",      "path",      "filepath", "imagepath",
    "imagefile", "imagefilename", "imagename", "image",    "picture",
    "id",        "imageid",       "name",      NULL};
static const char *const id_names[] = {"id", "imageid", NULL};
static const char *const case_names[] = {"case", "caseid", NULL};
static const char *const text_names[] = {"caption", "text", "report", NULL};
static const char *const report_parts[] = {"findings", "impression", NULL};
static const char *const last_resort[] = {"description", NULL};

/* ---- names ---- */

/* Equal but for case and for all that is no letter or digit; `plain` has nothing else.
 */
static bool is_called(const char *name, const char *plain)
{
    for (; *name != '\0'; name++) {
        const unsigned char c = (unsigned char)*name;
        if (c < 0x80 && !isalnum(c))
            continue;
        if (tolower(c) != (unsigned char)*plain)
            return false;
        plain++;
    }
    return *plain == '\0';
}

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (is_called(name, *list))
            return true;
    }
    return false;
}

static bool has_name(const char *name)
{
    static const char pandas[] = "Unnamed: ";
    return name[0] != '\0' && strncmp(name, pandas, sizeof pandas - 1) != 0;
}

/* ---- what the user asked for ---- */

static const struct {
    const char *word;
    pf_column_role role;
} roles[] = {
    {"file", PF_COLUMN_FILE}, {"caption", PF_COLUMN_CAPTION}, {"case", PF_COLUMN_CASE}};

enum { N_ROLES = sizeof roles / sizeof *roles };

/* The role that "role=name" is about, and the name; NULL when it is not that. */
static const char *split(const char *pair, pf_column_role *role)
{
    for (size_t i = 0; i < N_ROLES; i++) {
        const size_t n = strlen(roles[i].word);
        if (strncmp(pair, roles[i].word, n) == 0 && pair[n] == '=' &&
            pair[n + 1] != '\0') {
            *role = roles[i].role;
            return pair + n + 1;
        }
    }
    return NULL;
}

static bool read_pairs(pf_table *pairs, const char *asked, pf_err *err)
{
    bool has_row;
    pf_table_init(pairs, pf_span_of(asked, strlen(asked)), ',');
    return pf_table_next(pairs, &has_row, err);
}

static bool check_pairs(const pf_table *pairs, pf_err *err)
{
    for (size_t i = 0; i < pairs->n_fields; i++) {
        pf_column_role role;
        const char *pair = pf_table_field(pairs, i);
        if (!split(pair, &role))
            return pf_fail(err, PF_ERR_MISUSE,
                           "'%.*s' names no column: write file=NAME,caption=NAME, and "
                           "case=NAME if there is one",
                           pf_utf8_shown(pair, strlen(pair)), pair);
    }
    return pairs->n_fields > 0 ||
           pf_fail(err, PF_ERR_MISUSE, "--columns names no column");
}

bool pf_columns_check(const char *asked, pf_err *err)
{
    pf_table pairs;
    const bool ok =
        (read_pairs(&pairs, asked, err) ||
         (pf_fail_in(err, "--columns"), err->code = PF_ERR_MISUSE, false)) &&
        check_pairs(&pairs, err);
    pf_table_reset(&pairs);
    return ok;
}

static bool is_same_name(const char *a, const char *b, bool *out, pf_err *err)
{
    char *x = pf_unicode_fold(a, err), *y = x ? pf_unicode_fold(b, err) : NULL;
    *out = y && strcmp(x, y) == 0;
    pf_free(x);
    pf_free(y);
    return y != NULL;
}

/* But for case and normal form; *at = n when there is none. */
static bool find_exactly(const char *const *names, size_t n, const char *name,
                         size_t *at, pf_err *err)
{
    bool is_found = false;
    for (*at = 0; *at < n; ++*at) {
        if (!is_same_name(names[*at], name, &is_found, err))
            return false;
        if (is_found)
            break;
    }
    return true;
}

static void give(pf_columns *c, size_t at, pf_column_role role)
{
    c->n_captions += role == PF_COLUMN_CAPTION && c->role[at] != PF_COLUMN_CAPTION;
    c->role[at] = role;
    if (role == PF_COLUMN_FILE)
        c->file = at;
    if (role == PF_COLUMN_CASE)
        c->in_case = at;
}

static bool take_asked(pf_columns *c, const char *const *names, const char *asked,
                       pf_err *err)
{
    pf_table pairs;
    bool ok = read_pairs(&pairs, asked, err);
    for (size_t i = 0; ok && i < pairs.n_fields; i++) {
        pf_column_role role = PF_COLUMN_ATTRIBUTE;
        const char *name = split(pf_table_field(&pairs, i), &role);
        size_t at = c->n;
        if (name && !find_exactly(names, c->n, name, &at, err))
            ok = false;
        else if (at == c->n)
            ok = pf_fail(err, PF_ERR_FORMAT,
                         "has no column '%s', which --columns names", name ? name : "");
        else
            give(c, at, role);
    }
    pf_table_reset(&pairs);
    return ok;
}

/* ---- common sense ---- */

static bool twice(const char *name, pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT, "names two columns '%s'", name);
}

/* *at = n when there is none of this name. */
static bool find_called(const char *const *names, size_t n, const char *plain,
                        size_t *at, pf_err *err)
{
    *at = n;
    for (size_t i = 0; i < n; i++) {
        if (!is_called(names[i], plain))
            continue;
        if (*at < n)
            return twice(plain, err);
        *at = i;
    }
    return true;
}

/* Give the role to the first name of the list that is there; with `all` to each. */
static bool choose(pf_columns *c, const char *const *names, const char *const *list,
                   pf_column_role role, bool all, pf_err *err)
{
    for (; *list; list++) {
        size_t at;
        if (!find_called(names, c->n, *list, &at, err))
            return false;
        if (at == c->n || c->role[at] != PF_COLUMN_ATTRIBUTE)
            continue;
        give(c, at, role);
        if (!all)
            return true;
    }
    return true;
}

static bool choose_caption(pf_columns *c, const char *const *names, pf_err *err)
{
    return choose(c, names, text_names, PF_COLUMN_CAPTION, false, err) &&
           (c->n_captions > 0 ||
            choose(c, names, report_parts, PF_COLUMN_CAPTION, true, err)) &&
           (c->n_captions > 0 ||
            choose(c, names, last_resort, PF_COLUMN_CAPTION, false, err));
}

static bool is_enough(const pf_columns *c, const char *asked, pf_err *err)
{
    if (c->file == c->n && c->in_case == c->n)
        return pf_fail(err, PF_ERR_FORMAT,
                       "names no column for the picture (file, filename, path, image "
                       "or name); --columns file=NAME,caption=NAME says which it is");
    return c->n_captions > 0 || asked ||
           pf_fail(err, PF_ERR_FORMAT,
                   "names no column for the text (caption, text, report, findings, "
                   "impression or description); --columns file=NAME,caption=NAME says "
                   "which it is");
}

static void start(pf_columns *c, const char *const *names, size_t n)
{
    *c = (pf_columns){.n = n, .file = n, .in_case = n, .name = n};
    for (size_t i = 0; i < n; i++)
        c->role[i] = has_name(names[i]) ? PF_COLUMN_ATTRIBUTE : PF_COLUMN_LEFT_OUT;
}

/* That of a file, or of a patient: the values tell. */
static bool find_name(pf_columns *c, const char *const *names, pf_err *err)
{
    if (!find_called(names, c->n, "name", &c->name, err))
        return false;
    if (c->name < c->n && c->role[c->name] != PF_COLUMN_ATTRIBUTE)
        c->name = c->n;
    return true;
}

bool pf_columns_find(pf_columns *out, const char *const *names, size_t n,
                     const char *asked, pf_err *err)
{
    pf_columns *c = out;
    start(c, names, n);
    if (asked && !take_asked(c, names, asked, err))
        return false;
    const bool is_told = c->file < n;
    if ((!is_told && !choose(c, names, file_names, PF_COLUMN_FILE, false, err)) ||
        (c->in_case == n &&
         !choose(c, names, case_names, PF_COLUMN_CASE, false, err)) ||
        (c->n_captions == 0 && !choose_caption(c, names, err)))
        return false;
    c->has_ids = c->file < n && is_one_of(names[c->file], id_names);
    if (!is_told && c->has_ids && !find_name(c, names, err))
        return false;
    return is_enough(c, asked, err);
}

void pf_columns_use_name(pf_columns *c)
{
    c->role[c->file] = PF_COLUMN_ATTRIBUTE;
    give(c, c->name, PF_COLUMN_FILE);
    c->has_ids = false;
    c->name = c->n;
}

bool pf_columns_find_of_object(pf_columns *out, const char *const *names, size_t n,
                               pf_err *err)
{
    static const char *const own[] = {"file",      "filename",  "path",
                                      "filepath",  "imagepath", "imagefile",
                                      "imagename", "image",     NULL};
    start(out, names, n);
    for (size_t i = 0; i < n; i++) {
        if (is_one_of(names[i], own))
            out->role[i] = PF_COLUMN_LEFT_OUT;
    }
    return choose(out, names, case_names, PF_COLUMN_CASE, false, err) &&
           choose_caption(out, names, err);
}

/* ---- what parts the columns ---- */

bool pf_columns_likeness(size_t *out, const char *const *names, size_t n,
                         const char *asked, pf_err *err)
{
    pf_columns c;
    pf_err why = PF_ERR_INIT;
    *out = n;
    if (pf_columns_find(&c, names, n, asked, &why))
        *out += 2 * PF_TABLE_MAX_COLUMNS;
    return why.code != PF_ERR_NOMEM || pf_fail_as(err, &why);
}
