/*
 * catalog.c - see catalog.h. The folder, the lock, publishing, and readers' indexes.
 *
 * What a publish does, in this order, and what a crash behind each step leaves:
 *
 *   1 sweep embeddings nobody uses      nothing: the transaction was not committed
 *   2 write images.<gen+1>.faiss        a file no row names; the next publish replaces
 *   3 write captions.<gen+1>.faiss      or removes it
 *   4 rows: checksums, background,      nothing
 *     generation
 *   5 commit                            the new generation, and old files in the folder
 *   6 remove files of older generations nothing is left to do
 *
 * A reader that has read the rows of one generation and then finds its file gone was
 * overtaken between 5 and 6; it takes the newer generation.
 */
#include "core/catalog/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/background.h"

enum { KINDS = 2, OVERTAKEN_TIMES = 5, POLL_MS = 200 };

static const char *const kind_name[KINDS] = {"images", "captions"};

struct pf_catalog {
    char *folder;
    pf_store *store;
    int lock; /* descriptor; -1 for a reader */
    unsigned wanted;
    pf_vindex *index[KINDS]; /* by pf_index_kind; NULL when not wanted */
    int64_t generation;      /* of index[], or last published */
    bool has_snapshot;
};

static int die_at;

void pf_catalog_die_at(int step)
{
    die_at = step;
}

static void step_done(int step)
{
    if (step == die_at)
        _exit(9);
}

/* --- the folder ------------------------------------------------------------------ */

char *pf_catalog_default_folder(pf_err *err)
{
    const char *named = getenv("PLAINFILM_CATALOG");
    if (named && named[0])
        return pf_strdup(named, err);
    const char *data = getenv("XDG_DATA_HOME");
    if (data && data[0] == '/') /* the XDG rules: a relative one counts as unset */
        return pf_path_join(data, "plainfilm", err);
    const char *home = getenv("HOME");
    if (home && home[0])
        return pf_path_join(home, ".local/share/plainfilm", err);
    pf_fail(err, PF_ERR_MISUSE, "no catalog was named, and HOME is not set");
    return NULL;
}

/* An empty pf_catalog for this folder. */
static pf_catalog *new_catalog(const char *folder, pf_err *err)
{
    pf_catalog *c = pf_zalloc(sizeof *c, err);
    if (!c)
        return NULL;
    c->lock = -1;
    c->folder = folder ? pf_strdup(folder, err) : pf_catalog_default_folder(err);
    if (c->folder)
        return c;
    pf_free(c);
    return NULL;
}

static bool open_store(pf_catalog *c, pf_store_mode mode, pf_err *err)
{
    char *path = pf_path_join(c->folder, "catalog.db", err);
    bool ok = path && pf_store_open(&c->store, path, mode, err);
    pf_free(path);
    return ok;
}

static void drop_indexes(pf_catalog *c)
{
    for (int kind = 0; kind < KINDS; kind++) {
        pf_vindex_free(c->index[kind]);
        c->index[kind] = NULL;
    }
}

void pf_catalog_close(pf_catalog *c)
{
    if (!c)
        return;
    pf_catalog_end_read(c);
    drop_indexes(c);
    if (c->store && c->lock >= 0) {
        pf_store_rollback(c->store);
        pf_store_checkpoint(c->store);
    }
    pf_store_close(c->store);
    if (c->lock >= 0)
        close(c->lock);
    pf_free(c->folder);
    pf_free(c);
}

const char *pf_catalog_folder(const pf_catalog *c)
{
    return c->folder;
}

pf_store *pf_catalog_store(pf_catalog *c)
{
    return c->store;
}

int64_t pf_catalog_generation(const pf_catalog *c)
{
    return c->generation;
}

const pf_vindex *pf_catalog_images(const pf_catalog *c)
{
    return c->index[PF_INDEX_IMAGES];
}

const pf_vindex *pf_catalog_captions(const pf_catalog *c)
{
    return c->index[PF_INDEX_CAPTIONS];
}

