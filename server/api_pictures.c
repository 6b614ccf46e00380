/*
 * api_pictures.c - what is seen of an image: its thumbnail, the picture itself, and the
 * file, where that is allowed. Pictures are decoded in the sandbox and made anew, so
 * that no byte of a file reaches a browser.
 */
#include "server/api.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/tools.h"
#include "core/base/hash.h"
#include "server/params.h"
#include "server/problem.h"

/* The bytes are their own mark: whoever has them need not be sent them again. */
static void give_picture(const call *c, http_response *out, const char *type,
                         uint8_t *bytes, size_t n)
{
    char hex[PF_HASH_HEX_SIZE];
    const pf_hash hash = pf_hash_bytes(bytes, n);
    pf_hash_hex(&hash, hex);
    http_give(out, 200, type, (char *)bytes, n);
    snprintf(out->etag, sizeof out->etag, "\"%s\"", hex);
    out->cache = "private, max-age=3600";
    http_match(c->request, out);
}

work_line api_thumbnail(const call *c, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    uint8_t *jpeg = NULL;
    size_t n;
    if (c->from == WORK_FIRST)
        return WORK_USUAL; /* where there is none, one is made */
    if (pf_reader_get_thumbnail(c->worker->reader, c->id, &jpeg, &n, &err))
        give_picture(c, out, "image/jpeg", jpeg, n);
    else
        problem_give(out, &err);
    return WORK_DONE;
}

/* ---- what a preview shows ----------------------------------------------------------
 */

/* Windows that readers of CT use, in Hounsfield units. */
static const struct {
    const char *name;
    double centre, width;
} windows[] = {{"lung", -600, 1500},     {"bone", 400, 1800}, {"brain", 40, 80},
               {"mediastinum", 50, 350}, {"soft", 50, 400},   {"liver", 60, 160},
               {"subdural", 80, 200},    {"stroke", 35, 40}};

/* A number from the first to the last of its characters. `*end` is what follows. */
static bool read_real(const char *text, const char **end, double *out)
{
    char *stop;
    static const char digits[] = "+-.0123456789";
    if (!*text || !strchr(digits, *text))
        return false;
    *out = strtod(text, &stop);
    *end = stop;
    return stop != text && isfinite(*out) && fabs(*out) <= 1e9;
}

/* "40,80": centre and width; or a name. */
static bool read_window(const char *text, pf_preview_options *o, pf_err *err)
{
    double centre, width;
    const char *rest;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        if (strcasecmp(windows[i].name, text) == 0) {
            o->low = windows[i].centre - windows[i].width / 2;
            o->high = windows[i].centre + windows[i].width / 2;
            return true;
        }
    }
    if (!read_real(text, &rest, &centre) || *rest != ',' ||
        !read_real(rest + 1, &rest, &width) || *rest || !(width > 0))
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "'window' is neither CENTRE,WIDTH with a width above 0 nor "
                           "one of: lung, bone, brain, mediastinum, soft, liver, "
                           "subdural, stroke");
    o->low = centre - width / 2;
    o->high = centre + width / 2;
    return true;
}

static bool read_count(const char *text, const char *name, long min, int *out,
                       pf_err *err)
{
    const size_t n = strspn(text, "0123456789");
    const long v = n > 0 && n <= 9 && text[n] == '\0' ? strtol(text, NULL, 10) : -1;
    if (v < min)
        return pf_cli_fail(err, PF_ERR_MISUSE, "'%s' is no whole number from %ld", name,
                           min);
    *out = (int)v;
    return true;
}

/* A size past what there is means as large as can be. */
static bool read_options(const http_request *q, pf_preview_options *o, pf_err *err)
{
    const char *size = params_find(q, "size"), *frame = params_find(q, "frame"),
               *window = params_find(q, "window"), *format = params_find(q, "format");
    if (size && !read_count(size, "size", 1, &o->side, err))
        return false;
    if (o->side > PF_PREVIEW_SIDE_MAX)
        o->side = PF_PREVIEW_SIDE_MAX;
    if (frame && !read_count(frame, "frame", 0, &o->frame, err))
        return false;
    if (window && *window && !read_window(window, o, err))
        return false;
    if (format && strcmp(format, "png") != 0 && strcmp(format, "jpeg") != 0)
        return pf_cli_fail(err, PF_ERR_MISUSE, "'format' is none of: jpeg, png");
    o->is_lossless = format ? format[0] == 'p' : o->is_lossless;
    return true;
}

static void add_number(http_response *out, const char *name, long v)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", v);
    http_add_header(out, name, text);
}

static void give_preview(const call *c, const pf_preview_options *o, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    pf_preview *p = NULL;
    char size[32];
    if (!pf_reader_get_preview(c->worker->reader, c->id, o, &p, &err)) {
        problem_give(out, &err);
        return;
    }
    snprintf(size, sizeof size, "%dx%d", p->width, p->height);
    http_add_header(out, "Plainfilm-Size", size);
    add_number(out, "Plainfilm-Frame", p->frame);
    add_number(out, "Plainfilm-Frames", p->n_frames > 0 ? p->n_frames : 1);
    add_number(out, "Plainfilm-Deep", p->is_deep);
    give_picture(c, out, o->is_lossless ? "image/png" : "image/jpeg",
                 (uint8_t *)(uintptr_t)p->bytes, p->n);
    p->bytes = NULL; /* they are the response's now */
    pf_preview_free(p);
}

work_line api_preview(const call *c, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    pf_preview_options options = PF_PREVIEW_OPTIONS_INIT;
    if (!read_options(c->request, &options, &err)) {
        problem_give(out, &err);
        return WORK_DONE;
    }
    if (c->from != WORK_LONG)
        return WORK_LONG;
    give_preview(c, &options, out);
    return WORK_DONE;
}

/* ---- the file ----------------------------------------------------------------------
 */

static const char *type_of(const char *format)
{
    static const struct {
        const char *format, *type;
    } types[] = {{"jpeg", "image/jpeg"},        {"png", "image/png"},
                 {"gif", "image/gif"},          {"webp", "image/webp"},
                 {"tiff", "image/tiff"},        {"bmp", "image/bmp"},
                 {"dicom", "application/dicom"}};
    for (size_t i = 0; format && i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].format, format) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* Kept, never shown: what a browser makes of such a file is not ours to say. */
static void give_file(const call *c, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    uint8_t *bytes = NULL;
    size_t n;
    const char *format;
    char name[64];
    if (!pf_reader_get_original(c->worker->reader, c->id, &bytes, &n, &format, &err)) {
        problem_give(out, &err);
        return;
    }
    snprintf(name, sizeof name, "attachment; filename=\"image-%lld%s%s\"",
             (long long)c->id, format ? "." : "", format ? format : "");
    http_add_header(out, "Content-Disposition", name);
    give_picture(c, out, type_of(format), bytes, n);
}

/* Decoded and made anew, without loss, but for what passes 4,096 pixels. */
work_line api_original(const call *c, http_response *out)
{
    pf_preview_options options = PF_PREVIEW_OPTIONS_INIT;
    if (c->from != WORK_LONG)
        return WORK_LONG;
    options.side = PF_PREVIEW_SIDE_MAX;
    options.is_lossless = true;
    if (command.serve_originals)
        give_file(c, out);
    else
        give_preview(c, &options, out);
    return WORK_DONE;
}
