/* named.c - see named.h. */
#include "core/search/named.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/unicode.h"
#include "core/base/utf8.h"

/* ---- by number, by path ---------------------------------------------------------- */

/* "17" is an id, anything else a path. */
static bool is_id(const char *text, int64_t *id)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
        return false;
    errno = 0;
    const long long v = strtoll(text, NULL, 10);
    *id = errno == 0 ? v : 0;
    return true;
}

/* The catalog has absolute paths; a shell has relative ones and links. What lies in an
 * archive, or on a disk that is not there, has no real path. */
static bool find_by_path(pf_store *store, const char *path, int64_t *id, pf_err *err)
{
    char real[PATH_MAX];
    if (!pf_store_find_image(store, path, 0, id, err))
        return false;
    if (*id != 0)
        return true;
    if (realpath(path, real))
        return pf_store_find_image(store, real, 0, id, err);
    char *absolute = pf_path_absolute(path, err);
    const bool ok = absolute && pf_store_find_image(store, absolute, 0, id, err);
    pf_free(absolute);
    return ok;
}

/* ---- by the end of its path ------------------------------------------------------ */

typedef struct {
    int64_t id;
    char *path; /* owned */
} candidate;

typedef struct {
    const char *wanted;
    bool is_folded; /* `wanted` is, and paths are to be */
    candidate shown[PF_NAMED_SHOWN];
    size_t n; /* files, those that are not shown included */
} finder;

static void finder_reset(finder *f)
{
    for (size_t i = 0; i < PF_NAMED_SHOWN; i++)
        pf_free(f->shown[i].path);
    *f = (finder){0};
}

static bool ends_with(const char *path, const char *wanted)
{
    const size_t n = strlen(path), m = strlen(wanted);
    return n >= m && strcmp(path + n - m, wanted) == 0 &&
           (n == m || path[n - m - 1] == '/');
}

static bool is_wanted(const finder *f, const char *path, bool *out, pf_err *err)
{
    if (!f->is_folded) {
        *out = ends_with(path, f->wanted);
        return true;
    }
    char *folded = pf_unicode_fold(path, err);
    *out = folded && ends_with(folded, f->wanted);
    pf_free(folded);
    return folded != NULL;
}

/* Frames of one file come several times. */
static bool is_known(const finder *f, const char *path)
{
    for (size_t i = 0; i < f->n && i < PF_NAMED_SHOWN; i++) {
        if (strcmp(f->shown[i].path, path) == 0)
            return true;
    }
    return false;
}

static bool take_path(void *user, int64_t id, const char *path, pf_err *err)
{
    finder *f = user;
    bool wanted;
    if (!is_wanted(f, path, &wanted, err))
        return false;
    if (!wanted || is_known(f, path))
        return true;
    if (f->n < PF_NAMED_SHOWN) {
        f->shown[f->n].id = id;
        if (!(f->shown[f->n].path = pf_strdup(path, err)))
            return false;
    }
    f->n++;
    return true;
}

/* The end of a long path is what tells it from others. */
static bool add_path(pf_buf *b, const candidate *c, pf_err *err)
{
    enum { SHOWN = 48 };
    const size_t n = strlen(c->path);
    size_t at = n > SHOWN ? n - SHOWN : 0;
    while ((c->path[at] & 0xC0) == 0x80)
        at++;
    return pf_buf_addf(b, err, " #%lld '%s%s'", (long long)c->id,
                       at > 0 ? "\xE2\x80\xA6" : "", c->path + at);
}

static bool say_which(const finder *f, const char *text, pf_err *err)
{
    pf_buf b;
    pf_buf_init(&b, 4096);
    const size_t shown = f->n < PF_NAMED_SHOWN ? f->n : PF_NAMED_SHOWN;
    bool ok = true;
    for (size_t i = 0; ok && i < shown; i++)
        ok =
            (i == 0 || pf_buf_add_str(&b, ",", err)) && add_path(&b, &f->shown[i], err);
    char *list = ok ? pf_buf_take(&b, err) : NULL;
    pf_buf_free(&b);
    if (list)
        pf_fail(err, PF_ERR_MISUSE,
                "%zu files are called '%.*s', name one of them:%s%s", f->n,
                pf_utf8_shown(text, strlen(text)), text, list,
                f->n > shown ? ", ..." : "");
    pf_free(list);
    return false;
}

static bool find_by_end(pf_store *store, const char *text, const char *wanted,
                        bool is_folded, int64_t *id, pf_err *err)
{
    finder f = {.wanted = wanted, .is_folded = is_folded};
    bool ok = pf_store_each_path(store, take_path, &f, err);
    if (ok && f.n > 1)
        ok = say_which(&f, text, err);
    else if (ok && f.n == 1)
        *id = f.shown[0].id;
    finder_reset(&f);
    return ok;
}

static bool find_by_any_end(pf_store *store, const char *text, int64_t *id, pf_err *err)
{
    const char *wanted = strncmp(text, "./", 2) == 0 ? text + 2 : text;
    if (wanted[0] == '\0' || !find_by_end(store, text, wanted, false, id, err))
        return wanted[0] == '\0';
    if (*id != 0)
        return true;
    char *folded = pf_unicode_fold(wanted, err);
    const bool ok = folded && find_by_end(store, text, folded, true, id, err);
    pf_free(folded);
    return ok;
}

bool pf_named_find(pf_store *store, const char *text, bool by_end, int64_t *id,
                   pf_err *err)
{
    *id = 0;
    if (is_id(text, id))
        return true;
    return find_by_path(store, text, id, err) &&
           (*id != 0 || !by_end || find_by_any_end(store, text, id, err));
}
