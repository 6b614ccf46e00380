/* sheet.c - see sheet.h. What both kinds of sheets share, and their files. */
#include "cli/sheet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/stop.h"

pf_sheet_kind pf_sheet_kind_of(const char *path)
{
    const char *ending = pf_path_extension(path);
    if (strcasecmp(ending, "png") == 0)
        return PF_SHEET_PNG;
    if (strcasecmp(ending, "html") == 0 || strcasecmp(ending, "htm") == 0)
        return PF_SHEET_HTML;
    return PF_SHEET_OTHER;
}

/* ---- words ---- */

pf_find pf_sheet_find(const pf_sheet *s)
{
    return pf_answer_get_about(s->answer)->find;
}

const char *pf_sheet_case_name(const pf_hit *h)
{
    return h->case_title && h->case_title[0] != '\0' ? h->case_title : h->case_key;
}

void pf_sheet_summary(const pf_sheet *s, char text[64])
{
    const size_t n = pf_answer_count(s->answer);
    const pf_find find = pf_sheet_find(s);
    const char *what = find == PF_FIND_CASES      ? "case"
                       : find == PF_FIND_CAPTIONS ? "caption"
                                                  : "image";
    if (n == 0)
        snprintf(text, 64, "nothing found");
    else
        snprintf(text, 64, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static bool go_on(const pf_sheet *s, pf_err *err)
{
    return !s->stop || atomic_load(pf_stop_flag(s->stop)) == 0 ||
           pf_fail(err, PF_ERR_INTERRUPTED, "interrupted");
}

bool pf_sheet_get_picture(pf_sheet *s, int64_t image_id, pf_sheet_jpeg *jpeg,
                          pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    pf_free(jpeg->bytes);
    *jpeg = (pf_sheet_jpeg){0};
    if (!go_on(s, err))
        return false;
    if (s->picture(s->context, image_id, &jpeg->bytes, &jpeg->size, &why))
        return true;
    *jpeg = (pf_sheet_jpeg){0};
    s->n_missing++;
    return why.code != PF_ERR_NOMEM || pf_fail_as(err, &why);
}

/* ---- files ---- */

static bool write_to(pf_sheet *s, pf_sheet_kind kind, int fd, const char *path,
                     pf_err *err)
{
    FILE *out = fdopen(fd, "wb");
    if (!out) {
        pf_fail_errno(err, errno, "cannot write '%s'", path);
        close(fd);
        return false;
    }
    bool ok = (kind == PF_SHEET_PNG ? pf_sheet_png_write : pf_sheet_html_write)(s, out,
                                                                                err) &&
              go_on(s, err);
    if (!ok)
        pf_fail_in(err, "'%s'", path);
    const bool is_whole = !ferror(out);
    if ((fclose(out) != 0 || !is_whole) && ok)
        ok = pf_fail_errno(err, errno, "cannot write '%s'", path);
    return ok;
}

bool pf_sheet_save(pf_sheet *s, const char *path, pf_err *err)
{
    if (pf_path_is_folder(path))
        return pf_fail(err, PF_ERR_IO, "cannot write '%s': it is a folder", path);
    char *temp = pf_strf(err, "%s.XXXXXX", path);
    if (!temp)
        return false;
    const int fd = mkstemp(temp); /* mode 0600 */
    bool ok = fd >= 0 || pf_fail_errno(err, errno, "cannot write '%s'", path);
    ok = ok && write_to(s, pf_sheet_kind_of(path), fd, path, err) &&
         pf_file_publish(temp, path, err);
    if (!ok && fd >= 0)
        unlink(temp);
    pf_free(temp);
    return ok;
}
