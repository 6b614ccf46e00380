/* mirc_files.c - see mirc_files.h. */
#include "indexer/mirc_files.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/left_out.h"
#include "core/image/picture.h"
#include "indexer/archive.h"
#include "indexer/names.h"

static const char no_document[] = "it is no MIRC document, and has none in it";
static const char own_name[] = "MIRCdocument.xml"; /* of one that has its folder */

/* What is to become of a file of the scan. The last one counts. */
typedef enum {
    OURS,  /* no document says anything of it */
    HELD,  /* one that cannot be read may: it stays as it is known */
    TAKEN, /* one does, and does not show it */
    SHOWN,
} fate;

typedef struct {
    pf_mirc *mirc;
    const pf_import *from;
    pf_scan *scan;
    const char *within;
    pf_names names;
    uint8_t *fates; /* [scan->count] */
} looker;

/* ---- reading documents ---- */

static bool has_ending(const char *path, const char *ending)
{
    return strcasecmp(pf_path_extension(path), ending) == 0;
}

static bool is_source(const looker *l, const char *path)
{
    return strcmp(path, l->from->path) == 0;
}

static bool is_stopped(const pf_import *from, pf_err *err)
{
    return from->stop && atomic_load(from->stop) &&
           !pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
}

/* One byte more than a document may have tells that it has too many. */
static bool read_bytes(const char *path, const char *within, pf_buf *out, pf_err *err)
{
    int fd;
    ssize_t n = 1;
    if (!pf_file_open_within(&fd, path, within, err))
        return false;
    bool ok = pf_buf_reserve(out, PF_MIRC_MAX_BYTES + 1, err);
    while (ok && n > 0 && out->size <= PF_MIRC_MAX_BYTES) {
        n = read(fd, out->data + out->size, PF_MIRC_MAX_BYTES + 1 - out->size);
        if (n < 0)
            ok = pf_fail_errno(err, errno, "cannot read it");
        out->size += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return ok;
}

static bool name_document(pf_mirc *m, pf_mirc_file *d, const char *path, pf_err *err)
{
    const size_t folder = (size_t)(pf_path_base(path) - path);
    return (d->path = pf_arena_add(&m->strings, path, strlen(path), err)) &&
           (d->folder = pf_arena_add(&m->strings, path, folder, err));
}

/* *is_one: it is a MIRC document, and among the others now. */
static bool read_document(looker *l, const char *path, const pf_buf *bytes,
                          pf_mirc_file *d, pf_err *err)
{
    const bool ok =
        pf_mirc_document_read(&d->content, pf_span_of(bytes->data, bytes->size),
                              l->from->reading->reads_as_owner, err);
    if (!ok || d->content.is_mirc)
        return ok;
    /* It was one, or somebody took it for one. */
    d->content.is_mirc =
        is_source(l, path) || strcasecmp(pf_path_base(path), own_name) == 0;
    return !d->content.is_mirc || pf_fail(err, PF_ERR_FORMAT, "%s", no_document);
}

static bool take_document(looker *l, const char *path, const pf_buf *bytes,
                          bool *is_one, pf_err *err)
{
    pf_mirc *m = l->mirc;
    pf_mirc_file d = {0};
    pf_err why = PF_ERR_INIT;
    d.is_broken = !read_document(l, path, bytes, &d, &why);
    *is_one = d.content.is_mirc;
    bool ok = why.code != PF_ERR_NOMEM || pf_fail_as(err, &why);
    if (ok && *is_one)
        ok = name_document(m, &d, path, err) &&
             pf_grow_array(&m->documents, &m->documents_room, m->n_documents, sizeof d,
                           err) &&
             (!d.is_broken || pf_scan_add_gap(l->scan, path, why.msg, err));
    if (!ok || !*is_one) {
        pf_mirc_document_reset(&d.content);
        return ok;
    }
    pf_hasher_add(m->hasher, path, strlen(path) + 1);
    pf_hasher_add(m->hasher, &bytes->size, sizeof bytes->size);
    pf_hasher_add(m->hasher, bytes->data, bytes->size);
    m->documents[m->n_documents++] = d;
    return true;
}

static bool look_at_document(looker *l, const char *path, pf_err *err)
{
    pf_buf bytes;
    pf_err why = PF_ERR_INIT;
    bool is_one;
    pf_buf_init(&bytes, PF_MIRC_MAX_BYTES + 1);
    const bool ok = read_bytes(path, l->within, &bytes, &why)
                        ? take_document(l, path, &bytes, &is_one, err)
                    : why.code == PF_ERR_NOMEM
                        ? pf_fail_as(err, &why)
                        : pf_scan_add_gap(l->scan, path, why.msg, err);
    pf_buf_free(&bytes);
    return ok;
}

/* ---- reading archives ---- */

static char *path_inside(const char *path, const pf_archive_file *file, pf_err *err)
{
    return pf_strf(err, "%s/%s", path, file->name);
}

/* Does a pattern fit it, or a folder on the way? `path` comes back as it was. Of what
 * lies beside a document that is the source, the name alone counts. */
static bool is_excluded(const looker *l, char *path)
{
    const pf_import *from = l->from;
    const bool is_under = pf_path_is_under(path, from->path);
    char *from_root =
        is_under ? path + strlen(from->path) : path + (pf_path_base(path) - path);
    from_root += strspn(from_root, "/");
    bool is_met = pf_pattern_fits(from->excluded, from->n_excluded, from_root);
    for (char *at = from_root; !is_met && (at = strchr(at, '/')); at++) {
        *at = '\0';
        is_met = pf_pattern_fits(from->excluded, from->n_excluded, from_root);
        *at = '/';
    }
    return is_met;
}

static bool look_at_member(looker *l, pf_archive *a, const char *archive_path,
                           const pf_archive_file *file, bool *is_out, pf_err *err)
{
    pf_buf bytes;
    pf_err why = PF_ERR_INIT;
    pf_buf_init(&bytes, PF_MIRC_MAX_BYTES + 1);
    char *path = path_inside(archive_path, file, err);
    bool ok = path != NULL, is_one;
    *is_out = ok && is_excluded(l, path);
    if (*is_out)
        ok = true;
    else if (ok && pf_archive_read(a, file, &bytes, &why))
        ok = take_document(l, path, &bytes, &is_one, err);
    else if (ok && why.code == PF_ERR_NOMEM)
        ok = pf_fail_as(err, &why);
    else if (ok)
        ok = pf_scan_add_gap(l->scan, path, why.msg, err);
    pf_free(path);
    pf_buf_free(&bytes);
    return ok;
}

/* *n_excluded: what may be documents, and is left out. */
static bool look_at_members(looker *l, pf_archive *a, const char *path,
                            size_t *n_excluded, pf_err *err)
{
    *n_excluded = 0;
    for (size_t i = 0; i < pf_archive_count(a); i++) {
        const pf_archive_file *file = pf_archive_at(a, i);
        bool is_out = false;
        if (is_stopped(l->from, err))
            return false;
        if (has_ending(file->name, "xml") && !file->refused &&
            !look_at_member(l, a, path, file, &is_out, err))
            return false;
        *n_excluded += is_out;
    }
    return true;
}

static bool may_be_picture(const char *name)
{
    const char *ending = pf_path_extension(name);
    return pf_picture_has_extension(name) || ending[strspn(ending, "0123456789")] == 0;
}

/* Or in a folder of a system's. */
static bool is_of_system(const char *name)
{
    char part[PATH_MAX];
    while (*name) {
        const size_t n = strcspn(name, "/");
        const size_t kept = n < sizeof part ? n : sizeof part - 1;
        memcpy(part, name, kept);
        part[kept] = '\0';
        if (pf_name_kind_of(part) != PF_NAME_OURS)
            return true;
        name += n + (name[n] == '/');
    }
    return false;
}

/* Pictures come into the scan; what is refused is said, whatever it is. */
static bool list_member(looker *l, const pf_archive_file *file, char *inside,
                        const pf_file_stamp *stamp, pf_err *err)
{
    if (file->refused)
        return pf_scan_add_gap(l->scan, inside, file->refused, err);
    if (is_of_system(file->name) || is_excluded(l, inside))
        return true;
    if (may_be_picture(file->name))
        return pf_scan_add_file(l->scan, inside, stamp, err);
    pf_scan_count_other(l->scan, inside);
    return true;
}

static bool list_members(looker *l, const pf_archive *a, const char *path, pf_err *err)
{
    pf_file_stamp stamp = {0};
    if (!pf_file_look(path, &stamp))
        return true; /* gone meanwhile: so are its pictures */
    bool ok = true;
    for (size_t i = 0; ok && i < pf_archive_count(a); i++) {
        const pf_archive_file *file = pf_archive_at(a, i);
        char *inside = path_inside(path, file, err);
        ok = inside && list_member(l, file, inside, &stamp, err);
        pf_free(inside);
    }
    return ok;
}

static bool add_archive(looker *l, const pf_archive *a, const char *path,
                        size_t first_document, pf_err *err)
{
    pf_mirc *m = l->mirc;
    pf_mirc_archive added = {0};
    char *folder = pf_strf(err, "%s/", path);
    if (folder)
        added.folder = pf_arena_add(&m->strings, folder, strlen(folder), err);
    pf_free(folder);
    if (!added.folder || !pf_grow_array(&m->archives, &m->archives_room, m->n_archives,
                                        sizeof added, err))
        return false;
    for (size_t i = first_document; i < m->n_documents; i++)
        added.is_broken |= m->documents[i].is_broken;
    m->archives[m->n_archives++] = added;
    pf_scan_uncount_other(l->scan, path);
    return list_members(l, a, path, err);
}

/* One that has no document of MIRC's is none of ours, and what is wrong with it is
 * nothing to speak of. */
static bool look_into(looker *l, pf_archive *a, const char *path, pf_err *err)
{
    const size_t first = l->mirc->n_documents, n_gaps = l->scan->n_gaps;
    size_t n_excluded;
    if (!look_at_members(l, a, path, &n_excluded, err))
        return false;
    const bool has_some =
        l->mirc->n_documents > first || (n_excluded > 0 && is_source(l, path));
    if (has_some || is_source(l, path))
        return add_archive(l, a, path, first, err) &&
               (has_some || pf_scan_add_gap(l->scan, path, no_document, err));
    pf_scan_drop_gaps(l->scan, n_gaps);
    return true;
}

/* What is no archive at all may have been half of one, whose pictures are known. */
static bool look_at_archive(looker *l, const char *path, pf_err *err)
{
    pf_archive *a;
    pf_err why = PF_ERR_INIT;
    if (!pf_archive_open(&a, path, l->within, &why))
        return why.code == PF_ERR_NOMEM ? pf_fail_as(err, &why)
                                        : pf_scan_add_gap(l->scan, path, why.msg, err);
    const bool ok = look_into(l, a, path, err);
    pf_archive_close(a);
    return ok;
}

static bool look_at_all(looker *l, pf_err *err)
{
    const pf_scan *scan = l->scan;
    bool ok = true;
    for (size_t i = 0; ok && i < scan->n_texts; i++) {
        const char *path = scan->texts[i].path;
        if (has_ending(path, "xml"))
            ok = look_at_document(l, path, err);
        else if (has_ending(path, "zip"))
            ok = look_at_archive(l, path, err);
        ok = ok && !is_stopped(l->from, err);
    }
    return ok;
}

/* ---- which pictures are meant ---- */

static bool has_part(const char *name, const char *part)
{
    const size_t n = strlen(part);
    for (const char *at = name; at; at = strpbrk(at, "/\\")) {
        at += *at == '/' || *at == '\\';
        if (strncmp(at, part, n) == 0 && strchr("/\\", at[n]))
            return true;
    }
    return false;
}

/* A name that stays in its folder. */
static bool stays(const char *name)
{
    return name[0] != '/' && name[0] != '\\' && !has_part(name, "..") &&
           !strstr(name, "://");
}

static int digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

/* "left%20hand.jpg" as it is meant; in place. */
static void decode_percent(char *name)
{
    char *to = name;
    for (const char *c = name; *c; c++) {
        const int high = *c == '%' ? digit(c[1]) : -1;
        const int low = high >= 0 ? digit(c[2]) : -1;
        const bool is_code = low >= 0 && high * 16 + low > 0;
        *to++ = is_code ? (char)(high * 16 + low) : *c;
        c += is_code ? 2 : 0;
    }
    *to = '\0';
}

static bool find_as_it_is(looker *l, const pf_mirc_file *d, const char *name,
                          pf_names_match *match, pf_err *err)
{
    *match = (pf_names_match){0};
    if (!stays(name))
        return true;
    if (!pf_names_find(&l->names, d->folder, name, false, match, err))
        return false;
    const size_t n = strlen(d->folder);
    if (match->file && strncmp(match->file->path, d->folder, n) != 0)
        match->file = NULL; /* the source's root may have one of this name */
    return true;
}

static bool find_picture(looker *l, const pf_mirc_file *d, const char *name,
                         pf_names_match *match, pf_err *err)
{
    if (!find_as_it_is(l, d, name, match, err))
        return false;
    if (match->file || !strchr(name, '%'))
        return true;
    const bool was_in_gap = match->is_in_gap;
    char *decoded = pf_strdup(name, err);
    if (!decoded)
        return false;
    decode_percent(decoded);
    const bool ok = find_as_it_is(l, d, decoded, match, err);
    match->is_in_gap |= was_in_gap;
    pf_free(decoded);
    return ok;
}

static void raise_fate(looker *l, const pf_scan_file *file, fate f)
{
    uint8_t *at = &l->fates[file - l->scan->files];
    if (*at < f)
        *at = (uint8_t)f;
}

static bool find_image(looker *l, pf_mirc_file *d, size_t image, pf_err *err)
{
    for (int i = 0; i < PF_MIRC_VERSIONS && !d->found[image]; i++) {
        const char *src = d->content.images[image].src[i];
        pf_names_match match;
        if (!src)
            continue;
        if (!find_picture(l, d, src, &match, err))
            return false;
        d->is_excused[image] |= match.is_in_gap;
        if (!match.file)
            continue;
        const char *path = match.file->path;
        if (!(d->found[image] =
                  pf_arena_add(&l->mirc->strings, path, strlen(path), err)))
            return false;
        raise_fate(l, match.file, SHOWN);
    }
    return true;
}

static bool is_left_out(const looker *l, const pf_mirc_file *d)
{
    return !d->content.is_public && !l->from->reading->reads_as_owner;
}

static bool find_images(looker *l, pf_mirc_file *d, pf_err *err)
{
    const size_t n = d->content.n_images;
    if (!(d->found = pf_alloc_array(n, sizeof *d->found, err)) ||
        !(d->is_excused = pf_alloc_array(n, sizeof *d->is_excused, err)))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!find_image(l, d, i, err))
            return false;
    }
    return true;
}

