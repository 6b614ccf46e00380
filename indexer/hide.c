/* hide.c - see hide.h. */
#include "indexer/hide.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

enum { DIGEST_BYTES = 8, TEXT_MAX_BYTES = 1 << 20 };

bool pf_hider_open(pf_hider *hider, pf_err *err)
{
    return pf_study_key_open(&hider->key, err);
}

static void hide_bytes(const pf_hider *hider, const char *path, size_t n,
                       char shown[PF_HIDDEN_ROOM])
{
    uint8_t hash[PF_SIPHASH_SIZE];
    pf_siphash(hash, hider->key.bytes, path, n);
    memcpy(shown, "file-", 5);
    for (int i = 0; i < DIGEST_BYTES; i++)
        snprintf(shown + 5 + 2 * i, 3, "%02x", hash[i]);
}

void pf_hide_path(const pf_hider *hider, const char *path, char shown[PF_HIDDEN_ROOM])
{
    hide_bytes(hider, path, strlen(path), shown);
}

/* ---- in messages ---- */

static bool begins_word(const char *text, const char *at)
{
    return at == text || strchr(" (:\"'", at[-1]) != NULL;
}

/* Of what stands between a quote at `at` and its partner: one that no letter follows,
 * for a name may have quotes of its own. 0: it has none. */
static size_t length_of_quoted(const char *at)
{
    for (const char *end = strchr(at + 1, '\''); end; end = strchr(end + 1, '\'')) {
        if (!isalnum((unsigned char)end[1]))
            return (size_t)(end - at - 1);
    }
    return 0;
}

static bool looks_like_a_file(const char *name, size_t n)
{
    return memchr(name, '/', n) || memchr(name, '.', n);
}

static size_t length_of_path(const char *at)
{
    const char *end = strstr(at, ": ");
    return end ? (size_t)(end - at) : strlen(at);
}

/* How much of the text at `at` is to be hidden, behind *before bytes that are not. */
static size_t find_hidden(const char *text, const char *at, size_t *before)
{
    *before = 0;
    if (!begins_word(text, at))
        return 0;
    if (*at == '/' && at[1] != '\0' && at[1] != ' ')
        return length_of_path(at);
    const size_t n = *at == '\'' ? length_of_quoted(at) : 0;
    *before = 1;
    return looks_like_a_file(at + 1, n) ? n : 0;
}

static bool hide_all(const pf_hider *hider, const char *text, pf_buf *to, pf_err *err)
{
    char shown[PF_HIDDEN_ROOM];
    for (const char *at = text; *at;) {
        size_t before;
        const size_t n = find_hidden(text, at, &before);
        if (n == 0) {
            if (!pf_buf_add(to, at++, 1, err))
                return false;
            continue;
        }
        hide_bytes(hider, at + before, n, shown);
        if (!pf_buf_add(to, at, before, err) || !pf_buf_add_str(to, shown, err))
            return false;
        at += before + n;
    }
    return true;
}

char *pf_hide_text(const pf_hider *hider, const char *text, pf_err *err)
{
    pf_buf hidden;
    pf_buf_init(&hidden, TEXT_MAX_BYTES);
    char *out = hide_all(hider, text, &hidden, err) ? pf_buf_take(&hidden, err) : NULL;
    pf_buf_free(&hidden);
    return out;
}

/* ---- in a report ---- */

static bool hide_path(const pf_hider *hider, char **path, pf_err *err)
{
    char shown[PF_HIDDEN_ROOM];
    pf_hide_path(hider, *path, shown);
    pf_free(*path);
    return (*path = pf_strdup(shown, err)) != NULL;
}

static bool hide_text(const pf_hider *hider, char **text, pf_err *err)
{
    char *shown = pf_hide_text(hider, *text, err);
    pf_free(*text);
    return (*text = shown) != NULL;
}

bool pf_hide_report(const pf_hider *hider, pf_run_report *r, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < r->n_failures; i++)
        ok = hide_path(hider, &r->failures[i].path, err) &&
             hide_text(hider, &r->failures[i].reason, err);
    for (size_t i = 0; ok && i < r->n_stale; i++)
        ok = hide_path(hider, &r->stale[i].table, err) &&
             hide_path(hider, &r->stale[i].name, err);
    for (size_t i = 0; ok && i < r->n_rowless; i++)
        ok = hide_path(hider, &r->rowless[i], err);
    return ok;
}
