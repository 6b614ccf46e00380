/*
 * decode_jpeg.c - JPEG through libjpeg-turbo; the one file that includes jpeglib.h.
 *
 * libjpeg goes on after damage, filling in grey, and calls that a warning. Here almost
 * every warning is a refusal, see tolerate(). Two costs are bounded: memory (libjpeg's
 * own budget) and the number of scans, each of which may visit every block of a
 * progressive picture for a handful of bytes.
 *
 * A picture that is much larger than what is wanted of it is never made: each of its
 * blocks of 8 x 8 becomes one of 4 x 4, 2 x 2 or 1, straight from its coefficients. All
 * of these are read, so that what is damaged is found all the same.
 *
 * libjpeg leaves through longjmp. Everything that must be freed lives in a `reader`,
 * and no function between setjmp and longjmp owns anything.
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "core/base/mem.h"
#include "core/image/decode.h"

enum {
    MAX_SCANS = 200,     /* encoders write about ten */
    MAX_STRAY_BYTES = 32 /* in front of a marker: what cameras were seen to pad with */
};

/* Scans times pixels, in units of the pixel limit. A picture at the limit may have the
 * 18 scans of libjpeg's standard progression for CMYK, one of a tenth its size 200. */
#define MAX_SCAN_WORK 20u

/* Working memory per pixel: a progressive picture keeps 2 bytes for each of at most 4
 * components, rounded up to whole blocks; and a little for tables. */
#define BUDGET_PER_PIXEL 10
#define BUDGET_FIXED (32 << 20)

typedef struct {
    struct jpeg_decompress_struct jpeg; /* first, see reader_of() */
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf leave;
    const pf_picture_limits *limits;
    pf_err *err;
    pf_picture *out;
    uint8_t *cmyk;    /* [width, 4], owned */
    unsigned seen;    /* bit i: a scan carried component i */
    bool in_pixels;   /* past the headers */
    int *orientation; /* 0 until EXIF was seen */
} reader;

static reader *reader_of(j_common_ptr jpeg)
{
    return (reader *)jpeg;
}

static pf_code code_of(int message)
{
    switch (message) {
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
        return PF_ERR_UNSUPPORTED;
    case JERR_NO_BACKING_STORE: /* the budget does not suffice */
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
        return PF_ERR_LIMIT;
    case JERR_OUT_OF_MEMORY:
        return PF_ERR_NOMEM;
    default:
        return PF_ERR_FORMAT;
    }
}

static _Noreturn void fail(j_common_ptr jpeg)
{
    reader *r = reader_of(jpeg);
    char text[JMSG_LENGTH_MAX];
    r->errors.format_message(jpeg, text);
    pf_fail(r->err, code_of(r->errors.msg_code), "%s", text);
    longjmp(r->leave, 1);
}

/* Warnings that leave the pixels whole. All others mean that some are made up. */
static bool tolerate(reader *r)
{
    switch (r->errors.msg_code) {
    case JWRN_ADOBE_XFORM:    /* odd number in APP14 */
    case JWRN_JFIF_MAJOR:     /* odd version in APP0 */
    case JWRN_NOT_SEQUENTIAL: /* spectral range of a sequential scan, which has none */
        return true;
    case JWRN_EXTRANEOUS_DATA: /* between headers nothing is lost: odd metadata */
        return !r->in_pixels || r->errors.msg_parm.i[0] <= MAX_STRAY_BYTES;
    default:
        return false;
    }
}

static void on_message(j_common_ptr jpeg, int level)
{
    if (level < 0 && !tolerate(reader_of(jpeg)))
        fail(jpeg);
}

static _Noreturn void give_up(reader *r, pf_code code, const char *why)
{
    pf_fail(r->err, code, "%s", why);
    longjmp(r->leave, 1);
}

static void on_progress(j_common_ptr jpeg)
{
    reader *r = reader_of(jpeg);
    struct jpeg_decompress_struct *j = &r->jpeg;
    uint64_t scans = (uint64_t)j->input_scan_number;
    uint64_t pixels = (uint64_t)j->image_width * j->image_height;
    if (scans > MAX_SCANS || scans * pixels > MAX_SCAN_WORK * r->limits->max_pixels)
        give_up(r, PF_ERR_LIMIT,
                "too many progressive scans for a picture of its size");
    for (int i = 0; i < j->comps_in_scan; i++)
        r->seen |= 1u << j->cur_comp_info[i]->component_index;
}

/* A file may end in order and still lack scans: then a component is absent, or some
 * coefficients are known to a few bits only. */
static void check_scans(reader *r)
{
    struct jpeg_decompress_struct *j = &r->jpeg;
    if (!jpeg_has_multiple_scans(j))
        return;
    if (r->seen != (1u << j->num_components) - 1)
        give_up(r, PF_ERR_FORMAT, "a colour component is missing");
    for (int c = 0; j->progressive_mode && c < j->num_components; c++) {
        for (int i = 0; i < DCTSIZE2; i++) {
            /* -1: never sent, which is legal but for the mean of a block. */
            if (j->coef_bits[c][i] > 0 || j->coef_bits[c][0] < 0)
                give_up(r, PF_ERR_FORMAT, "progressive scans are missing");
        }
    }
}

/* EXIF is an APP1 segment that begins with "Exif\0\0". Read here in place, because
 * jpeg_save_markers() walks all it has saved for each new one, and a file of a hundred
 * thousand empty segments then takes ten seconds. */