static bool claim_names(looker *l, const pf_mirc_file *d, pf_err *err)
{
    for (size_t i = 0; i < d->content.n_names; i++) {
        pf_names_match match;
        if (!find_picture(l, d, d->content.names[i], &match, err))
            return false;
        if (match.file)
            raise_fate(l, match.file, d->is_broken ? HELD : TAKEN);
    }
    return true;
}

static bool resolve(looker *l, pf_err *err)
{
    pf_mirc *m = l->mirc;
    for (size_t i = 0; i < m->n_documents; i++) {
        pf_mirc_file *d = &m->documents[i];
        const bool shows = !d->is_broken && !is_left_out(l, d);
        m->n_private += !d->is_broken && !shows;
        if (is_stopped(l->from, err) || !claim_names(l, d, err) ||
            (shows && !find_images(l, d, err)))
            return false;
    }
    return true;
}

/* ---- what belongs to a document whether it names it or not ---- */

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_own_name(const pf_mirc_file *d)
{
    return strcasecmp(pf_path_base(d->path), own_name) == 0;
}

static bool is_broken(const pf_mirc_file *d)
{
    return d->is_broken;
}

/* Those of documents that `fits` says. */
static bool list_folders(const pf_mirc *m, bool (*fits)(const pf_mirc_file *),
                         pf_mirc_folders *out, pf_err *err)
{
    if (!(out->at = pf_alloc_array(m->n_documents, sizeof *out->at, err)))
        return false;
    for (size_t i = 0; i < m->n_documents; i++) {
        if (fits(&m->documents[i]))
            out->at[out->n++] = m->documents[i].folder;
    }
    if (out->n > 1)
        qsort(out->at, out->n, sizeof *out->at, by_string);
    return true;
}

