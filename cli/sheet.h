/*
 * sheet.h - contact sheets: the hits of an answer as a picture or a page to look at.
 *
 * Sheets have pictures that may be confidential: their files are for the user alone.
 * Captions, paths and the rest come from files of unknown origin.
 */
#ifndef PF_CLI_SHEET_H
#define PF_CLI_SHEET_H

#include <stdint.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/err.h"

typedef enum { PF_SHEET_OTHER, PF_SHEET_PNG, PF_SHEET_HTML } pf_sheet_kind;

/* At most so many hits: what can be looked at, what a browser opens. */
enum { PF_SHEET_PNG_MAX = 400, PF_SHEET_HTML_MAX = 5000 };

/* By the ending of the name: .png, .html or .htm, in small or large letters. */
pf_sheet_kind pf_sheet_kind_of(const char *path);

/* The picture of an image as a JPEG file [*n], which pf_free() frees. Failing with
 * anything but NOMEM means that there is none to show. */
typedef bool pf_sheet_picture_fn(void *context, int64_t image_id, uint8_t **jpeg,
                                 size_t *n, pf_err *err);

typedef struct {
    const char *question;    /* in words: UTF-8, or nearly */
    const pf_answer *answer; /* of a search */
    bool all_captions;       /* on a page; a picture has room for one */
    pf_sheet_picture_fn *picture;
    void *context;
    const pf_stop *stop; /* set: end, leaving nothing behind; may be NULL */
    size_t n_missing;    /* set: pictures that could not be shown */
} pf_sheet;

/* Write the file `path` as its ending says: it appears whole or not at all, mode 0600,
 * in place of one that is there. Messages name it. INTERRUPTED. */
PF_MUST_CHECK bool pf_sheet_save(pf_sheet *s, const char *path, pf_err *err);

/* ---- for sheet_*.c ---- */

typedef struct {
    uint8_t *bytes; /* owned; NULL when there is none */
    size_t size;
} pf_sheet_jpeg;

/* The picture in `jpeg`, which is emptied first and stays empty when there is none. */
PF_MUST_CHECK bool pf_sheet_get_picture(pf_sheet *s, int64_t image_id,
                                        pf_sheet_jpeg *jpeg, pf_err *err);

pf_find pf_sheet_find(const pf_sheet *s);

/* What a case is called. */
const char *pf_sheet_case_name(const pf_hit *hit);

/* "10 images", "1 case", ... into text[64]. */
void pf_sheet_summary(const pf_sheet *s, char text[64]);

/* Both leave write errors of `out` to whoever closes it. */
PF_MUST_CHECK bool pf_sheet_png_write(pf_sheet *s, FILE *out, pf_err *err);
PF_MUST_CHECK bool pf_sheet_html_write(pf_sheet *s, FILE *out, pf_err *err);

#endif
