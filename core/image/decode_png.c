/*
 * decode_png.c - PNG through libpng; the one file that includes png.h.
 *
 * libpng checks the structure and every CRC. Only pixels and orientation are wanted, so
 * all other ancillary chunks are skipped unparsed: colour profiles and compressed texts
 * cannot do harm. Transparency is dropped, as in the reference, and the colours below
 * it show; whoever wants it (pf_picture_limits) gets it beside them.
 *
 * libpng leaves through longjmp. Everything that must be freed lives in a `reader`, and
 * no function between setjmp and longjmp owns anything.
 */
#include <setjmp.h>
#include <string.h>

#include <png.h>

#include "core/base/mem.h"
#include "core/image/decode.h"
#include "core/image/window.h"

enum {
    MAX_CHUNK_BYTES = 8 << 20, /* of those that are kept: PLTE and eXIf */
    ALPHA_BYTES = 4 + 1,       /* of a pixel: as it is read, and what is kept of it */
};

typedef struct {
    png_structp png;
    png_infop info;
    jmp_buf leave;
    pf_span left;
    pf_err *err;
    pf_picture *out;
    pf_float_window window; /* that was asked for */
    uint8_t *raw; /* samples or palette indices, before they become RGB; owned */
    bool is_out_of_memory;
} reader;

static _Noreturn void on_error(png_structp png, png_const_charp text)
{
    reader *r = png_get_error_ptr(png);
    if (!r->is_out_of_memory)
        pf_fail(r->err, PF_ERR_FORMAT, "%s", text);
    longjmp(r->leave, 1);
}

/* Most warnings are about metadata. Those about the pixel stream mean damage, but for
 * bytes behind the last pixel. */
static void on_warning(png_structp png, png_const_charp text)
{
    if (strncmp(text, "IDAT", 4) == 0 && !strstr(text, "Extra compressed data") &&
        !strstr(text, "Too much image data"))
        on_error(png, text);
}

static png_voidp allocate(png_structp png, png_alloc_size_t size)
{
    reader *r = png_get_mem_ptr(png);
    void *p = pf_zalloc(size, r->err);
    r->is_out_of_memory |= !p;
    return p;
}

static void release(png_structp png, png_voidp p)
{
    (void)png;
    pf_free(p);
}

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    reader *r = png_get_io_ptr(png);
    const uint8_t *from;
    if (!pf_span_take(&r->left, n, &from))
        png_error(png, "the file ends early");
    memcpy(to, from, n);
}

/* Deep pictures are given black and white by all their samples; theirs is dropped. */
static bool has_plain_alpha(int colour, int depth)
{
    return (colour & PNG_COLOR_MASK_ALPHA) && depth == 8;
}

/* The size stands in the first chunk; asking here keeps libpng from allocating. */
static bool check_size(pf_span file, const pf_picture_limits *limits, pf_err *err)
{
    const uint8_t
        *start; /* the signature, the length and the kind of the first chunk */
    uint8_t depth, colour;
    uint32_t width, height;
    if (!pf_span_take(&file, 16, &start) || !pf_span_u32be(&file, &width) ||
        !pf_span_u32be(&file, &height) || !pf_span_u8(&file, &depth) ||
        !pf_span_u8(&file, &colour))
        return pf_fail(err, PF_ERR_FORMAT, "the file ends in its header");
    if (memcmp(start + 12, "CgBI", 4) == 0)
        return pf_fail(err, PF_ERR_UNSUPPORTED, "Apple's variant of png is not read");
    if (memcmp(start + 12, "IHDR", 4) != 0)
        return pf_fail(err, PF_ERR_FORMAT, "the header chunk is missing");
    const unsigned deep = colour & PNG_COLOR_MASK_COLOR ? 6 : 2;
    const bool keeps_alpha = limits->keeps_alpha && has_plain_alpha(colour, depth);
    const unsigned raw = colour == PNG_COLOR_TYPE_PALETTE ? 1
                         : depth == 16                    ? deep
                         : keeps_alpha                    ? ALPHA_BYTES
                                                          : 0;
    return pf_picture_reserve(width, height, 3 + raw, limits, err);
}

static void configure(reader *r)
{
    static const png_byte exif[] = "eXIf";
    png_set_read_fn(r->png, r, read_bytes);
    png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(r->png, MAX_CHUNK_BYTES);
    png_set_benign_errors(r->png, 1); /* as warnings: on_warning() judges */
    png_set_crc_action(r->png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_AS_DEFAULT, exif, 1);
}

static void read_rows(reader *r, uint8_t *rows, size_t stride)
{
    int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    if (png_get_rowbytes(r->png, r->info) != stride)
        png_error(r->png, "unexpected row size");
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < r->out->height; y++)
            png_read_row(r->png, rows + (size_t)y * stride, NULL);
    }
}

/* What becomes black and white depends on all the samples, so these are read in full
 * first. */
