/*
 * sheet.h - contact sheets: the hits of an answer as a picture or a page to look at.
 *
 * Sheets have pictures that may be confidential: their files are for the user alone.
 * Captions, paths and the rest come from files of unknown origin.
 */
#ifndef PF_QUERY_SHEET_H
#define PF_QUERY_SHEET_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/search/search.h"

typedef enum { SHEET_OTHER, SHEET_PNG, SHEET_HTML } sheet_kind;

/* At most so many hits: what can be looked at, what a browser opens. */
enum { SHEET_PNG_MAX = 400, SHEET_HTML_MAX = 5000 };

/* By the ending of the name: .png, .html or .htm, in small or large letters. */
sheet_kind sheet_kind_of(const char *path);

/* Append the picture of an image as a JPEG file. Failing with anything but NOMEM means
 * that there is none to show. */
typedef bool sheet_picture_fn(void *context, int64_t image_id, pf_buf *jpeg,
                              pf_err *err);

typedef struct {
    const char *question; /* in words: UTF-8, or nearly */
    pf_find find;
    const pf_answer *answer;
    sheet_picture_fn *picture;
    void *context;
    const atomic_int *stop; /* not 0: end, leaving nothing behind; may be NULL */
    size_t n_missing;       /* set: pictures that could not be shown */
} sheet;

/* What was asked, in words, for the top of a sheet. Given, free with pf_free(). */
PF_MUST_CHECK char *sheet_question(const pf_query *query, pf_err *err);

/* Write the file `path` as its ending says: it appears whole or not at all, mode 0600,
 * in place of one that is there. Messages name it. INTERRUPTED. */
PF_MUST_CHECK bool sheet_save(sheet *s, const char *path, pf_err *err);

/* ---- for sheet_*.c ---- */

enum { SHEET_JPEG_CAP = 128 << 10 };

/* The picture in `jpeg`, which is emptied first and stays empty when there is none. */
PF_MUST_CHECK bool sheet_get_picture(sheet *s, int64_t image_id, pf_buf *jpeg,
                                     pf_err *err);

/* What a case is called. */
const char *sheet_case_name(const pf_hit *hit);

/* "10 images", "1 case", ... into text[64]. */
void sheet_summary(const sheet *s, char text[64]);

/* Both leave write errors of `out` to whoever closes it. */
PF_MUST_CHECK bool sheet_png_write(sheet *s, FILE *out, pf_err *err);
PF_MUST_CHECK bool sheet_html_write(sheet *s, FILE *out, pf_err *err);

#endif