/* --- index files ------------------------------------------------------------------ */

static bool add_vector(void *user, int64_t id, const float *vector, int dim,
                       pf_err *err)
{
    (void)dim; /* the model's, as the index was made for */
    return pf_vindex_add(user, &id, vector, 1, err);
}

/* The index over what the store says, in the store's present transaction. */
static bool build_index(pf_catalog *c, pf_index_kind kind, pf_vindex **out, pf_err *err)
{
    *out = NULL;
    pf_store_model model = {0};
    if (!pf_store_find_model(c->store, &model, err))
        return false;
    int dim = model.dim;
    bool is_set = model.id != 0;
    pf_store_model_reset(&model);
    if (!is_set)
        return pf_fail(err, PF_ERR_MISUSE, "catalog '%s' has no model yet", c->folder);
    pf_vindex *index;
    if (!pf_vindex_new(&index, dim, err))
        return false;
    bool ok = kind == PF_INDEX_IMAGES
                  ? pf_store_each_image_vector(c->store, add_vector, index, err)
                  : pf_store_each_caption_vector(c->store, add_vector, index, err);
    if (!ok) {
        pf_vindex_free(index);
        return false;
    }
    *out = index;
    return true;
}

static bool load_index(pf_catalog *c, pf_index_kind kind, pf_vindex **out, pf_err *err)
{
    *out = NULL;
    pf_store_index_file file;
    if (!pf_store_find_index_file(c->store, kind, &file, err))
        return false;
    if (file.generation == 0)
        return pf_fail(err, PF_ERR_NOT_FOUND, "no index of %s was recorded",
                       kind_name[kind]);
    char *path = pf_path_join(c->folder, file.name, err);
    bool ok = path && pf_vindex_load(out, path, &file.checksum, file.dim,
                                     (size_t)file.count, err);
    pf_free(path);
    return ok;
}

/* --- reading ---------------------------------------------------------------------- */

/* Take the present snapshot instead of the one held; was there a publish in between? */
static bool retake_snapshot(pf_catalog *c, int64_t seen, bool *moved_on, pf_err *err)
{
    pf_store_end_read(c->store);
    int64_t now;
    if (!pf_store_begin_read(c->store, err) ||
        !pf_store_get_generation(c->store, &now, err))
        return false;
    *moved_on = now != seen;
    return true;
}

/* Load what is wanted at this generation into `index`. *is_overtaken: a file was gone
 * because a newer generation has been published; the snapshot is the newer one now. */
static bool load_wanted(pf_catalog *c, int64_t generation, pf_vindex *index[KINDS],
                        bool *is_overtaken, pf_notes *notes, pf_err *err)
{
    *is_overtaken = false;
    for (int kind = 0; kind < KINDS; kind++) {
        if (!(c->wanted & 1u << kind))
            continue;
        pf_err reason = PF_ERR_INIT;
        if (load_index(c, kind, &index[kind], &reason))
            continue;
        if (reason.code == PF_ERR_NOMEM)
            return pf_fail(err, reason.code, "%s", reason.msg);
        if (!retake_snapshot(c, generation, is_overtaken, err))
            return false;
        if (*is_overtaken)
            return true;
        if (!build_index(c, kind, &index[kind], err))
            return pf_fail_in(err, "%s; nor can it be made from the database",
                              reason.msg);
        pf_notes_add(notes,
                     "%s; searching the vectors in the database instead (slower to "
                     "start): run plainfilm-index to write it again",
                     reason.msg);
    }
    return true;
}