static bool read_deep(reader *r, size_t channels)
{
    const size_t width = (size_t)r->out->width, n = width * (size_t)r->out->height;
    r->raw = pf_alloc_array(n, 2 * channels, r->err);
    if (!r->raw)
        return false;
    png_set_strip_alpha(r->png);
    read_rows(r, r->raw, width * 2 * channels);
    r->out->is_deep = channels == 1;
    return channels == 1
               ? pf_grey16_to_rgb_as(r->raw, n, 0xFFFF, r->window, r->out->rgb, r->err)
               : pf_rgb16_to_rgb(r->raw, n, 0xFFFF, r->out->rgb, r->err);
}

/* libpng would paint indices that the palette does not have black. */
static bool read_palette(reader *r)
{
    size_t width = (size_t)r->out->width, n = width * (size_t)r->out->height;
    png_colorp colours = NULL;
    int entries = 0;
    png_get_PLTE(r->png, r->info, &colours, &entries);
    r->raw = pf_alloc_array(n, 1, r->err);
    if (!r->raw)
        return false;
    png_set_packing(r->png);
    read_rows(r, r->raw, width);
    for (size_t i = 0; i < n; i++) {
        if (r->raw[i] >= entries)
            return pf_fail(r->err, PF_ERR_FORMAT,
                           "a pixel uses palette entry %u, the palette has %d",
                           r->raw[i], entries);
        const png_color *colour = &colours[r->raw[i]];
        uint8_t *rgb = r->out->rgb + 3 * i;
        rgb[0] = colour->red;
        rgb[1] = colour->green;
        rgb[2] = colour->blue;
    }
    return true;
}

static void read_rgb(reader *r)
{
    png_set_expand(r->png); /* fewer than 8 bits */
    png_set_gray_to_rgb(r->png);
    png_set_strip_alpha(r->png);
    read_rows(r, r->out->rgb, (size_t)r->out->width * 3);
}

/* The same, with alpha beside the colours. */
static bool read_rgb_and_alpha(reader *r)
{
    const size_t width = (size_t)r->out->width, n = width * (size_t)r->out->height;
    r->raw = pf_alloc_array(n, 4, r->err);
    r->out->alpha = pf_alloc_array(n, 1, r->err);
    if (!r->raw || !r->out->alpha)
        return false;
    png_set_gray_to_rgb(r->png);
    read_rows(r, r->raw, width * 4);
    for (size_t i = 0; i < n; i++) {
        memcpy(r->out->rgb + 3 * i, r->raw + 4 * i, 3);
        r->out->alpha[i] = r->raw[4 * i + 3];
    }
    return true;
}

static void read_orientation(reader *r, int *orientation)
{
    png_uint_32 n = 0;
    png_bytep tiff = NULL;
    if (png_get_eXIf_1(r->png, r->info, &n, &tiff) && tiff)
        *orientation = pf_exif_orientation(tiff, n);
}

/* False when pf_err has the reason; leaves by longjmp when libpng has one. */
static bool read_picture(reader *r, int *orientation, const pf_picture_limits *limits)
{
    r->window = limits->window;
    configure(r);
    png_read_info(r->png, r->info);
    if (!pf_picture_make(r->out, png_get_image_width(r->png, r->info),
                         png_get_image_height(r->png, r->info), limits, r->err))
        return false;
    int colour = png_get_color_type(r->png, r->info);
    int depth = png_get_bit_depth(r->png, r->info);
    bool ok = true;
    if (colour == PNG_COLOR_TYPE_PALETTE)
        ok = read_palette(r);
    else if (depth == 16)
        ok = read_deep(r, colour & PNG_COLOR_MASK_COLOR ? 3 : 1);
    else if (limits->keeps_alpha && has_plain_alpha(colour, depth))
        ok = read_rgb_and_alpha(r);
    else
        read_rgb(r);
    r->out->has_table = colour == PNG_COLOR_TYPE_PALETTE || depth == 1;
    if (!ok)
        return false;
    png_read_end(r->png, r->info); /* the rest of the chunks, the end among them */
    read_orientation(r, orientation);
    return true;
}

bool pf_decode_png(pf_picture *out, int *orientation, pf_span file, int frame,
                   const pf_picture_limits *limits, pf_err *err)
{
    (void)frame;
    if (!check_size(file, limits, err))
        return false;
    reader *r = pf_zalloc(sizeof *r, err);
    if (!r)
        return false;
    r->left = file;
    r->err = err;
    r->out = out;

    volatile bool ok = false;
    if (setjmp(r->leave) == 0) {
        r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, on_error,
                                          on_warning, r, allocate, release);
        r->info = r->png ? png_create_info_struct(r->png) : NULL;
        ok = r->info && read_picture(r, orientation, limits);
    }
    png_destroy_read_struct(&r->png, &r->info, NULL);
    pf_free(r->raw);
    pf_free(r);
    return ok;
}