static bool has_folder(const pf_mirc_folders *list, const char *folder)
{
    return list->n > 0 &&
           bsearch(&folder, list->at, list->n, sizeof *list->at, by_string);
}

/* Is it one of them that the file lies in? `below` may be the name of a folder in it.
 */
static bool holds(const pf_mirc_folders *list, const char *path, const char *below)
{
    char folder[PATH_MAX];
    size_t n = (size_t)(pf_path_base(path) - path);
    const size_t n_below = strlen(below);
    if (list->n == 0 || n == 0 || n >= sizeof folder)
        return false;
    memcpy(folder, path, n);
    folder[n] = '\0';
    if (n_below == 0)
        return has_folder(list, folder);
    folder[--n] = '\0';
    if (strcasecmp(pf_path_base(folder), below) != 0)
        return false;
    folder[n - n_below] = '\0';
    return has_folder(list, folder);
}

/* In the folder of a document, or where the server keeps its originals. */
static bool is_owned(const pf_mirc *m, const char *path)
{
    return holds(&m->owned, path, "") || holds(&m->owned, path, "phi") ||
           holds(&m->owned, path, "no-phi");
}

static int by_folder(const void *a, const void *b)
{
    return strcmp(((const pf_mirc_archive *)a)->folder,
                  ((const pf_mirc_archive *)b)->folder);
}