static bool take_snapshot(pf_catalog *c, pf_notes *notes, bool *is_overtaken,
                          pf_err *err)
{
    int64_t generation;
    *is_overtaken = false;
    if (!pf_store_get_generation(c->store, &generation, err))
        return false;
    if (generation == 0)
        return pf_fail(
            err, PF_ERR_NOT_FOUND,
            "catalog '%s' is empty: no run of plainfilm-index has finished yet",
            c->folder);
    if (generation == c->generation)
        return true;
    pf_vindex *index[KINDS] = {NULL};
    bool ok = load_wanted(c, generation, index, is_overtaken, notes, err);
    if (!ok || *is_overtaken) {
        for (int kind = 0; kind < KINDS; kind++)
            pf_vindex_free(index[kind]);
        return ok;
    }
    drop_indexes(c);
    memcpy(c->index, index, sizeof c->index);
    for (int kind = 0; kind < KINDS; kind++) {
        if (c->index[kind])
            pf_vindex_set_threads(c->index[kind], 1);
    }
    c->generation = generation;
    return true;
}

bool pf_catalog_begin_read(pf_catalog *c, pf_notes *notes, pf_err *err)
{
    if (c->has_snapshot)
        pf_catalog_end_read(c);
    if (!pf_store_begin_read(c->store, err))
        return false;
    bool is_overtaken = true, ok = true;
    for (int i = 0; ok && is_overtaken; i++) {
        ok =
            i < OVERTAKEN_TIMES
                ? take_snapshot(c, notes, &is_overtaken, err)
                : pf_fail(err, PF_ERR_BUSY,
                          "catalog '%s' changes faster than it can be read", c->folder);
    }
    if (!ok) {
        pf_store_end_read(c->store);
        return false;
    }
    c->has_snapshot = true;
    return true;
}

void pf_catalog_end_read(pf_catalog *c)
{
    if (c->has_snapshot)
        pf_store_end_read(c->store);
    c->has_snapshot = false;
}

static bool is_catalog(const char *folder, pf_err *err)
{
    if (!pf_path_exists(folder))
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "there is no catalog '%s': make one with plainfilm-index",
                       folder);
    if (!pf_path_is_folder(folder))
        return pf_fail(err, PF_ERR_FORMAT, "'%s' is not a catalog: it is no folder",
                       folder);
    char *path = pf_path_join(folder, "catalog.db", err);
    if (!path)
        return false;
    bool ok = pf_path_exists(path) ||
              pf_fail(err, PF_ERR_NOT_FOUND,
                      "'%s' is not a catalog: there is no catalog.db in it", folder);
    pf_free(path);
    return ok;
}

bool pf_catalog_open_reader(pf_catalog **out, const char *folder, unsigned indexes,
                            pf_notes *notes, pf_err *err)
{
    *out = NULL;
    pf_catalog *c = new_catalog(folder, err);
    if (!c)
        return false;
    c->wanted = indexes;
    if (!is_catalog(c->folder, err) || !open_store(c, PF_STORE_READ, err) ||
        !pf_catalog_begin_read(c, notes, err)) {
        pf_catalog_close(c);
        return false;
    }
    *out = c;
    return true;
}

/* --- writing ---------------------------------------------------------------------- */

/* A folder of something else would be littered; "lock" alone is a catalog that was
 * never finished. */
static bool is_empty_folder(const char *folder, pf_err *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return pf_fail_errno(err, errno, "cannot read folder '%s'", folder);
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(dir));) {
        const char *name = e->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
            strcmp(name, "lock") != 0)
            ok = pf_fail(err, PF_ERR_MISUSE,
                         "'%s' is no catalog, and not empty: name another folder",
                         folder);
    }
    closedir(dir);
    return ok;
}

static bool make_folder(const char *folder, bool must_exist, pf_err *err)
{
    if (must_exist)
        return is_catalog(folder, err);
    pf_err reason = PF_ERR_INIT;
    if (is_catalog(folder, &reason))
        return true;
    if (reason.code == PF_ERR_NOMEM)
        return pf_fail(err, reason.code, "%s", reason.msg);
    return pf_make_folders(folder, 0700, err) && is_empty_folder(folder, err);
}

/* fcntl() locks: they end with the process, forked children do not keep them, and they
 * tell who holds one. */
