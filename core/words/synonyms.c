/*
 * synonyms.c - see synonyms.h. The names are sorted by their stems, so that all that
 * begin with a word lie together; a second array has them by group.
 */
#include "core/words/synonyms.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/words/texts.h"

enum {
    NAMES_MAX = 1 << 16,
    NAME_WORDS_MAX = 8,
    FILE_MAX_BYTES = 1 << 20,
};

struct pf_synonyms {
    pf_synonym *names;           /* by stems, then group */
    const pf_synonym **by_group; /* by group */
    size_t n, room;
    size_t *groups; /* [n_groups + 1]: where each begins in by_group */
    size_t n_groups;
};

/* ---- reading --------------------------------------------------------------------- */

static bool add_name(pf_synonyms *s, const char *text, size_t n, bool is_narrow,
                     bool is_near, pf_terms *terms, pf_err *err)
{
    if (!pf_terms_read(terms, text, n, err))
        return false;
    if (terms->n == 0 || terms->n > NAME_WORDS_MAX)
        return pf_fail(err, PF_ERR_FORMAT, "a name has %zu words, expected 1 to %d",
                       terms->n, NAME_WORDS_MAX);
    if (s->n == NAMES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "there are more than %d names", NAMES_MAX);
    if (!pf_grow_array(&s->names, &s->room, s->n, sizeof *s->names, err))
        return false;
    pf_synonym *name = &s->names[s->n++];
    *name = (pf_synonym){.group = s->n_groups,
                         .is_narrow = is_narrow,
                         .is_near = is_near,
                         .is_denied = terms->n > 1 &&
                                      strcmp(pf_terms_plain(terms, 0), "without") == 0};
    if (!(name->stems = pf_alloc_array(terms->n, sizeof *name->stems, err)))
        return false;
    for (; name->n_stems < terms->n; name->n_stems++) {
        name->stems[name->n_stems] =
            pf_strdup(pf_terms_stem(terms, name->n_stems), err);
        if (!name->stems[name->n_stems])
            return false;
    }
    return true;
}

static bool add_group(pf_synonyms *s, const char *line, size_t n, pf_terms *terms,
                      pf_err *err)
{
    const char *end = line + n;
    size_t names = 0;
    bool is_narrow = false;
    const bool is_near = memchr(line, '~', n) != NULL;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    if (line == end || *line == '#')
        return true;
    for (const char *from = line; from <= end; names++) {
        const char *to = from;
        while (to < end && *to != '=' && *to != '>' && *to != '~')
            to++;
        if (!add_name(s, from, (size_t)(to - from), is_narrow, is_near, terms, err))
            return false;
        is_narrow = is_narrow || (to < end && *to == '>');
        from = to + 1;
    }
    if (names < 2)
        return pf_fail(err, PF_ERR_FORMAT,
                       "a group has one name: there is no '=', no '>' and no '~'");
    s->n_groups++;
    return true;
}

static bool add_text(pf_synonyms *s, const char *text, size_t n, const char *name,
                     pf_err *err)
{
    bool ok = true;
    pf_terms terms = {0};
    pf_lines lines = pf_lines_of(text, n);
    for (const char *line; ok && pf_lines_next(&lines, &line, &n);)
        ok = add_group(s, line, n, &terms, err) ||
             pf_fail_in(err, "'%s', line %zu", name, lines.number);
    pf_terms_reset(&terms);
    return ok;
}

/* ---- order ----------------------------------------------------------------------- */

static int compare_stems(const pf_synonym *x, const pf_synonym *y)
{
    for (size_t i = 0; i < x->n_stems && i < y->n_stems; i++) {
        const int order = strcmp(x->stems[i], y->stems[i]);
        if (order != 0)
            return order;
    }
    return (x->n_stems > y->n_stems) - (x->n_stems < y->n_stems);
}

/* Narrow ones behind the others, so that those that are looked for lie side by side. */
static int by_stems_then_group(const void *a, const void *b)
{
    const pf_synonym *x = a, *y = b;
    const int order = compare_stems(x, y);
    if (order != 0)
        return order;
    if (x->is_narrow != y->is_narrow)
        return x->is_narrow ? 1 : -1;
    return (x->group > y->group) - (x->group < y->group);
}

/* Counting sort: what is in `names` by group, too. */
static bool sort_by_group(pf_synonyms *s, pf_err *err)
{
    s->by_group = pf_alloc_array(s->n, sizeof *s->by_group, err);
    s->groups = pf_alloc_array(s->n_groups + 2, sizeof *s->groups, err);
    if (!s->by_group || !s->groups)
        return false;
    for (size_t i = 0; i < s->n; i++)
        s->groups[s->names[i].group + 2]++;
    for (size_t g = 2; g < s->n_groups + 2; g++)
        s->groups[g] += s->groups[g - 1];
    for (size_t i = 0; i < s->n; i++)
        s->by_group[s->groups[s->names[i].group + 1]++] = &s->names[i];
    return true;
}

