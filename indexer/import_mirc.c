/* import_mirc.c - see import_mirc.h. */
#include "indexer/import_mirc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/file.h"
#include "indexer/import_folder.h"

/* Part of the hash of what was read: when documents come to be understood in another
 * way, all are taken in again. */
static const char understanding[] = "mirc 2";

static bool has_ending(const char *path, const char *ending)
{
    return strcasecmp(pf_path_extension(path), ending) == 0;
}

/* ---- into the collection ---- */

/* False in *is_there: no picture, or one that another look has found to be none. */
static pf_subject subject_of(const pf_scan *scan, const char *path, bool *is_there)
{
    const pf_scan_file *file = path ? pf_scan_find(scan, path) : NULL;
    *is_there = file != NULL;
    return (pf_subject){.at = file ? (uint32_t)(file - scan->files) : 0};
}

static const char *name_of(const pf_mirc_image *image)
{
    for (int i = 0; i < PF_MIRC_VERSIONS; i++) {
        if (image->src[i])
            return image->src[i];
    }
    return "";
}

static bool add_missing(const pf_mirc_file *d, pf_collection *to, pf_err *err)
{
    for (size_t i = 0; i < d->content.n_images; i++) {
        const pf_mirc_image *image = &d->content.images[i];
        const pf_stale_row row = {
            .table = d->path, .name = name_of(image), .line = image->line};
        if (!d->found[i] && !d->is_excused[i] && row.name[0] != '\0' &&
            !pf_collection_add_stale_row(to, &row, err))
            return false;
    }
    return true;
}

/* By its place in the source, which a catalog that hides paths must not show. */
static void key_of(const pf_mirc_file *d, const char *source, char *out, size_t room)
{
    char hex[PF_HASH_HEX_SIZE];
    const char *place =
        d->path + (pf_path_is_under(d->path, source) ? strlen(source) : 0);
    place += strspn(place, "/");
    if (place[0] == '\0')
        place = pf_path_base(d->path); /* it is the source */
    const pf_hash hash = pf_hash_bytes(place, strlen(place));
    pf_hash_hex(&hash, hex);
    snprintf(out, room, "mirc-%s", hex);
}

/* Images that are shown in several documents stay with the first one's case. */
static void put_images(const pf_mirc_file *d, const pf_scan *scan, pf_subject into,
                       pf_collection *to)
{
    for (size_t i = 0; i < d->content.n_images; i++) {
        bool is_there;
        const pf_subject image = subject_of(scan, d->found[i], &is_there);
        if (!is_there)
            continue;
        to->images[image.at].has_row = true;
        to->images[image.at].keeps_rows = false; /* what it says now is all there is */
        if (to->images[image.at].in_case == 0)
            pf_collection_put_into_case(to, image, into);
    }
}

/* The first image that is there; false: none is. *is_free: one is in no case yet. */
static bool find_first(const pf_mirc_file *d, const pf_scan *scan,
                       const pf_collection *to, pf_subject *first, bool *is_free)
{
    bool is_any = false;
    *is_free = false;
    for (size_t i = 0; i < d->content.n_images; i++) {
        bool is_there;
        const pf_subject image = subject_of(scan, d->found[i], &is_there);
        if (!is_there)
            continue;
        *first = is_any ? *first : image;
        is_any = true;
        *is_free |= to->images[image.at].in_case == 0;
    }
    return is_any;
}

static bool add_texts(const pf_mirc_file *d, const pf_scan *scan, pf_subject into,
                      pf_collection *to, pf_err *err)
{
    for (size_t i = 0; i < d->content.n_texts; i++) {
        const pf_mirc_text *text = &d->content.texts[i];
        pf_subject of = into;
        bool is_there = true;
        if (text->image > 0)
            of = subject_of(scan, d->found[text->image - 1], &is_there);
        if (is_there &&
            !(text->key
                  ? pf_collection_add_attribute(to, of, text->key, text->value, err)
                  : pf_collection_add_caption(to, of, text->value, err)))
            return false;
    }
    return true;
}

/* One that shows nothing but pictures of other cases says its texts of the first. */
static bool add_document(const pf_mirc_file *d, const char *source, const pf_scan *scan,
                         pf_collection *to, size_t *n_shared, pf_err *err)
{
    char key[PF_HASH_HEX_SIZE + sizeof "mirc-"];
    pf_subject into;
    bool is_free;
    if (!add_missing(d, to, err))
        return false;
    if (!find_first(d, scan, to, &into, &is_free))
        return true;
    key_of(d, source, key, sizeof key);
    const char *title = d->content.title ? d->content.title : key;
    if (is_free && !pf_collection_add_case(to, key, title, &into, err))
        return false;
    *n_shared += !is_free;
    if (is_free)
        put_images(d, scan, into, to);
    return add_texts(d, scan, into, to, err);
}

static bool tell_of_shared(size_t n, pf_collection *to, pf_err *err)
{
    pf_err text = PF_ERR_INIT;
    if (n == 0)
        return true;
    pf_fail(&text, PF_ERR_MISUSE,
            "'%s': %zu MIRC document%s no picture of %s own, and no case; %s texts are "
            "those of the first picture that is shown",
            to->source, n, n == 1 ? " has" : "s have", n == 1 ? "its" : "their",
            n == 1 ? "its" : "their");
    return pf_collection_add_note(to, text.msg, err);
}

static bool tell_of_unnamed(const pf_mirc *m, pf_collection *to, pf_err *err)
{
    pf_err text = PF_ERR_INIT;
    if (m->n_unnamed == 0)
        return true;
    pf_fail(&text, PF_ERR_MISUSE,
            "'%s': %zu picture%s in archives %s named by no MIRC document there, and "
            "left out",
            to->source, m->n_unnamed, m->n_unnamed == 1 ? "" : "s",
            m->n_unnamed == 1 ? "is" : "are");
    return pf_collection_add_note(to, text.msg, err);
}