static boolean on_app1(j_decompress_ptr jpeg)
{
    static const uint8_t intro[6] = "Exif\0";
    reader *r = reader_of((j_common_ptr)jpeg);
    struct jpeg_source_mgr *source = jpeg->src;
    pf_span s = pf_span_of(source->next_input_byte, source->bytes_in_buffer);
    uint16_t size;
    const uint8_t *body;
    if (!pf_span_u16be(&s, &size) || !pf_span_take(&s, size < 2 ? 0 : size - 2u, &body))
        give_up(r, PF_ERR_FORMAT, "the file ends in its metadata");
    size_t n = (size_t)(s.p - body);
    if (*r->orientation == 0 && n > sizeof intro &&
        memcmp(body, intro, sizeof intro) == 0)
        *r->orientation = pf_exif_orientation(body + sizeof intro, n - sizeof intro);
    source->next_input_byte = s.p;
    source->bytes_in_buffer = pf_span_left(&s);
    return TRUE;
}

/* a * b / 255, rounded, as Pillow does it. */
static unsigned scaled(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return (t + (t >> 8)) >> 8;
}

/* CMYK in JPEG means Adobe's inverted CMYK: 255 is no ink. Programs that write it the
 * other way exist, but readers cannot tell, and all assume this. Black subtracts from
 * the light, then each ink takes its share, as in Pillow's conversion. */
static void cmyk_to_rgb(const uint8_t *cmyk, int width, uint8_t *rgb)
{
    for (int x = 0; x < width; x++, cmyk += 4, rgb += 3) {
        unsigned light = cmyk[3];
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)(light - scaled(255u - cmyk[c], light));
    }
}

static void read_rows(reader *r)
{
    struct jpeg_decompress_struct *j = &r->jpeg;
    while (j->output_scanline < j->output_height) {
        uint8_t *rgb = r->out->rgb + (size_t)j->output_scanline * j->output_width * 3;
        JSAMPROW row = r->cmyk ? r->cmyk : rgb;
        if (jpeg_read_scanlines(j, &row, 1) != 1)
            give_up(r, PF_ERR_FORMAT, "the picture ends early");
        if (r->cmyk)
            cmyk_to_rgb(r->cmyk, (int)j->output_width, rgb);
    }
}

/* The smallest that is enough, of the sizes that libjpeg-turbo computes quickly: the
 * others were seen to take longer than the whole picture. */
static void choose_size(reader *r)
{
    static const unsigned choice[] = {1, 2, 4};
    struct jpeg_decompress_struct *j = &r->jpeg;
    const uint64_t side =
        j->image_width < j->image_height ? j->image_width : j->image_height;
    for (size_t i = 0; r->limits->enough > 0 && i < sizeof choice / sizeof *choice;
         i++) {
        if (side * choice[i] < (uint64_t)r->limits->enough * DCTSIZE)
            continue;
        j->scale_num = choice[i];
        j->scale_denom = DCTSIZE;
        r->out->eighths = (int)choice[i];
        r->out->whole_width = (int)j->image_width;
        r->out->whole_height = (int)j->image_height;
        break;
    }
    jpeg_calc_output_dimensions(j);
}

/* RGB, a copy to turn it, and of several scans all coefficients: 16 bits each, of the
 * whole picture, as whose the rest is counted then, too. */
static bool reserve(reader *r)
{
    const struct jpeg_decompress_struct *j = &r->jpeg;
    const unsigned pixel = *r->orientation > 1 ? 6 : 3;
    if (jpeg_has_multiple_scans(&r->jpeg))
        return pf_picture_reserve(j->image_width, j->image_height,
                                  pixel + 2 * (unsigned)j->num_components, r->limits,
                                  r->err);
    return pf_picture_check_size(j->image_width, j->image_height, r->limits, r->err) &&
           pf_picture_reserve(j->output_width, j->output_height, pixel, r->limits,
                              r->err);
}

/* False when pf_err has the reason; leaves by longjmp when libjpeg has one. */
static bool read_picture(reader *r, pf_span file)
{
    struct jpeg_decompress_struct *j = &r->jpeg;
    jpeg_create_decompress(j);
    j->progress = &r->progress;
    j->mem->max_memory_to_use =
        (long)(r->limits->max_pixels * BUDGET_PER_PIXEL + BUDGET_FIXED);
    jpeg_mem_src(j, file.p, (unsigned long)pf_span_left(&file));
    jpeg_set_marker_processor(j, JPEG_APP0 + 1, on_app1);
    jpeg_read_header(j, TRUE);
    r->in_pixels = true;
    choose_size(r);
    if (!reserve(r) ||
        !pf_picture_make(r->out, j->output_width, j->output_height, r->limits, r->err))
        return false;
    bool is_cmyk = j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK;
    j->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    if (is_cmyk && !(r->cmyk = pf_alloc_array(j->output_width, 4, r->err)))
        return false;
    jpeg_start_decompress(j);
    check_scans(r);
    read_rows(r);
    jpeg_finish_decompress(j); /* reads on to the end marker */
    return true;
}

bool pf_decode_jpeg(pf_picture *out, int *orientation, pf_span file, int frame,
                    const pf_picture_limits *limits, pf_err *err)
{
    (void)frame;
    reader *r = pf_zalloc(sizeof *r, err);
    if (!r)
        return false;
    r->limits = limits;
    r->err = err;
    r->out = out;
    r->orientation = orientation;
    r->jpeg.err = jpeg_std_error(&r->errors);
    r->errors.error_exit = fail;
    r->errors.emit_message = on_message;
    r->progress.progress_monitor = on_progress;

    volatile bool ok = false;
    if (setjmp(r->leave) == 0)
        ok = read_picture(r, file);
    jpeg_destroy_decompress(&r->jpeg);
    pf_free(r->cmyk);
    pf_free(r);
    return ok;
}