/* What was added, in order; on failure it is freed. */
static bool finish(pf_synonyms **out, pf_synonyms *s, bool ok, pf_err *err)
{
    if (ok && s->n > 0)
        qsort(s->names, s->n, sizeof *s->names, by_stems_then_group);
    if (!ok || !sort_by_group(s, err)) {
        pf_synonyms_free(s);
        return false;
    }
    *out = s;
    return true;
}

bool pf_synonyms_parse(pf_synonyms **out, const char *text, size_t n, const char *name,
                       pf_err *err)
{
    *out = NULL;
    pf_synonyms *s = pf_zalloc(sizeof *s, err);
    return finish(out, s, s && add_text(s, text, n, name, err), err);
}

static bool add_built_in(pf_synonyms *s, pf_err *err)
{
    return add_text(s, pf_text_synonyms, pf_text_synonyms_size, "synonyms.txt", err);
}

bool pf_synonyms_new(pf_synonyms **out, pf_err *err)
{
    *out = NULL;
    pf_synonyms *s = pf_zalloc(sizeof *s, err);
    return finish(out, s, s && add_built_in(s, err), err);
}

bool pf_synonyms_open(pf_synonyms **out, const char *path, pf_err *err)
{
    *out = NULL;
    const bool is_more = path[0] == '+';
    pf_buf text;
    pf_buf_init(&text, FILE_MAX_BYTES);
    path += is_more;
    pf_synonyms *s = pf_zalloc(sizeof *s, err);
    const bool ok = s && pf_file_read(path, &text, err) &&
                    (!is_more || add_built_in(s, err)) &&
                    add_text(s, text.size > 0 ? text.data : "", text.size, path, err);
    pf_buf_free(&text);
    return finish(out, s, ok, err);
}

void pf_synonyms_free(pf_synonyms *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < s->names[i].n_stems; k++)
            pf_free(s->names[i].stems[k]);
        pf_free(s->names[i].stems);
    }
    pf_free(s->names);
    pf_free(s->by_group);
    pf_free(s->groups);
    pf_free(s);
}

/* ---- asking ---------------------------------------------------------------------- */

/* Is the name the beginning of terms i .. end-1? */
static bool begins(const pf_synonym *name, const pf_terms *t, size_t i, size_t end)
{
    if (name->n_stems > end - i)
        return false;
    for (size_t k = 0; k < name->n_stems; k++) {
        if (strcmp(name->stems[k], pf_terms_stem(t, i + k)) != 0)
            return false;
    }
    return true;
}

/* The first of the names that begin with this stem, or n. */
static size_t first_with(const pf_synonyms *s, const char *stem)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(s->names[middle].stems[0], stem) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Better than what was found when it takes more terms; equal names lie side by side. */
static void take(pf_synonyms_found *found, const pf_synonym *name, size_t n_terms)
{
    if (name->is_narrow || n_terms < found->n_terms)
        return;
    if (n_terms > found->n_terms)
        *found = (pf_synonyms_found){name, 1, n_terms};
    else if (name == found->names + found->n)
        found->n++;
}

/* Names of one word: "t2weighted" for the terms that T2-weighted has. */
static void find_whole(const pf_synonyms *s, const char *stem, size_t n_terms,
                       pf_synonyms_found *found)
{
    for (size_t k = first_with(s, stem);
         k < s->n && strcmp(s->names[k].stems[0], stem) == 0; k++) {
        if (s->names[k].n_stems == 1)
            take(found, &s->names[k], n_terms);
    }
}

pf_synonyms_found pf_synonyms_find(const pf_synonyms *s, const pf_terms *t, size_t i,
                                   size_t end)
{
    pf_synonyms_found found = {0};
    if (i >= end)
        return found;
    const char *word = pf_terms_stem(t, i);
    for (size_t k = first_with(s, word);
         k < s->n && strcmp(s->names[k].stems[0], word) == 0; k++) {
        if (begins(&s->names[k], t, i, end))
            take(&found, &s->names[k], s->names[k].n_stems);
    }
    for (size_t k = 0; k < t->n_wholes; k++) {
        const pf_whole *w = &t->wholes[k];
        if (w->first == i && w->last < end)
            find_whole(s, t->chars + w->stem, w->last + 1 - i, &found);
    }
    return found;
}

const pf_synonym *const *pf_synonyms_group(const pf_synonyms *s, size_t group,
                                           size_t *n)
{
    *n = s->groups[group + 1] - s->groups[group];
    return s->by_group + s->groups[group];
}
