/*
 * encode_jpeg.c - JPEG files through libjpeg-turbo.
 *
 * libjpeg leaves through longjmp. Everything that must be freed lives in a `writer`,
 * and no function between setjmp and longjmp owns anything.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include "core/base/mem.h"
#include "core/image/encode.h"

enum { CHUNK = 16 << 10 };

typedef struct {
    struct jpeg_compress_struct jpeg; /* first, see writer_of() */
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr to;
    jmp_buf leave;
    pf_buf *out;
    pf_err *err;
    uint8_t *grey; /* [width], owned; NULL for a picture in colour */
    uint8_t chunk[CHUNK];
} writer;

static writer *writer_of(j_common_ptr jpeg)
{
    return (writer *)jpeg;
}

static _Noreturn void fail(j_common_ptr jpeg)
{
    writer *w = writer_of(jpeg);
    char text[JMSG_LENGTH_MAX];
    w->errors.format_message(jpeg, text);
    pf_fail(w->err, PF_ERR_NOMEM, "cannot make a jpeg: %s", text);
    longjmp(w->leave, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
    (void)jpeg, (void)level;
}

/* ---- where the bytes go ---- */

static void begin(j_compress_ptr jpeg)
{
    writer *w = writer_of((j_common_ptr)jpeg);
    w->to.next_output_byte = w->chunk;
    w->to.free_in_buffer = CHUNK;
}

static void put(writer *w, size_t n)
{
    if (!pf_buf_add(w->out, w->chunk, n, w->err))
        longjmp(w->leave, 1);
}

static boolean go_on(j_compress_ptr jpeg)
{
    put(writer_of((j_common_ptr)jpeg), CHUNK);
    begin(jpeg);
    return TRUE;
}

static void finish(j_compress_ptr jpeg)
{
    writer *w = writer_of((j_common_ptr)jpeg);
    put(w, CHUNK - w->to.free_in_buffer);
}

/* ---- pixels ---- */

static bool is_grey(const pf_picture *p)
{
    const size_t n = (size_t)p->width * (size_t)p->height * 3;
    for (size_t i = 0; i < n; i += 3) {
        if (p->rgb[i] != p->rgb[i + 1] || p->rgb[i] != p->rgb[i + 2])
            return false;
    }
    return true;
}

/* Leaves by longjmp when something fails. */
static void write_picture(writer *w, const pf_picture *p, int quality)
{
    struct jpeg_compress_struct *j = &w->jpeg;
    jpeg_create_compress(j);
    j->dest = &w->to;
    j->image_width = (JDIMENSION)p->width;
    j->image_height = (JDIMENSION)p->height;
    j->input_components = w->grey ? 1 : 3;
    j->in_color_space = w->grey ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(j);
    jpeg_set_quality(j, quality, TRUE);
    j->optimize_coding = TRUE;
    jpeg_start_compress(j, TRUE);
    while (j->next_scanline < j->image_height) {
        uint8_t *rgb = p->rgb + (size_t)j->next_scanline * (size_t)p->width * 3;
        for (int x = 0; w->grey && x < p->width; x++)
            w->grey[x] = rgb[3 * x];
        JSAMPROW row = w->grey ? w->grey : rgb;
        jpeg_write_scanlines(j, &row, 1);
    }
    jpeg_finish_compress(j);
}

bool pf_jpeg_encode(const pf_picture *p, int quality, pf_buf *out, pf_err *err)
{
    writer *w = pf_zalloc(sizeof *w, err);
    if (!w)
        return false;
    const size_t before = out->size;
    w->out = out;
    w->err = err;
    w->jpeg.err = jpeg_std_error(&w->errors);
    w->errors.error_exit = fail;
    w->errors.emit_message = on_message;
    w->to.init_destination = begin;
    w->to.empty_output_buffer = go_on;
    w->to.term_destination = finish;

    volatile bool ok = false;
    if (!is_grey(p) || (w->grey = pf_alloc_array((size_t)p->width, 1, err))) {
        if (setjmp(w->leave) == 0) {
            write_picture(w, p, quality);
            ok = true;
        }
    }
    jpeg_destroy_compress(&w->jpeg);
    pf_free(w->grey);
    pf_free(w);
    if (!ok)
        out->size = before;
    return ok;
}