static struct flock whole_file(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static bool is_told_to_stop(const pf_catalog_writer_options *options)
{
    return options->stop && atomic_load(options->stop);
}

static bool wait_for_lock(pf_catalog *c, const pf_catalog_writer_options *options,
                          pf_err *err)
{
    long left_ms = 1000L * options->wait_seconds;
    for (;;) {
        struct flock lock = whole_file(F_WRLCK);
        if (fcntl(c->lock, F_SETLK, &lock) == 0)
            return true;
        if (errno != EACCES && errno != EAGAIN && errno != EINTR)
            return pf_fail_errno(err, errno, "cannot lock catalog '%s'", c->folder);
        if (is_told_to_stop(options))
            return pf_fail(err, PF_ERR_INTERRUPTED, "stopped while waiting for '%s'",
                           c->folder);
        if (left_ms <= 0)
            break;
        struct timespec pause = {0, POLL_MS * 1000000L};
        nanosleep(&pause, NULL);
        left_ms -= POLL_MS;
    }
    struct flock other = whole_file(F_WRLCK);
    if (fcntl(c->lock, F_GETLK, &other) == 0 && other.l_type != F_UNLCK &&
        other.l_pid > 0)
        return pf_fail(err, PF_ERR_BUSY,
                       "catalog '%s' is locked by another indexer (process %ld)",
                       c->folder, (long)other.l_pid);
    return pf_fail(err, PF_ERR_BUSY, "catalog '%s' is locked by another indexer",
                   c->folder);
}

static bool take_lock(pf_catalog *c, const pf_catalog_writer_options *options,
                      pf_err *err)
{
    char *path = pf_path_join(c->folder, "lock", err);
    if (!path)
        return false;
    c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = c->lock >= 0 || pf_fail_errno(err, errno, "cannot open '%s'", path);
    pf_free(path);
    return ok && wait_for_lock(c, options, err);
}

/* Before a lock is put beside it. */
static bool check_database(const pf_catalog *c, pf_err *err)
{
    char *path = pf_path_join(c->folder, "catalog.db", err);
    bool ok = path && pf_store_check_header(path, err);
    pf_free(path);
    return ok;
}

bool pf_catalog_open_writer(pf_catalog **out, const char *folder,
                            const pf_catalog_writer_options *options, pf_err *err)
{
    *out = NULL;
    const pf_catalog_writer_options defaults = {0};
    if (!options)
        options = &defaults;
    pf_catalog *c = new_catalog(folder, err);
    if (!c)
        return false;
    if (!make_folder(c->folder, options->must_exist, err) || !check_database(c, err) ||
        !take_lock(c, options, err) ||
        !open_store(c, options->must_exist ? PF_STORE_WRITE : PF_STORE_CREATE, err) ||
        !pf_store_get_generation(c->store, &c->generation, err)) {
        pf_catalog_close(c);
        return false;
    }
    *out = c;
    return true;
}

/* --- publishing ------------------------------------------------------------------- */

/* Write the FAISS file of this kind for `generation`, describe it in *file, and keep a
 * sample of what is in it. */
static bool write_index(pf_catalog *c, pf_index_kind kind, int64_t generation,
                        pf_store_index_file *file, pf_background_sample **sample,
                        pf_err *err)
{
    *file = (pf_store_index_file){.generation = generation};
    snprintf(file->name, sizeof file->name, "%s.%lld.faiss", kind_name[kind],
             (long long)generation);
    pf_vindex *index;
    if (!build_index(c, kind, &index, err))
        return false;
    file->count = (int64_t)pf_vindex_count(index);
    file->dim = pf_vindex_dim(index);
    char *path = pf_path_join(c->folder, file->name, err);
    bool ok = path && pf_vindex_save(index, path, &file->checksum, err) &&
              pf_background_sample_take(sample, c->store, kind, index, err);
    pf_free(path);
    pf_vindex_free(index);
    return ok;
}

/* Is it "images.<digits>.faiss" or "captions.<digits>.faiss", perhaps with ".tmp"? */
static bool is_index_name(const char *name)
{
    for (int kind = 0; kind < KINDS; kind++) {
        size_t n = strlen(kind_name[kind]);
        if (strncmp(name, kind_name[kind], n) != 0 || name[n] != '.')
            continue;
        size_t digits = strspn(name + n + 1, "0123456789");
        const char *rest = name + n + 1 + digits;
        if (digits > 0 &&
            (strcmp(rest, ".faiss") == 0 || strcmp(rest, ".faiss.tmp") == 0))
            return true;
    }
    return false;
}

/* Remove all index files but `keep`. What cannot be removed is tried again next time.
 */
static void remove_other_files(const pf_catalog *c,
                               const pf_store_index_file keep[KINDS])
{
    DIR *dir = opendir(c->folder);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        if (is_index_name(e->d_name) && strcmp(e->d_name, keep[0].name) != 0 &&
            strcmp(e->d_name, keep[1].name) != 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
}

static bool store_background(pf_catalog *c, pf_background_sample *const sample[KINDS],
                             pf_err *err)
{
    static const struct {
        pf_background_kind kind;
        pf_index_kind a, b;
    } pairs[] = {
        {PF_BACKGROUND_IMAGES, PF_INDEX_IMAGES, PF_INDEX_IMAGES},
        {PF_BACKGROUND_CAPTION_IMAGE, PF_INDEX_CAPTIONS, PF_INDEX_IMAGES},
        {PF_BACKGROUND_CAPTIONS, PF_INDEX_CAPTIONS, PF_INDEX_CAPTIONS},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        pf_background b;
        pf_background_draw(&b, sample[pairs[i].a], sample[pairs[i].b]);
        if (!pf_store_put_background(c->store, pairs[i].kind, &b, err))
            return false;
    }
    pf_background own;
    return pf_background_draw_own(&own, c->store, sample[PF_INDEX_CAPTIONS], err) &&
           pf_store_put_background(c->store, PF_BACKGROUND_OWN, &own, err);
}

/* Both FAISS files, and the rows that go with them. */
static bool write_derived(pf_catalog *c, int64_t generation,
                          pf_store_index_file file[KINDS],
                          pf_background_sample *sample[KINDS], pf_err *err)
{
    for (int kind = 0; kind < KINDS; kind++) {
        if (!write_index(c, kind, generation, &file[kind], &sample[kind], err))
            return false;
        step_done(2 + kind);
    }
    for (int kind = 0; kind < KINDS; kind++) {
        if (!pf_store_set_index_file(c->store, kind, &file[kind], err))
            return false;
    }
    return store_background(c, sample, err);
}

/* Everything up to the commit. */
static bool prepare(pf_catalog *c, int64_t *generation, pf_store_index_file file[KINDS],
                    pf_err *err)
{
    pf_background_sample *sample[KINDS] = {NULL};
    if (!pf_store_sweep(c->store, err) ||
        !pf_store_get_generation(c->store, generation, err))
        return false;
    ++*generation;
    step_done(1);
    const bool ok = write_derived(c, *generation, file, sample, err) &&
                    pf_store_set_generation(c->store, *generation, err);
    for (int kind = 0; kind < KINDS; kind++)
        pf_background_sample_free(sample[kind]);
    if (ok)
        step_done(4);
    return ok;
}

bool pf_catalog_publish(pf_catalog *c, pf_err *err)
{
    int64_t generation = 0;
    pf_store_index_file file[KINDS] = {{0}};
    if (!prepare(c, &generation, file, err)) {
        pf_store_rollback(c->store);
        for (int kind = 0; kind < KINDS; kind++) {
            char *path = file[kind].name[0]
                             ? pf_path_join(c->folder, file[kind].name, NULL)
                             : NULL;
            if (path)
                unlink(path);
            pf_free(path);
        }
        return false;
    }
    /* when the commit fails its files stay: it may yet turn out to have happened */
    if (!pf_store_commit(c->store, err))
        return false;
    step_done(5);
    c->generation = generation;
    remove_other_files(c, file);
    step_done(6);
    return true;
}

/* --- health ----------------------------------------------------------------------- */

/* A catalog of an older format has none; a damaged one is as good as none. */
static bool lacks_background(pf_catalog *c, bool *out, pf_err *err)
{
    *out = false;
    for (int kind = 0; kind < PF_BACKGROUND_KINDS && !*out; kind++) {
        pf_background b;
        bool is_there;
        pf_err local = PF_ERR_INIT;
        if (!pf_store_find_background(c->store, kind, &b, &is_there, &local) &&
            local.code != PF_ERR_FORMAT)
            return pf_fail(err, local.code, "%s", local.msg);
        *out = !is_there;
    }
    return true;
}

bool pf_catalog_needs_publish(pf_catalog *c, bool *out, pf_err *err)
{
    *out = false;
    if (c->generation > 0 && !lacks_background(c, out, err))
        return false;
    for (int kind = 0; kind < KINDS && c->generation > 0 && !*out; kind++) {
        pf_store_index_file file;
        if (!pf_store_find_index_file(c->store, kind, &file, err))
            return false;
        char *path = pf_path_join(c->folder, file.name, err);
        if (!path)
            return false;
        pf_hash found;
        *out = file.generation == 0 || !pf_hash_file(&found, path, NULL) ||
               !pf_hash_equal(&found, &file.checksum);
        pf_free(path);
    }
    return true;
}

/* The index is walked along with the rows: both ascend by id. */
typedef struct {
    const pf_vindex *index;
    pf_vindex_step step;
    bool has_step; /* `step` is the first that no row was compared with */
    int64_t lost, foreign, other;
} comparison;

static void next_step(comparison *x)
{
    x->has_step = pf_vindex_walk(x->index, &x->step);
}

static bool compare_vector(void *user, int64_t id, const float *vector, int dim,
                           pf_err *err)
{
    (void)err;
    comparison *x = user;
    for (; x->has_step && x->step.id < id; next_step(x))
        x->foreign++;
    if (!x->has_step || x->step.id != id) {
        x->lost++;
        return true;
    }
    x->other += dim != pf_vindex_dim(x->index) ||
                memcmp(x->step.vector, vector, (size_t)dim * sizeof *vector) != 0;
    next_step(x);
    return true;
}

static bool check_index(pf_catalog *c, pf_index_kind kind, pf_notes *problems,
                        pf_err *err)
{
    pf_err local = PF_ERR_INIT;
    pf_vindex *index;
    if (!load_index(c, kind, &index, &local)) {
        if (local.code == PF_ERR_NOMEM)
            return pf_fail(err, local.code, "%s", local.msg);
        pf_notes_add(problems, "%s", local.msg);
        return true;
    }
    comparison x = {.index = index};
    next_step(&x);
    bool ok = kind == PF_INDEX_IMAGES
                  ? pf_store_each_image_vector(c->store, compare_vector, &x, &local)
                  : pf_store_each_caption_vector(c->store, compare_vector, &x, &local);
    for (; x.has_step; next_step(&x))
        x.foreign++;
    pf_vindex_free(index);
    if (!ok && local.code != PF_ERR_FORMAT)
        return pf_fail(err, local.code, "%s", local.msg);
    if (!ok)
        pf_notes_add(problems, "%s", local.msg);
    else if (x.lost || x.foreign || x.other)
        pf_notes_add(problems,
                     "the index of %s lacks %lld, has %lld too many, and %lld with "
                     "another vector",
                     kind_name[kind], (long long)x.lost, (long long)x.foreign,
                     (long long)x.other);
    return true;
}

bool pf_catalog_check(pf_catalog *c, pf_notes *problems, pf_err *err)
{
    bool is_own = !c->has_snapshot;
    int64_t generation;
    if (is_own && !pf_store_begin_read(c->store, err))
        return false;
    bool ok = pf_store_check(c->store, problems, err) &&
              pf_store_get_generation(c->store, &generation, err);
    for (int kind = 0; ok && generation > 0 && kind < KINDS; kind++)
        ok = check_index(c, kind, problems, err);
    if (is_own)
        pf_store_end_read(c->store);
    return ok;
}
