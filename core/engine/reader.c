/* reader.c - see reader.h, and plainfilm.h for opening, refreshing and closing. */
#include "core/engine/reader.h"

#include <sys/stat.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/team.h"

/* ---- opening and refreshing ---- */

enum { THREADS_MAX = 8 }; /* of a reader that embeds alone */

static void drop_embedders(pf_reader *r)
{
    for (int i = 0; i < PF_READER_TOWERS; i++) {
        pf_embedder_free(r->embedder[i]);
        r->embedder[i] = NULL;
    }
}

/* From now on this database. */
static void take_database(pf_reader *r, const pf_reader_database *which)
{
    r->database = *which;
    r->era = pf_engine_era(r->engine, which->device, which->inode);
}

/* From now on `view`, whose reference is taken. */
static void take_view(pf_reader *r, pf_view *view)
{
    if (!r->view || pf_view_models(r->view) != pf_view_models(view))
        drop_embedders(r);
    pf_view_unref(r->view);
    r->view = view;
}

/* All zero when it is not there. */
static bool find_database(const pf_engine *engine, pf_reader_database *out, pf_err *err)
{
    struct stat st;
    *out = (pf_reader_database){0};
    char *path = pf_path_join(pf_engine_folder(engine), "catalog.db", err);
    if (path && stat(path, &st) == 0)
        *out = (pf_reader_database){(uint64_t)st.st_dev, (uint64_t)st.st_ino};
    pf_free(path);
    return path != NULL;
}

/* Looked at before it is opened: one that replaces it in between is opened once more.
 */
static bool open_catalog(const pf_reader *r, pf_catalog **out,
                         pf_reader_database *which, pf_err *err)
{
    *out = NULL;
    return find_database(r->engine, which, err) &&
           pf_catalog_open_reader(out, pf_engine_folder(r->engine), err);
}

/* Who has a database open does not see that its name is another one's by now. *out: the
 * one that has it; NULL when it is ours, or nothing was published in it yet. */
static bool find_other(const pf_reader *r, pf_catalog **out, pf_reader_database *which,
                       pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    *out = NULL;
    if (!find_database(r->engine, which, err))
        return false;
    if ((which->device == r->database.device && which->inode == r->database.inode) ||
        open_catalog(r, out, which, &why))
        return true;
    return why.code == PF_ERR_NOT_FOUND || pf_fail_as(err, &why);
}

/* `catalog` is taken, also on failure. */
static bool move_to(pf_reader *r, pf_catalog *catalog, const pf_reader_database *which,
                    pf_err *err)
{
    pf_view *view;
    if (!pf_engine_get_view(r->engine, catalog, &view, err)) {
        pf_catalog_close(catalog);
        return false;
    }
    pf_catalog_close(r->catalog);
    r->catalog = catalog;
    take_database(r, which);
    take_view(r, view);
    return true;
}

static bool take_newest(pf_reader *r, pf_err *err)
{
    pf_view *view = NULL;
    if (r->catalog && !pf_catalog_begin_read(r->catalog, err))
        return false;
    if (r->view && pf_catalog_generation(r->catalog) == pf_view_generation(r->view))
        return true;
    if (!pf_engine_get_view(r->engine, r->catalog, &view, err))
        return false;
    take_view(r, view);
    return true;
}

/* After a failure there is no snapshot: it may be of another generation than the view,
 * and the next question has to try again. */
bool pf_reader_refresh(pf_reader *r, pf_err *err)
{
    pf_catalog *other = NULL;
    pf_reader_database which;
    if (!r->catalog)
        return true;
    if (find_other(r, &other, &which, err) &&
        (other ? move_to(r, other, &which, err) : take_newest(r, err)))
        return true;
    pf_catalog_end_read(r->catalog);
    return false;
}

bool pf_reader_begin(pf_reader *r, pf_err *err)
{
    return !r->catalog || pf_catalog_has_snapshot(r->catalog) ||
           pf_reader_refresh(r, err);
}

bool pf_reader_open(pf_reader **out, pf_engine *engine, pf_err *err)
{
    *out = NULL;
    pf_reader *r = pf_engine_take_spare(engine);
    if (r) {
        if (pf_reader_refresh(r, err))
            *out = r;
        else
            pf_reader_close(r);
        return *out != NULL;
    }
    r = pf_zalloc(sizeof *r, err);
    if (!r)
        return false;
    r->engine = engine;
    pf_reader_database which = {0};
    if ((!pf_engine_options_of(engine)->has_no_catalog &&
         !open_catalog(r, &r->catalog, &which, err)) ||
        !take_newest(r, err)) {
        pf_reader_close(r);
        return false;
    }
    take_database(r, &which);
    *out = r;
    return true;
}

