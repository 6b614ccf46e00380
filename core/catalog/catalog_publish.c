/*
 * catalog_publish.c - see catalog.h. The next generation, and whether there should be
 * one.
 *
 * What a publish does, in this order, and what a crash behind each step leaves:
 *
 *   1 sweep embeddings nobody uses,     nothing: the transaction was not committed
 *     the words of captions
 *   2 write images.<gen+1>.faiss        a file no row names; the next publish replaces
 *   3 write captions.<gen+1>.faiss,     or removes it
 *     put both into lists, if need be
 *   4 rows: checksums, background,      nothing
 *     digest, generation
 *   5 commit                            the new generation, and old files in the folder
 *   6 remove files of older generations nothing is left to do
 *
 * Steps 2 and 3 are left out, and the background stays as it is, while the files have
 * nothing in them that has gone, and nearly all there is: readers take what came since
 * from the tables.
 */
#include "core/catalog/catalog.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/background.h"
#include "core/catalog/catalog_impl.h"
#include "core/catalog/vfile.h"

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

/* --- files ------------------------------------------------------------------------ */

typedef struct {
    pf_vfile_writer *writer;
    int64_t most, last_id;
} writing;

static bool write_vector(void *user, int64_t id, const float *vector, int dim,
                         pf_err *err)
{
    writing *w = user;
    (void)dim; /* the model's, as the writer was made for */
    if (id > w->most)
        return true;
    w->last_id = id;
    return pf_vfile_writer_add(w->writer, id, vector, err);
}

bool pf_catalog_write_index(pf_catalog *c, pf_index_kind kind, const char *path,
                            pf_store_index_file *file, pf_err *err)
{
    writing w = {.most = file->last_id};
    const bool ok =
        pf_vfile_writer_new(&w.writer, path, file->dim, (size_t)file->in_file, NULL,
                            err) &&
        pf_store_each_vector_above(c->store, kind, 0, write_vector, &w, err) &&
        pf_vfile_writer_finish(w.writer, &file->checksum, err);
    pf_vfile_writer_free(w.writer);
    file->last_id = w.last_id;
    return ok;
}

/* A sample of what was written. */
static bool take_sample(pf_catalog *c, pf_index_kind kind, const char *path,
                        const pf_store_index_file *file, pf_background_sample **sample,
                        pf_err *err)
{
    int fd;
    pf_vindex *index = NULL;
    if (!pf_file_open(&fd, path, err))
        return false;
    const pf_vfile_record record = pf_catalog_record_of(file);
    const bool ok = pf_vindex_read(&index, fd, path, &record, err) &&
                    pf_background_sample_take(sample, c->store, kind, index, err);
    pf_vindex_free(index);
    close(fd);
    return ok;
}

/* Write the index file of this kind for `generation`, describe it in *file, and keep a
 * sample of what is in it. */
static bool write_index(pf_catalog *c, pf_index_kind kind, int64_t generation,
                        int64_t count, pf_store_index_file *file,
                        pf_background_sample **sample, pf_err *err)
{
    *file = (pf_store_index_file){.generation = generation,
                                  .count = count,
                                  .in_file = count,
                                  .last_id = INT64_MAX,
                                  .recall = 1};
    if (!pf_store_get_dim(c->store, &file->dim, err))
        return false;
    if (file->dim == 0)
        return pf_fail(err, PF_ERR_MISUSE, "catalog '%s' has no model yet", c->folder);
    snprintf(file->name, sizeof file->name, "%s.%lld.faiss", pf_index_kind_name(kind),
             (long long)generation);
    char *path = pf_path_join(c->folder, file->name, err);
    const bool ok = path && pf_catalog_write_index(c, kind, path, file, err) &&
                    take_sample(c, kind, path, file, sample, err);
    pf_free(path);
    return ok;
}

bool pf_catalog_is_index_name(const char *name)
{
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        size_t n = strlen(pf_index_kind_name(kind));
        if (strncmp(name, pf_index_kind_name(kind), n) != 0 || name[n] != '.')
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
                               const pf_store_index_file keep[PF_INDEX_KINDS])
{
    DIR *dir = opendir(c->folder);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        if (pf_catalog_is_index_name(e->d_name) &&
            strcmp(e->d_name, keep[0].name) != 0 &&
            strcmp(e->d_name, keep[1].name) != 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
}

bool pf_catalog_tidy(pf_catalog *c, pf_err *err)
{
    pf_store_index_file file[PF_INDEX_KINDS];
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        if (!pf_store_find_index_file(c->store, kind, &file[kind], err))
            return false;
    }
    remove_other_files(c, file);
    return true;
}

/* --- publishing ------------------------------------------------------------------- */