static bool tell_of_private(const pf_mirc *m, pf_collection *to, pf_err *err)
{
    pf_err text = PF_ERR_INIT;
    if (m->n_private == 0)
        return true;
    pf_fail(&text, PF_ERR_MISUSE,
            "'%s': %zu MIRC document%s not for everybody, and left out; --as-owner "
            "reads %s",
            to->source, m->n_private, m->n_private == 1 ? " is" : "s are",
            m->n_private == 1 ? "it" : "them");
    return pf_collection_add_note(to, text.msg, err);
}

/* Headings are not named: they may be what is left out for. */
static bool tell_of_sections(const pf_mirc *m, pf_collection *to, pf_err *err)
{
    pf_err text = PF_ERR_INIT;
    size_t n = 0;
    for (size_t i = 0; i < m->n_documents; i++)
        n += m->documents[i].found ? m->documents[i].content.n_unknown_sections : 0;
    if (n == 0)
        return true;
    pf_fail(&text, PF_ERR_MISUSE,
            "'%s': %zu section%s of MIRC documents %s not known, and left out",
            to->source, n, n == 1 ? "" : "s",
            n == 1 ? "has a heading that is" : "have headings that are");
    return pf_collection_add_note(to, text.msg, err);
}

static bool add_hash(const pf_mirc *m, const pf_import *from, pf_collection *to,
                     pf_err *err)
{
    pf_hasher *h = pf_hasher_new(err);
    if (!h)
        return false;
    const pf_hash documents = pf_hasher_finish(m->hasher);
    pf_hasher_add(h, understanding, sizeof understanding);
    pf_hasher_add(h, &from->reading->reads_as_owner, sizeof(bool));
    pf_hasher_add(h, &documents, sizeof documents);
    pf_hasher_add(h, &to->texts_hash, sizeof to->texts_hash);
    to->texts_hash = pf_hasher_finish(h);
    return true;
}

/* Texts that are known may be of the part of a document that cannot be read. */
static void keep_texts(const pf_mirc *m, const pf_scan *scan, pf_collection *to)
{
    for (size_t i = 0; i < scan->count && m->broken.n > 0; i++) {
        if (to->images[i].in_case == 0 && pf_mirc_is_broken_at(m, scan->files[i].path))
            to->images[i].keeps_texts = true;
    }
}

bool pf_mirc_add(pf_mirc *m, const pf_import *from, const pf_scan *scan,
                 pf_collection *to, pf_err *err)
{
    if (m->n_documents == 0)
        return true;
    bool ok = tell_of_private(m, to, err) && tell_of_sections(m, to, err) &&
              tell_of_unnamed(m, to, err);
    size_t n_shared = 0;
    for (size_t i = 0; ok && i < m->n_documents; i++) {
        if (m->documents[i].found)
            ok = add_document(&m->documents[i], from->path, scan, to, &n_shared, err);
    }
    if (!ok || !tell_of_shared(n_shared, to, err) || !add_hash(m, from, to, err))
        return false;
    keep_texts(m, scan, to);
    m->hasher = NULL;
    return true;
}

/* ---- a document or an archive as a source ---- */

static bool is_document_or_archive(const char *path)
{
    return (has_ending(path, "xml") || has_ending(path, "zip")) &&
           pf_path_exists(path) && !pf_path_is_folder(path);
}

/* Where its files may lie; links are followed within that alone. */
static bool stay_within(const pf_import *from, pf_collection *to, pf_err *err)
{
    if (from->reading->follows_links)
        return true;
    char *real = realpath(from->path, NULL);
    if (!real)
        return pf_fail_errno(err, errno, "cannot read '%s'", from->path);
    size_t n = strlen(real);
    if (has_ending(from->path, "xml"))
        n = (size_t)(pf_path_base(real) - real) - 1;
    to->within = n > 0 ? pf_arena_add(&to->strings, real, n, err)
                       : pf_arena_add(&to->strings, "/", 1, err);
    free(real); /* of realpath() */
    return to->within != NULL;
}

static bool list_source(const pf_import *from, pf_scan *scan, pf_collection *to,
                        pf_err *err)
{
    pf_file_stamp stamp;
    if (!pf_file_look(from->path, &stamp)) {
        const int why = errno;
        pf_fail_errno(err, why, "cannot read '%s'", from->path);
        if (why == ENOENT || why == ENOTDIR)
            err->code = PF_ERR_NOT_FOUND;
        return false;
    }
    return stay_within(from, to, err) &&
           pf_scan_add_text(scan, from->path, &stamp, err);
}

/* A new source that nothing can be had from is a mistake. */
static bool check_new(const pf_import *from, const pf_scan *scan,
                      const pf_collection *to, pf_err *err)
{
    if (!from->is_new || to->n_images > 0 || to->n_notes > 0 || to->n_stale > 0)
        return true;
    return pf_fail(err, PF_ERR_FORMAT, "'%s': %s", from->path,
                   scan->n_gaps > 0 ? scan->gaps[0].reason
                                    : "there is no MIRC document with pictures in it");
}

static bool read_mirc(const pf_import *from, pf_collection *to, pf_err *err)
{
    pf_scan scan = {0};
    pf_err why = PF_ERR_INIT;
    const bool ok =
        list_source(from, &scan, to, &why)
            ? pf_import_scanned(from, &scan, to, err) && check_new(from, &scan, to, err)
            : pf_import_is_away(from, to, &why, err);
    pf_scan_reset(&scan);
    return ok;
}

const pf_importer pf_import_mirc = {
    .name = "mirc", .recognises = is_document_or_archive, .read = read_mirc};
