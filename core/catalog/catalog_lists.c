/*
 * catalog_lists.c - see catalog.h. Which kind of index a catalog has, and the lists of
 * those that have some.
 *
 * Finding lists takes minutes where there are many vectors, so it is done anew only
 * when there are more than twice as many as there were, or less than half. Between, a
 * file that is written anew has the lists of the one before, and the vectors that were
 * in that stay where they were; how many lists are enough is measured each time.
 */
#include "core/catalog/catalog.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/background.h"
#include "core/catalog/catalog_impl.h"
#include "core/catalog/vlists_make.h"

enum {
    EXACT_UP_TO = 200000,  /* vectors: 3 to 5 ms on two cores (bench/results.md) */
    LEAST_PER_LIST = 4,    /* vectors; where there are fewer, lists have to wait */
    LISTS_PER_ROOT = 2,    /* n_lists = 2 * sqrt(count) */
    TRAINED_ANEW_AFTER = 2 /* times as many vectors, or as few */
};

/* ---- what was asked for ---------------------------------------------------------- */

static const char exact_name[] = "SQ8,RFlat";

/* "IVF<n>," in front of it. */
static bool read_lists(const char *text, size_t *n_lists)
{
    enum { PREFIX = 3 };
    char *end;
    if (strncmp(text, "IVF", PREFIX) != 0 || text[PREFIX] < '1' || text[PREFIX] > '9')
        return false;
    errno = 0;
    const unsigned long n = strtoul(text + PREFIX, &end, 10);
    *n_lists = n;
    return errno == 0 && n <= PF_VLISTS_MAX && *end == ',' &&
           strcmp(end + 1, exact_name) == 0;
}

bool pf_index_spec_read(pf_index_spec *out, const char *text, pf_err *err)
{
    *out = (pf_index_spec){.is_auto = strcmp(text, "auto") == 0};
    return out->is_auto || strcmp(text, exact_name) == 0 ||
           read_lists(text, &out->n_lists) ||
           pf_fail(err, PF_ERR_MISUSE,
                   "there is no index '%s': there are auto, SQ8,RFlat, and "
                   "IVF<n>,SQ8,RFlat with n lists, 1 to %d",
                   text, PF_VLISTS_MAX);
}

void pf_index_describe(const pf_store_index_file *file, char text[PF_INDEX_TEXT])
{
    if (file->n_lists > 0)
        snprintf(text, PF_INDEX_TEXT, "IVF%lld,%s", (long long)file->n_lists,
                 exact_name);
    else
        snprintf(text, PF_INDEX_TEXT, "%s", exact_name);
}

bool pf_catalog_get_index_spec(const pf_catalog *c, pf_index_spec *out, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    char *text = NULL;
    if (!pf_store_get_index_spec(c->store, &text, err))
        return false;
    const bool ok =
        pf_index_spec_read(out, text, &why) ||
        pf_fail(err, PF_ERR_FORMAT, "catalog '%s' is damaged: %s", c->folder, why.msg);
    pf_free(text);
    return ok;
}

/* Lists that were found for another wish are found anew at the next publish. */
static bool change_spec(pf_catalog *c, const char *spec, pf_err *err)
{
    char *before;
    if (!pf_store_get_index_spec(c->store, &before, err))
        return false;
    bool ok = true;
    if (strcmp(before, spec) != 0) {
        ok = pf_store_set_index_spec(c->store, spec, err);
        for (int kind = 0; ok && kind < PF_INDEX_KINDS; kind++) {
            pf_store_index_file file;
            ok = pf_store_find_index_file(c->store, kind, &file, err);
            file.trained = 0;
            ok = ok && (file.generation == 0 ||
                        pf_store_set_index_file(c->store, kind, &file, err));
        }
    }
    pf_free(before);
    return ok;
}

bool pf_catalog_choose_index(pf_catalog *c, const char *spec, pf_err *err)
{
    pf_index_spec wanted;
    if (!pf_index_spec_read(&wanted, spec, err) || !pf_store_begin(c->store, err))
        return false;
    if (!change_spec(c, spec, err)) {
        pf_store_rollback(c->store);
        return false;
    }
    return pf_store_commit(c->store, err);
}

/* ---- what is to be --------------------------------------------------------------- */

/* Were the lists of this file found for about as many vectors? */
static bool is_about_as_large(const pf_store_index_file *file, int64_t count)
{
    return file->trained > 0 && count <= file->trained * TRAINED_ANEW_AFTER &&
           file->trained <= count * TRAINED_ANEW_AFTER;
}

static bool wants_lists(const pf_index_spec *spec, int64_t count)
{
    return spec->is_auto
               ? count > EXACT_UP_TO
               : spec->n_lists > 0 && count >= (int64_t)spec->n_lists * LEAST_PER_LIST;
}