static bool store_nearest(pf_catalog *c,
                          pf_background_sample *const sample[PF_INDEX_KINDS],
                          pf_err *err)
{
    pf_background_nearest b;
    return pf_background_ask(&b, c->store, sample[PF_INDEX_CAPTIONS],
                             sample[PF_INDEX_IMAGES], err) &&
           pf_store_put_background(c->store, PF_BACKGROUND_CAPTION_BEST,
                                   &b.caption_best, err) &&
           pf_store_put_background(c->store, PF_BACKGROUND_CAPTION_OTHER,
                                   &b.caption_other, err) &&
           pf_store_put_background(c->store, PF_BACKGROUND_IMAGE_BEST, &b.image_best,
                                   err) &&
           pf_store_put_background(c->store, PF_BACKGROUND_IMAGE_OTHER, &b.image_other,
                                   err);
}

static bool store_background(pf_catalog *c,
                             pf_background_sample *const sample[PF_INDEX_KINDS],
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
           pf_store_put_background(c->store, PF_BACKGROUND_OWN, &own, err) &&
           store_nearest(c, sample, err);
}

/* What a publish is about to do. */
typedef struct {
    int64_t generation;
    bool writes;                   /* index files; else those that are there go on */
    int64_t count[PF_INDEX_KINDS]; /* of vectors that readers will see */
    pf_index_spec spec;            /* the kind of index that is wanted */
    pf_store_index_file before[PF_INDEX_KINDS], file[PF_INDEX_KINDS];
    pf_background_sample *sample[PF_INDEX_KINDS];
} publishing;

/* Both index files, and what random pairs of them have in common. */
static bool write_indexes(pf_catalog *c, publishing *p, pf_err *err)
{
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        if (!write_index(c, kind, p->generation, p->count[kind], &p->file[kind],
                         &p->sample[kind], err))
            return false;
        step_done(2 + kind);
    }
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        if (!pf_catalog_make_lists(c, &p->spec, &p->before[kind], &p->file[kind],
                                   p->sample[kind], p->sample[!kind], err))
            return false;
    }
    return store_background(c, p->sample, err);
}

/* The files as they are, and the vectors that came since. */
static void keep_indexes(publishing *p)
{
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        p->file[kind] = p->before[kind];
        p->file[kind].generation = p->generation;
        p->file[kind].count = p->count[kind];
    }
}

static bool write_derived(pf_catalog *c, publishing *p, pf_err *err)
{
    if (!p->writes)
        keep_indexes(p);
    else if (!write_indexes(c, p, err))
        return false;
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        if (!pf_store_set_index_file(c->store, kind, &p->file[kind], err))
            return false;
    }
    return pf_catalog_keep_modes(c, err);
}

static bool store_digest(pf_catalog *c, pf_err *err)
{
    pf_store_digest d;
    return pf_store_make_digest(c->store, &d, err) &&
           pf_store_put_digest(c->store, &d, err);
}

/* --- room --------------------------------------------------------------------------
 */

static int64_t pretended_room = -1;

void pf_catalog_pretend_room(int64_t bytes)
{
    pretended_room = bytes;
}

/* Bytes that this process may still write beside the catalog; -1: it cannot be told. */
static int64_t free_room(const pf_catalog *c)
{
    struct statvfs fs;
    if (pretended_room >= 0)
        return pretended_room;
    if (statvfs(c->folder, &fs) != 0)
        return -1;
    const uint64_t blocks = geteuid() == 0 ? fs.f_bfree : fs.f_bavail;
    return blocks > (uint64_t)INT64_MAX / fs.f_frsize ? INT64_MAX
                                                      : (int64_t)(blocks * fs.f_frsize);
}

/* Both index files are written beside the ones that are there, and one with lists
 * beside the one without. What the database takes
 * shows in its log before: most of it is there already. */
static bool has_room(const pf_catalog *c, const publishing *p, int dim, pf_err *err)
{
    enum { SPARE = 1 << 20 };
    uint64_t plain = SPARE, lists = 0;
    for (int kind = 0; dim > 0 && kind < PF_INDEX_KINDS; kind++) {
        const uint64_t n = pf_catalog_lists_size(&p->spec, dim, p->count[kind]);
        plain += pf_vfile_size(dim, (size_t)p->count[kind], 0);
        lists = n > lists ? n : lists;
    }
    const int64_t need = (int64_t)(plain + lists);
    const int64_t room = free_room(c);
    return room < 0 || room >= need ||
           pf_fail(err, PF_ERR_IO,
                   "cannot write the next generation to '%s': the disk is full: it has "
                   "%lld KiB left, and about %lld are needed",
                   c->folder, (long long)(room >> 10), (long long)(need >> 10));
}

/* --- what to write ---------------------------------------------------------------- */

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
            return pf_fail_as(err, &local);
        *out = !is_there;
    }
    return true;
}

/* Does each block of the file fit its checksum? Where nothing else calls for a publish
 * the file may: then all of it is looked at. */
static bool is_whole(const pf_catalog *c, const pf_store_index_file *file, bool closely)
{
    char *path = pf_path_join(c->folder, file->name, NULL);
    const int fd =
        path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    const pf_vfile_record record = pf_catalog_record_of(file);
    pf_vfile *f = NULL;
    const bool ok =
        fd >= 0 && pf_vfile_open(&f, fd, path, &record, NULL) &&
        (closely ? pf_vfile_check(f, NULL) : pf_vfile_check_blocks(f, NULL));
    pf_vfile_close(f);
    if (fd >= 0)
        close(fd);
    pf_free(path);
    return ok;
}