/* The last one that does not come after it; NULL: it lies in none that has documents.
 */
static const pf_mirc_archive *archive_of(const pf_mirc *m, const char *path)
{
    size_t from = 0, to = m->n_archives;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (strcmp(m->archives[middle].folder, path) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    const pf_mirc_archive *last = from > 0 ? &m->archives[from - 1] : NULL;
    return last && strncmp(path, last->folder, strlen(last->folder)) == 0 ? last : NULL;
}

static fate unnamed_fate(const pf_mirc *m, const char *path)
{
    const pf_mirc_archive *a = archive_of(m, path);
    if (a)
        return a->is_broken ? HELD : TAKEN;
    if (!is_owned(m, path))
        return OURS;
    return holds(&m->broken, path, "") ? HELD : TAKEN;
}

/* What is held back is a gap without a word: its document has said what is wrong. */
static bool drop_files(looker *l, pf_err *err)
{
    pf_scan *scan = l->scan;
    size_t kept = 0;
    bool ok = true;
    for (size_t i = 0; i < scan->count; i++) {
        pf_scan_file file = scan->files[i];
        fate f = l->fates[i];
        if (f == OURS) {
            f = unnamed_fate(l->mirc, file.path);
            l->mirc->n_unnamed += f == TAKEN && archive_of(l->mirc, file.path);
        }
        if (f == HELD)
            ok = ok && pf_scan_add_gap(scan, file.path, "", err);
        if (f == OURS || f == SHOWN)
            scan->files[kept++] = file;
        else
            pf_free(file.path);
    }
    scan->count = kept;
    return ok;
}

/* ---- all of them ---- */

/* Of a document that is a source itself: the files that it shows are all there are. */
static bool add_shown_file(looker *l, const pf_mirc_file *d, const char *name,
                           pf_err *err)
{
    struct stat st;
    if (!stays(name))
        return true;
    char *path = pf_path_join(d->folder, name, err);
    if (!path)
        return false;
    pf_path_tidy(path);
    const bool is_there = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    const pf_file_stamp stamp = {st.st_size, (int64_t)st.st_mtim.tv_sec * 1000000000 +
                                                 st.st_mtim.tv_nsec};
    const bool ok = !is_there || is_excluded(l, path) ||
                    pf_scan_add_file(l->scan, path, &stamp, err);
    pf_free(path);
    return ok;
}

static bool add_shown_files(looker *l, pf_err *err)
{
    const pf_mirc *m = l->mirc;
    for (size_t i = 0; i < m->n_documents; i++) {
        const pf_mirc_file *d = &m->documents[i];
        if (!is_source(l, d->path))
            continue;
        for (size_t k = 0; k < d->content.n_names; k++) {
            char *name = pf_strdup(d->content.names[k], err);
            bool ok = name && add_shown_file(l, d, name, err);
            if (ok && strchr(name, '%')) {
                decode_percent(name);
                ok = add_shown_file(l, d, name, err);
            }
            pf_free(name);
            if (!ok)
                return false;
        }
    }
    return true;
}

static bool sort_out(looker *l, pf_err *err)
{
    pf_scan_sort(l->scan);
    if (!(l->fates = pf_alloc_array(l->scan->count, sizeof *l->fates, err)))
        return false;
    pf_names_init(&l->names, l->scan, l->from->path);
    l->names.excluded = l->from->excluded;
    l->names.n_excluded = l->from->n_excluded;
    if (l->mirc->n_archives > 1)
        qsort(l->mirc->archives, l->mirc->n_archives, sizeof *l->mirc->archives,
              by_folder);
    pf_mirc *m = l->mirc;
    const bool ok = list_folders(m, has_own_name, &m->owned, err) &&
                    list_folders(m, is_broken, &m->broken, err) && resolve(l, err) &&
                    drop_files(l, err);
    pf_names_reset(&l->names);
    pf_free(l->fates);
    return ok;
}

bool pf_mirc_look(pf_mirc **out, const pf_import *from, pf_scan *scan,
                  const char *within, pf_err *err)
{
    looker l = {.from = from, .scan = scan, .within = within};
    *out = NULL;
    if (!(l.mirc = pf_zalloc(sizeof *l.mirc, err)))
        return false;
    bool ok = (l.mirc->hasher = pf_hasher_new(err)) && look_at_all(&l, err);
    if (ok && l.mirc->n_documents + l.mirc->n_archives > 0)
        ok = add_shown_files(&l, err) && sort_out(&l, err);
    if (ok)
        *out = l.mirc;
    else
        pf_mirc_free(l.mirc);
    return ok;
}

void pf_mirc_free(pf_mirc *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_documents; i++) {
        pf_mirc_document_reset(&m->documents[i].content);
        pf_free(m->documents[i].found);
        pf_free(m->documents[i].is_excused);
    }
    pf_free(m->documents);
    pf_free(m->archives);
    pf_free(m->owned.at);
    pf_free(m->broken.at);
    pf_hasher_free(m->hasher);
    pf_arena_reset(&m->strings);
    pf_free(m);
}

bool pf_mirc_is_broken_at(const pf_mirc *m, const char *path)
{
    return holds(&m->broken, path, "");
}
