/* sheet.c - see sheet.h. What both kinds of sheets share, and their files. */
#include "query/sheet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"

enum { QUESTION_MAX = 8 << 20 }; /* more than a command line has */

sheet_kind sheet_kind_of(const char *path)
{
    const char *ending = pf_path_extension(path);
    if (strcasecmp(ending, "png") == 0)
        return SHEET_PNG;
    if (strcasecmp(ending, "html") == 0 || strcasecmp(ending, "htm") == 0)
        return SHEET_HTML;
    return SHEET_OTHER;
}

/* ---- words ---- */

static bool add_part(pf_buf *b, const pf_part *part, bool is_first, pf_err *err)
{
    const double weight = part->weight < 0 ? -part->weight : part->weight;
    bool ok = is_first || pf_buf_add_str(b, ", ", err);
    if (ok && part->weight < 0)
        ok = pf_buf_add_str(b, "without ", err);
    if (ok && weight != 1)
        ok = pf_buf_addf(b, err, "%g \xC3\x97 ", weight);
    switch (part->kind) {
    case PF_PART_PHRASE:
        return ok && pf_buf_add_str(b, part->text, err);
    case PF_PART_FILE:
        return ok && pf_buf_addf(b, err, "the picture %s", pf_path_base(part->text));
    case PF_PART_PICTURE:
        return ok && pf_buf_add_str(b, "a picture", err);
    default:
        return ok && pf_buf_addf(b, err, "like %s", part->text);
    }
}

char *sheet_question(const pf_query *q, pf_err *err)
{
    pf_buf b;
    pf_buf_init(&b, QUESTION_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < q->n_parts; i++)
        ok = add_part(&b, &q->parts[i], i == 0, err);
    for (size_t i = 0; ok && i < q->n_filters; i++)
        ok = pf_buf_addf(&b, err, "%s%s", i == 0 ? ", where " : " and ",
                         q->filters[i].text);
    char *text = ok ? pf_buf_take(&b, err) : NULL;
    pf_buf_free(&b);
    return text;
}

const char *sheet_case_name(const pf_hit *h)
{
    return h->case_title && h->case_title[0] != '\0' ? h->case_title : h->case_key;
}

void sheet_summary(const sheet *s, char text[64])
{
    const size_t n = s->answer->n_hits;
    const char *what = s->find == PF_FIND_CASES      ? "case"
                       : s->find == PF_FIND_CAPTIONS ? "caption"
                                                     : "image";
    if (n == 0)
        snprintf(text, 64, "nothing found");
    else
        snprintf(text, 64, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static bool go_on(const sheet *s, pf_err *err)
{
    return !s->stop || atomic_load(s->stop) == 0 ||
           pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
}

bool sheet_get_picture(sheet *s, int64_t image_id, pf_buf *jpeg, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    jpeg->size = 0;
    if (!go_on(s, err))
        return false;
    if (s->picture(s->context, image_id, jpeg, &why))
        return true;
    jpeg->size = 0;
    s->n_missing++;
    return why.code != PF_ERR_NOMEM || pf_fail(err, why.code, "%s", why.msg);
}

/* ---- files ---- */

static bool write_to(sheet *s, sheet_kind kind, int fd, const char *path, pf_err *err)
{
    FILE *out = fdopen(fd, "wb");
    if (!out) {
        pf_fail_errno(err, errno, "cannot write '%s'", path);
        close(fd);
        return false;
    }
    bool ok = (kind == SHEET_PNG ? sheet_png_write : sheet_html_write)(s, out, err) &&
              go_on(s, err);
    if (!ok)
        pf_fail_in(err, "'%s'", path);
    const bool is_whole = !ferror(out);
    if ((fclose(out) != 0 || !is_whole) && ok)
        ok = pf_fail_errno(err, errno, "cannot write '%s'", path);
    return ok;
}

bool sheet_save(sheet *s, const char *path, pf_err *err)
{
    if (pf_path_is_folder(path))
        return pf_fail(err, PF_ERR_IO, "cannot write '%s': it is a folder", path);
    char *temp = pf_strf(err, "%s.XXXXXX", path);
    if (!temp)
        return false;
    const int fd = mkstemp(temp); /* mode 0600 */
    bool ok = fd >= 0 || pf_fail_errno(err, errno, "cannot write '%s'", path);
    ok = ok && write_to(s, sheet_kind_of(path), fd, path, err) &&
         pf_file_publish(temp, path, err);
    if (!ok && fd >= 0)
        unlink(temp);
    pf_free(temp);
    return ok;
}