/* How many, where some are wanted; those that `before` has, as long as they do. */
static size_t count_lists(const pf_index_spec *spec, const pf_store_index_file *before,
                          int64_t count)
{
    if (!spec->is_auto)
        return spec->n_lists;
    if (before->n_lists > 0 && is_about_as_large(before, count))
        return (size_t)before->n_lists;
    const size_t n = (size_t)(LISTS_PER_ROOT * sqrt((double)count));
    return n < PF_VLISTS_MAX ? n : PF_VLISTS_MAX;
}

bool pf_catalog_is_as_wanted(const pf_index_spec *spec, const pf_store_index_file *file,
                             int64_t count)
{
    if (!wants_lists(spec, count))
        return file->n_lists == 0;
    if (file->trained == 0)
        return false;
    return spec->is_auto || file->n_lists == (int64_t)spec->n_lists;
}

uint64_t pf_catalog_lists_size(const pf_index_spec *spec, int dim, int64_t count)
{
    const pf_store_index_file none = {0};
    return wants_lists(spec, count)
               ? pf_vfile_size(dim, (size_t)count, count_lists(spec, &none, count))
               : 0;
}

/* ---- making them ----------------------------------------------------------------- */

/* NULL: it is not there, or of no use. */
static pf_vfile *open_file(const pf_catalog *c, const pf_store_index_file *file)
{
    int fd = -1;
    pf_vfile *out = NULL;
    pf_err ignored = PF_ERR_INIT;
    const pf_vfile_record record = pf_catalog_record_of(file);
    char *path = pf_path_join(c->folder, file->name, &ignored);
    if (path && pf_file_open(&fd, path, &ignored)) {
        if (!pf_vfile_open(&out, fd, path, &record, &ignored))
            out = NULL;
        close(fd);
    }
    pf_free(path);
    return out;
}

/* The file before this one, whose lists may be taken over; or NULL. */
static pf_vfile *open_known(const pf_catalog *c, const pf_store_index_file *before,
                            size_t n_lists, int dim, int64_t count)
{
    return before->n_lists == (int64_t)n_lists && before->dim == dim &&
                   is_about_as_large(before, count)
               ? open_file(c, before)
               : NULL;
}

/* With the older file, unless that turns out to be damaged. *took_over: its lists. */
static bool make(pf_vlists_wish *wish, pf_vfile *vectors, const char *path,
                 pf_vlists_made *made, bool *took_over, pf_err *err)
{
    pf_err local = PF_ERR_INIT;
    *took_over = wish->known != NULL;
    if (pf_vlists_make(made, vectors, path, wish, &local))
        return true;
    if (!wish->known || !pf_vfile_is_damaged(wish->known))
        return pf_fail_as(err, &local);
    *took_over = false;
    wish->known = NULL;
    return pf_vlists_make(made, vectors, path, wish, err);
}

static pf_vlists_questions questions_of(const pf_background_sample *sample, bool is_own)
{
    pf_vlists_questions q = {0};
    const int64_t *ids;
    q.n = pf_background_sample_get(sample, &ids, &q.vectors);
    q.ids = is_own ? ids : NULL;
    return q;
}

static bool put_into_lists(pf_vlists_wish *wish, const pf_catalog *c,
                           pf_store_index_file *file, int64_t trained, pf_err *err)
{
    pf_vlists_made made = {0};
    bool took_over = false;
    char *path = pf_path_join(c->folder, file->name, err);
    pf_vfile *vectors = path ? open_file(c, file) : NULL;
    bool ok = path && (vectors || pf_fail(err, PF_ERR_IO, "cannot read '%s'", path)) &&
              make(wish, vectors, path, &made, &took_over, err);
    pf_vfile_close(vectors);
    pf_free(path);
    if (!ok)
        return false;
    file->trained = took_over ? trained : file->count;
    if (made.n_lists == 0)
        return true;
    file->n_lists = (int64_t)made.n_lists;
    file->n_probe = (int64_t)made.n_probe;
    file->recall = made.recall;
    file->checksum = made.checksum;
    return true;
}

bool pf_catalog_make_lists(const pf_catalog *c, const pf_index_spec *spec,
                           const pf_store_index_file *before, pf_store_index_file *file,
                           const pf_background_sample *own,
                           const pf_background_sample *other, pf_err *err)
{
    if (!wants_lists(spec, file->count))
        return true;
    if (spec->is_auto && before->n_lists == 0 &&
        is_about_as_large(before, file->count)) {
        file->trained = before->trained; /* of no use then, nor now */
        return true;
    }
    pf_vlists_wish wish = {
        .n_lists = count_lists(spec, before, file->count),
        .must = !spec->is_auto,
        .asked = {questions_of(own, true), questions_of(other, false)}};
    wish.known = open_known(c, before, wish.n_lists, file->dim, file->count);
    pf_vfile *known = wish.known;
    const bool ok = put_into_lists(&wish, c, file, before->trained, err);
    pf_vfile_close(known);
    return ok;
}
