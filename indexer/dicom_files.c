/* dicom_files.c - see dicom_files.h. */
#include "indexer/dicom_files.h"

#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/picture.h"
#include "indexer/archive.h"
#include "indexer/study_key.h"

/* Nearly all headers fit; the others are read with their pixels. */
enum { HEAD_BYTES = 256 << 10 };

typedef struct {
    pf_sandbox *sandbox; /* started with the first DICOM file */
    const char *within;
    uint8_t *head;
    pf_study_key key; /* once has_key */
    bool has_key;
} looker;

/* Of all other endings the pictures are of other kinds. */
static bool may_be_dicom(const char *path)
{
    const char *e = pf_path_extension(path);
    return strcasecmp(e, "dcm") == 0 || strcasecmp(e, "dicom") == 0 ||
           strcasecmp(e, "ima") == 0 || !pf_picture_has_extension(path);
}

static bool read_head(const looker *l, const char *path, size_t *n)
{
    int fd;
    *n = 0;
    if (!pf_archive_open_file(&fd, path, l->within, NULL))
        return false;
    ssize_t some = 1;
    while (*n < HEAD_BYTES && some > 0) {
        some = read(fd, l->head + *n, HEAD_BYTES - *n);
        *n += some > 0 ? (size_t)some : 0;
    }
    close(fd);
    return some >= 0;
}

static bool read_all(const looker *l, const char *path, pf_hash *hash, pf_err *err)
{
    int fd;
    if (!pf_archive_open_file(&fd, path, l->within, err))
        return false;
    const bool ok = pf_sandbox_read_open(l->sandbox, fd, path, hash, err);
    close(fd);
    return ok;
}

static bool ask(looker *l, const char *path, pf_facts *facts, pf_err *err)
{
    pf_intake intake = {.facts = facts};
    const pf_intake_options options = {.name = pf_path_base(path)};
    return pf_sandbox_decode(l->sandbox, &intake, &options, err);
}

/* False only when nothing can be asked at all. A file whose header cannot be read is
 * left to who reads its pixels, and says why. */
static bool find_facts(looker *l, const char *path, pf_facts *facts, bool *is_sure,
                       pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    pf_hash ignored;
    size_t n;
    memset(facts, 0, sizeof *facts);
    *is_sure = false;
    if (!read_head(l, path, &n))
        return true;
    const char *kind = pf_picture_sniff(l->head, n, NULL);
    *is_sure = !kind || strcmp(kind, "dicom") != 0;
    if (*is_sure)
        return true;
    if (!l->sandbox && !pf_sandbox_new(&l->sandbox, err))
        return false;
    if (!pf_sandbox_start(l->sandbox, err))
        return false;
    if (!pf_sandbox_put(l->sandbox, l->head, n, &why) || !ask(l, path, facts, &why)) {
        why = (pf_err)PF_ERR_INIT;
        if (n < HEAD_BYTES || !read_all(l, path, &ignored, &why) ||
            !ask(l, path, facts, &why))
            memset(facts, 0, sizeof *facts);
    }
    *is_sure = facts->is_known;
    return why.code != PF_ERR_NOMEM || pf_fail_as(err, &why);
}

/* From here on the study has the name of its case. */
static bool name_study(looker *l, pf_facts *facts, pf_err *err)
{
    char name[PF_STUDY_NAME_ROOM];
    if (facts->study[0] == '\0')
        return true;
    if (!l->has_key && !(l->has_key = pf_study_key_open(&l->key, err)))
        return false;
    pf_study_name(&l->key, facts->study, name);
    memset(facts->study, 0, sizeof facts->study);
    memcpy(facts->study, name, strlen(name));
    return true;
}

/* As it is known, or as the file says; then it is known from now on. */
static bool learn_facts(looker *l, const pf_import *from, const pf_scan_file *file,
                        pf_collection *to, pf_facts *facts, pf_err *err)
{
    char text[PF_FACTS_TEXT_ROOM];
    bool is_sure;
    if (from->known && pf_known_facts_find(from->known, file, facts))
        return true;
    if (!find_facts(l, file->path, facts, &is_sure, err) || !name_study(l, facts, err))
        return false;
    pf_facts_write(facts, text);
    const pf_collected_facts row = {file->path, text, file->size, file->mtime_ns};
    return !is_sure || pf_collection_add_facts(to, &row, err);
}

static bool forget_facts(const pf_import *from, pf_collection *to, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && from->known && i < from->known->count; i++) {
        const pf_collected_facts row = {.path = from->known->at[i].path};
        ok = from->known->at[i].is_there || pf_collection_add_facts(to, &row, err);
    }
    return ok;
}

