/* known_facts.c - see known_facts.h. */
#include "indexer/known_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "indexer/study_key.h"

/* ---- as a text: four numbers, then six codes, parted by bars ---- */

void pf_facts_write(const pf_facts *f, char out[PF_FACTS_TEXT_ROOM])
{
    snprintf(out, PF_FACTS_TEXT_ROOM, "%d|%d|%d|%d|%s|%s|%s|%s|%s|%s", f->is_known,
             f->has_picture, f->may_name, (int)f->frames, f->modality, f->body_part,
             f->view, f->laterality, f->year, f->study);
}

/* The text up to the next bar, or its end; NULL when it does not fit. */
static const char *take_code(const char *at, char *out, size_t room)
{
    const size_t n = strcspn(at, "|");
    if (n >= room)
        return NULL;
    memcpy(out, at, n);
    out[n] = '\0';
    return at + n + (at[n] == '|');
}

/* A number of at most nine digits. */
static const char *take_number(const char *at, int *out)
{
    char digits[10];
    const char *next = take_code(at, digits, sizeof digits);
    if (!next || digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return NULL;
    *out = (int)strtol(digits, NULL, 10);
    return next;
}

static bool is_study_name(const char *name)
{
    return name[0] == '\0' ||
           (strncmp(name, "study-", 6) == 0 &&
            strspn(name + 6, "0123456789abcdef") == 2 * PF_SIPHASH_SIZE &&
            strlen(name) == 6 + 2 * PF_SIPHASH_SIZE);
}

static const char *take_numbers(const char *at, pf_facts *out)
{
    int number[4] = {0};
    for (int i = 0; at && i < 4; i++)
        at = take_number(at, &number[i]);
    out->is_known = number[0] != 0;
    out->has_picture = number[1] != 0;
    out->may_name = number[2] != 0;
    out->frames = number[3];
    return at;
}

static size_t count_bars(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '|';
    return n;
}

bool pf_facts_parse(pf_facts *out, const char *text)
{
    char study[PF_FACT_UID_ROOM] = "";
    memset(out, 0, sizeof *out);
    const char *at = count_bars(text) == 9 ? take_numbers(text, out) : NULL;
    const bool ok = at && (at = take_code(at, out->modality, sizeof out->modality)) &&
                    (at = take_code(at, out->body_part, sizeof out->body_part)) &&
                    (at = take_code(at, out->view, sizeof out->view)) &&
                    (at = take_code(at, out->laterality, sizeof out->laterality)) &&
                    (at = take_code(at, out->year, sizeof out->year)) &&
                    (at = take_code(at, study, sizeof study)) && *at == '\0' &&
                    is_study_name(study);
    pf_facts_clean(out); /* a catalog may come from anybody */
    memcpy(out->study, study, sizeof study);
    return ok;
}

/* ---- of a source ---- */

static bool take_row(void *user, const pf_store_facts *row, pf_err *err)
{
    pf_known_facts *k = user;
    if (!pf_grow_array(&k->at, &k->room, k->count, sizeof *k->at, err))
        return false;
    const pf_known_file file = {.path = pf_strdup(row->path, err),
                                .text = pf_strdup(row->facts, err),
                                .size = row->size,
                                .mtime_ns = row->mtime_ns};
    k->at[k->count++] = file;
    return file.path && file.text;
}

bool pf_known_facts_load(pf_known_facts *known, pf_store *store, int64_t source_id,
                         pf_err *err)
{
    *known = (pf_known_facts){0};
    return pf_store_each_facts(store, source_id, take_row, known, err);
}

static int by_path(const void *key, const void *file)
{
    return strcmp(key, ((const pf_known_file *)file)->path);
}

bool pf_known_facts_find(pf_known_facts *known, const pf_scan_file *file, pf_facts *out)
{
    pf_known_file *found =
        known->count == 0
            ? NULL
            : bsearch(file->path, known->at, known->count, sizeof *known->at, by_path);
    if (!found)
        return false;
    found->is_there = true;
    return found->size == file->size && found->mtime_ns == file->mtime_ns &&
           pf_facts_parse(out, found->text);
}

void pf_known_facts_reset(pf_known_facts *known)
{
    for (size_t i = 0; i < known->count; i++) {
        pf_free(known->at[i].path);
        pf_free(known->at[i].text);
    }
    pf_free(known->at);
    *known = (pf_known_facts){0};
}