bool pf_reader_open_beside(pf_reader **out, const pf_reader *r, pf_err *err)
{
    if (!pf_reader_open(out, r->engine, err))
        return false;
    if ((*out)->view != r->view) {
        pf_reader_close(*out);
        *out = NULL;
    }
    return true;
}

void pf_reader_close(pf_reader *r)
{
    if (!r)
        return;
    drop_embedders(r);
    pf_sandbox_free(r->sandbox);
    pf_catalog_close(r->catalog);
    pf_view_unref(r->view);
    pf_free(r);
}

int64_t pf_reader_generation(const pf_reader *r)
{
    return pf_view_generation(r->view);
}

uint64_t pf_reader_edition(const pf_reader *r)
{
    enum { GENERATION_BITS = 40 }; /* one a second for 30,000 years */
    return r->era << GENERATION_BITS | (uint64_t)pf_view_generation(r->view);
}

/* ---- what it has ---- */

const char *pf_reader_folder(const pf_reader *r)
{
    return pf_engine_folder(r->engine);
}

pf_store *pf_reader_store(const pf_reader *r)
{
    return r->catalog ? pf_catalog_store(r->catalog) : NULL;
}

bool pf_reader_check_catalog(const pf_reader *r, pf_err *err)
{
    if (!r->catalog)
        return pf_fail(err, PF_ERR_MISUSE,
                       "this needs a catalog, there is a model only");
    return pf_models_check(pf_view_models(r->view), err);
}

bool pf_reader_get_index(pf_reader *r, pf_index_kind kind, const pf_vindex **out,
                         pf_err *err)
{
    pf_notes notes = {0};
    const bool ok = pf_view_get_index(r->view, kind, r->catalog, out, &notes, err);
    pf_engine_tell(r->engine, PF_NOTE_CATALOG, &notes);
    return ok;
}

bool pf_reader_replace_damaged(pf_reader *r, const pf_err *why, bool *any, pf_err *err)
{
    pf_notes notes = {0};
    *any = false;
    const bool ok = !r->catalog ||
                    pf_view_replace_damaged(r->view, r->catalog, why, any, &notes, err);
    pf_engine_tell(r->engine, PF_NOTE_CATALOG, &notes);
    return ok;
}

size_t pf_reader_count(const pf_reader *r, pf_index_kind kind)
{
    return pf_view_count(r->view, kind);
}

bool pf_reader_get_counts(pf_reader *r, pf_store_counts *out, pf_err *err)
{
    return pf_view_get_counts(r->view, r->catalog, out, err);
}

bool pf_reader_find_word_rows(pf_reader *r, const pf_words *words, pf_word_rows **out,
                              pf_err *err)
{
    return pf_view_find_word_rows(r->view, words, r->catalog, out, err);
}

bool pf_reader_find_background(pf_reader *r, pf_background_kind kind,
                               const pf_background **out, pf_err *err)
{
    pf_notes notes = {0};
    const bool ok =
        pf_view_find_background(r->view, kind, r->catalog, out, &notes, err);
    pf_engine_tell(r->engine, PF_NOTE_CATALOG, &notes);
    return ok;
}

bool pf_reader_get_model(pf_reader *r, unsigned tower, const pf_model **out,
                         pf_err *err)
{
    pf_notes notes = {0};
    const bool ok = pf_models_get(pf_view_models(r->view), tower, out, &notes, err);
    pf_engine_tell(r->engine, PF_NOTE_MODEL, &notes);
    if (ok)
        pf_engine_tell_notice(r->engine, pf_model_notice(*out));
    return ok;
}

bool pf_reader_get_embedder(pf_reader *r, unsigned tower, pf_embedder **out,
                            pf_err *err)
{
    pf_embedder **place = &r->embedder[tower == PF_CLIP_IMAGE];
    const pf_model *model = NULL;
    *out = *place;
    if (*out)
        return true;
    if (!pf_reader_get_model(r, tower, &model, err) ||
        !pf_embedder_new(place, model, err))
        return false;
    const int asked = pf_engine_options_of(r->engine)->embed_threads;
    const size_t threads = asked < 0 ? pf_team_cores(THREADS_MAX) : (size_t)asked;
    if (!pf_embedder_set_threads(*place, threads, err)) {
        pf_embedder_free(*place);
        *place = NULL;
        return false;
    }
    *out = *place;
    return true;
}

bool pf_reader_get_sandbox(pf_reader *r, pf_sandbox **out, pf_err *err)
{
    const bool ok = r->sandbox || pf_sandbox_new(&r->sandbox, err);
    *out = r->sandbox;
    return ok;
}

size_t pf_reader_dim(const pf_reader *r)
{
    return (size_t)pf_models_dim(pf_view_models(r->view));
}