/* May the index file go on with `count` vectors? Not when something in it has gone:
 * what was removed from a catalog is in none of its files. */
static bool goes_on(const pf_catalog *c, const pf_index_spec *spec,
                    const pf_store_index_file *file, int dim, int64_t count)
{
    enum { SHARE = 50 }; /* a fiftieth may lie in the tables only */
    return file->generation > 0 && !file->is_stale && file->dim == dim &&
           count >= file->in_file && (count - file->in_file) * SHARE <= count &&
           pf_catalog_is_as_wanted(spec, file, count) &&
           is_whole(c, file, file->count == count);
}

static bool choose_files(pf_catalog *c, publishing *p, pf_err *err)
{
    int dim;
    if (!pf_store_get_dim(c->store, &dim, err) ||
        !pf_catalog_get_index_spec(c, &p->spec, err) ||
        !lacks_background(c, &p->writes, err))
        return false;
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        if (!pf_store_count_vectors(c->store, kind, &p->count[kind], err) ||
            !pf_store_find_index_file(c->store, kind, &p->before[kind], err))
            return false;
        p->writes =
            p->writes || !goes_on(c, &p->spec, &p->before[kind], dim, p->count[kind]);
    }
    return !p->writes || has_room(c, p, dim, err);
}

/* Everything up to the commit. */
static bool prepare(pf_catalog *c, publishing *p, pf_err *err)
{
    if (!choose_files(c, p, err) || !pf_store_fill_words(c->store, err) ||
        !pf_store_sweep(c->store, err) ||
        !pf_store_get_generation(c->store, &p->generation, err))
        return false;
    ++p->generation;
    step_done(1);
    const bool ok = write_derived(c, p, err) && store_digest(c, err) &&
                    pf_store_set_generation(c->store, p->generation, err);
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++)
        pf_background_sample_free(p->sample[kind]);
    if (ok)
        step_done(4);
    return ok;
}

static void unlink_written(const pf_catalog *c, const publishing *p)
{
    for (int kind = 0; p->writes && kind < PF_INDEX_KINDS; kind++) {
        char *path = p->file[kind].name[0]
                         ? pf_path_join(c->folder, p->file[kind].name, NULL)
                         : NULL;
        if (path)
            unlink(path);
        pf_free(path);
    }
}

bool pf_catalog_publish(pf_catalog *c, pf_err *err)
{
    publishing p = {0};
    if (!prepare(c, &p, err)) {
        pf_store_rollback(c->store);
        unlink_written(c, &p);
        return false;
    }
    /* when the commit fails its files stay: it may yet turn out to have happened */
    if (!pf_store_commit(c->store, err))
        return false;
    step_done(5);
    c->generation = p.generation;
    remove_other_files(c, p.file);
    step_done(6);
    return true;
}

/* --- is it worth one? ------------------------------------------------------------- */

static bool lacks_digest(pf_catalog *c, bool *out, pf_err *err)
{
    pf_store_digest d;
    const bool ok = pf_store_find_digest(c->store, &d, err);
    *out = ok && !d.is_there;
    return ok;
}

/* Is one of the files of another kind than was asked for? */
static bool are_unwanted(pf_catalog *c, const pf_index_file files[PF_INDEX_KINDS],
                         bool *out, pf_err *err)
{
    pf_index_spec spec;
    if (!pf_catalog_get_index_spec(c, &spec, err))
        return false;
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++)
        *out = *out ||
               !pf_catalog_is_as_wanted(&spec, &files[kind].row, files[kind].row.count);
    return true;
}

/* What a reader would not take is written again. */
static bool is_unreadable(pf_catalog *c, pf_index_kind kind, const pf_index_file *file,
                          bool *out, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    pf_vindex *index;
    *out = !pf_catalog_read_index(c, kind, file, &index, &why) ||
           !pf_vindex_check(index, &why);
    pf_vindex_free(index);
    return !*out || why.code != PF_ERR_NOMEM || pf_fail_as(err, &why);
}

bool pf_catalog_needs_publish(pf_catalog *c, bool *out, pf_err *err)
{
    *out = false;
    if (c->generation > 0 &&
        (!lacks_background(c, out, err) || (!*out && !lacks_digest(c, out, err))))
        return false;
    if (c->generation == 0 || *out)
        return true;
    pf_index_file files[PF_INDEX_KINDS];
    bool ok =
        pf_catalog_hold_indexes(c, files, err) && are_unwanted(c, files, out, err);
    for (int kind = 0; ok && kind < PF_INDEX_KINDS && !*out; kind++)
        ok = is_unreadable(c, kind, &files[kind], out, err);
    pf_catalog_release_indexes(files);
    return ok;
}