static bool keep(pf_dicom_files *files, size_t file, const pf_facts *facts, pf_err *err)
{
    if (!pf_grow_array(&files->at, &files->room, files->count, sizeof *files->at, err))
        return false;
    files->at[files->count++] = (pf_dicom_file){file, *facts};
    return true;
}

static bool is_left_out(pf_dicom_files *files, const pf_import *from, pf_scan *scan,
                        const pf_scan_file *file, const pf_facts *facts)
{
    const bool is_empty = facts->is_known && !facts->has_picture;
    const bool is_refused = facts->is_known && facts->may_name && !is_empty &&
                            from->reading->refuses_burned_in;
    if (is_empty)
        pf_scan_count_other(scan, file->path);
    files->n_burned_in += is_refused;
    return is_empty || is_refused;
}

/* Files that are taken out leave no gap behind. */
static bool look_at_all(looker *l, pf_dicom_files *files, const pf_import *from,
                        pf_scan *scan, pf_collection *to, pf_err *err)
{
    size_t kept = 0;
    bool ok = true;
    for (size_t i = 0; i < scan->count; i++) {
        pf_scan_file f = scan->files[i];
        pf_facts facts = {0};
        if (ok && from->stop && atomic_load(from->stop))
            ok = pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
        if (ok && may_be_dicom(f.path))
            ok = learn_facts(l, from, &f, to, &facts, err);
        if (ok && is_left_out(files, from, scan, &f, &facts)) {
            pf_free(f.path);
            continue;
        }
        if (ok && facts.is_known)
            ok = keep(files, kept, &facts, err);
        scan->files[kept++] = f;
    }
    scan->count = kept;
    return ok;
}

bool pf_dicom_files_look(pf_dicom_files *files, const pf_import *from, pf_scan *scan,
                         pf_collection *to, pf_err *err)
{
    const char *frames = from->reading->frames;
    looker l = {.within = to->within, .head = pf_alloc_array(HEAD_BYTES, 1, err)};
    *files = (pf_dicom_files){0};
    const bool ok =
        l.head && pf_frames_read(&files->frames, frames[0] ? frames : "middle", err) &&
        look_at_all(&l, files, from, scan, to, err) && forget_facts(from, to, err);
    pf_sandbox_free(l.sandbox);
    pf_free(l.head);
    return ok;
}

int pf_dicom_files_frame(const pf_dicom_files *files, size_t file)
{
    size_t low = 0, high = files->count;
    while (low < high) { /* they stand in the order of the scan */
        const size_t at = low + (high - low) / 2;
        if (files->at[at].file < file)
            low = at + 1;
        else
            high = at;
    }
    const bool is_there = low < files->count && files->at[low].file == file;
    return is_there ? pf_frames_at(&files->frames, files->at[low].facts.frames, 0) : 0;
}

static bool add_attributes(const pf_facts *f, pf_collection *to, pf_subject image,
                           pf_err *err)
{
    const struct {
        const char *key, *value;
    } all[] = {
        {"modality", f->modality}, {"body_part", f->body_part},
        {"view", f->view},         {"laterality", f->laterality},
        {"year", f->year},         {"pixel_phi", f->may_name ? "possible" : ""},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!pf_collection_add_attribute(to, image, all[i].key, all[i].value, err))
            return false;
    }
    return true;
}

static bool add_study(const pf_facts *f, pf_collection *to, pf_subject image,
                      pf_err *err)
{
    pf_subject study;
    if (f->study[0] == '\0' || to->images[image.at].in_case != 0)
        return true;
    if (!pf_collection_add_case(to, f->study, f->study, &study, err))
        return false;
    pf_collection_put_into_case(to, image, study);
    return true;
}

static bool add_other_frames(const pf_frames *frames, int of, pf_collection *to,
                             pf_subject image, pf_err *err)
{
    const int n = pf_frames_count(frames, of);
    bool ok = true;
    for (int i = 1; ok && i < n; i++)
        ok = pf_collection_add_frame(to, image, pf_frames_at(frames, of, i), err);
    return ok;
}

bool pf_dicom_files_add(const pf_dicom_files *files, pf_collection *to, pf_err *err)
{
    for (size_t i = 0; i < files->count; i++) {
        const pf_facts *f = &files->at[i].facts;
        const pf_subject image = {.at = (uint32_t)files->at[i].file};
        to->images[image.at].has_facts = true;
        if (!add_attributes(f, to, image, err) || !add_study(f, to, image, err) ||
            !add_other_frames(&files->frames, f->frames, to, image, err))
            return false;
    }
    return true;
}

void pf_dicom_files_reset(pf_dicom_files *files)
{
    pf_free(files->at);
    *files = (pf_dicom_files){0};
}
