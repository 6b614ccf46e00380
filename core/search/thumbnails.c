/* thumbnails.c - see thumbnails.h. */
#include "core/search/thumbnails.h"

#include "core/base/file.h"
#include "core/base/mem.h"

/* A catalog may name any file; of one that it never had the bytes of, it cannot know
 * the hash, and nothing of it is shown. */
static bool check_content(const pf_hash *found, const pf_hash *indexed, pf_err *err)
{
    return pf_hash_equal(found, indexed) ||
           pf_fail(err, PF_ERR_MISMATCH, "it is not what was indexed any more");
}

static bool check_is_there(const char *path, pf_err *err)
{
    return !pf_path_is_gone(path) ||
           pf_fail(err, PF_ERR_NOT_FOUND, "its file is not there");
}

static bool make(pf_reader *r, const char *path, int frame, const pf_hash *content,
                 pf_buf *jpeg, pf_err *err)
{
    pf_sandbox *sandbox;
    pf_hash found;
    const pf_intake_options options = {.name = pf_path_base(path), .frame = frame};
    pf_intake intake = {.thumbnail = pf_zalloc(sizeof *intake.thumbnail, err)};
    const bool ok = intake.thumbnail && check_is_there(path, err) &&
                    pf_reader_get_sandbox(r, &sandbox, err) &&
                    pf_sandbox_read(sandbox, path, NULL, &found, err) &&
                    check_content(&found, content, err) &&
                    pf_sandbox_decode(sandbox, &intake, &options, err) &&
                    pf_thumbnail_encode(intake.thumbnail, jpeg, err);
    pf_engine_tell_sandbox(r->engine);
    pf_free(intake.thumbnail);
    return ok || pf_fail_in(err, "picture '%s'", path);
}

/* One that was damaged is as good as none, but has to be told of, once. */
static bool find(pf_reader *r, int64_t image_id, pf_buf *jpeg, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    pf_notes notes = {0};
    pf_store *store = pf_reader_store(r);
    const bool is_known = pf_store_has_damage(store);
    if (pf_store_get_thumbnail(store, image_id, jpeg, &why))
        return true;
    if (why.code != PF_ERR_FORMAT || !pf_store_has_damage(store))
        return pf_fail_as(err, &why);
    if (is_known)
        return true;
    pf_notes_add(&notes, "%s; a film takes the place of its thumbnail", why.msg);
    pf_engine_tell(r->engine, PF_NOTE_CATALOG, &notes);
    return true;
}

/* Where the file of an image is. `path` is owned. */
static bool find_file(pf_store *store, int64_t image_id, char **path, int *frame,
                      pf_hash *content, pf_err *err)
{
    *path = NULL;
    *frame = 0;
    return pf_store_get_image_path(store, image_id, path, frame, content, err) &&
           (*path || pf_fail(err, PF_ERR_NOT_FOUND, "there is no image %lld",
                             (long long)image_id));
}

bool pf_search_get_thumbnail(pf_reader *r, int64_t image_id, pf_buf *jpeg, pf_err *err)
{
    pf_store *store = pf_reader_store(r);
    const size_t before = jpeg->size;
    char *path;
    int frame;
    pf_hash content;
    if (!find(r, image_id, jpeg, err))
        return false;
    if (jpeg->size > before)
        return true;
    const bool ok = find_file(store, image_id, &path, &frame, &content, err) &&
                    make(r, path, frame, &content, jpeg, err);
    pf_free(path);
    return ok;
}

/* ---- larger ones ---- */

static bool decode_preview(pf_reader *r, const char *path, const pf_hash *content,
                           pf_search_preview *p, pf_err *err)
{
    pf_sandbox *sandbox;
    pf_hash found;
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    limits.window = p->window;
    const pf_intake_options options = {
        .name = pf_path_base(path), .frame = p->frame_shown, .limits = &limits};
    pf_intake intake = {.preview_side = p->side};
    const bool ok = check_is_there(path, err) &&
                    pf_reader_get_sandbox(r, &sandbox, err) &&
                    pf_sandbox_read(sandbox, path, NULL, &found, err) &&
                    check_content(&found, content, err) &&
                    pf_sandbox_decode(sandbox, &intake, &options, err);
    pf_engine_tell_sandbox(r->engine);
    p->preview = intake.preview;
    p->width = intake.width;
    p->height = intake.height;
    p->n_frames = intake.n_frames;
    p->is_deep = intake.is_deep;
    return ok || pf_fail_in(err, "picture '%s'", path);
}

bool pf_search_make_preview(pf_reader *r, int64_t image_id, pf_search_preview *p,
                            pf_err *err)
{
    char *path;
    pf_hash content;
    int frame;
    if (!find_file(pf_reader_store(r), image_id, &path, &frame, &content, err))
        return false;
    p->frame_shown = p->frame >= 0 ? p->frame : frame;
    const bool ok = decode_preview(r, path, &content, p, err);
    pf_free(path);
    return ok;
}

bool pf_search_get_original(pf_reader *r, int64_t image_id, pf_buf *out,
                            const char **format, pf_err *err)
{
    const size_t before = out->size;
    char *path;
    pf_hash content;
    int frame;
    if (!find_file(pf_reader_store(r), image_id, &path, &frame, &content, err))
        return false;
    bool ok = check_is_there(path, err) && pf_file_read(path, out, err);
    if (ok) {
        const uint8_t *bytes = (const uint8_t *)out->data + before;
        const pf_hash found = pf_hash_bytes(bytes, out->size - before);
        *format = pf_picture_sniff(bytes, out->size - before, path);
        ok = check_content(&found, &content, err);
    }
    ok = ok || pf_fail_in(err, "picture '%s'", path);
    pf_free(path);
    return ok;
}
