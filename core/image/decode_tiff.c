/*
 * decode_tiff.c - TIFF through libtiff; the one file that includes it.
 *
 * The file stays in memory, where libtiff reads it; it opens nothing. A frame is a page
 * (a directory), frame 0 the first. Pixels go one of two ways:
 *
 *   plain   8 bits or fewer of whatever the file calls its colours: libtiff's own
 *           conversion to RGBA. Transparency is dropped, as with the other kinds, and
 *           the colours below it show.
 *   deep    grey, RGB and CMYK of more bits, signed, or floating point, which libtiff
 *           would cut to 8 bits: samples are collected and windowed (window.h).
 *
 * Strips or tiles, one plane or several. What libtiff calls an error, or a warning that
 * means missing pixels, while it reads them is damage, although it goes on. Memory is
 * counted before it is taken; what is compressed in ways that films are not is refused
 * by name.
 */
#include <string.h>

#include <tiffio.h>

#include "core/base/mem.h"
#include "core/image/decode.h"
#include "core/image/window.h"

enum {
    SAMPLES_MAX = 16,           /* of a pixel */
    ALLOCATION_MAX = 400 << 20, /* bytes, of libtiff's at once */
};

typedef struct {
    TIFF *tif;
    pf_span file;
    uint64_t at; /* where libtiff reads next */
    pf_err *err;
    pf_picture *out;
    const pf_picture_limits *limits;
    char why[200]; /* the first complaint of libtiff's */
    bool in_pixels, is_damaged;

    uint32_t width, height;
    uint16_t bits, samples, format, planar, photometric, alpha;
    bool is_deep, is_float;
    size_t channels; /* of the samples, those that are colours */

    uint32_t *raster; /* plain: [height, width] */
    uint8_t *block;   /* deep: a strip or tile, */
    uint8_t *levels;  /* and [height, width, channels] samples: two bytes each, high */
    float *values;    /* byte first, or floats */
} reader;

/* ---- a file that is memory ---- */

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t n)
{
    reader *r = handle;
    const uint64_t size = pf_span_left(&r->file);
    const uint64_t left = r->at < size ? size - r->at : 0;
    const size_t some = (uint64_t)n < left ? (size_t)n : (size_t)left;
    memcpy(to, r->file.p + (some > 0 ? r->at : 0), some);
    r->at += some;
    return (tmsize_t)some;
}

static tmsize_t write_bytes(thandle_t handle, void *from, tmsize_t n)
{
    (void)handle, (void)from, (void)n;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t to, int whence)
{
    reader *r = handle;
    if (whence == SEEK_CUR)
        to += r->at;
    else if (whence == SEEK_END)
        to += pf_span_left(&r->file);
    return r->at = to;
}

static int close_file(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t size_of_file(thandle_t handle)
{
    reader *r = handle;
    return pf_span_left(&r->file);
}

static int map(thandle_t handle, void **bytes, toff_t *size)
{
    reader *r = handle;
    *bytes = (void *)(uintptr_t)r->file.p;
    *size = pf_span_left(&r->file);
    return 1;
}

static void unmap(thandle_t handle, void *bytes, toff_t size)
{
    (void)handle, (void)bytes, (void)size;
}

/* ---- complaints ---- */

PF_PRINTF(2, 0) static void keep(reader *r, const char *format, va_list values)
{
    if (r->why[0] != '\0')
        return;
    vsnprintf(r->why, sizeof r->why, format, values);
    for (char *c = r->why; *c; c++)
        *c = *c >= ' ' && *c <= '~' ? *c : '?';
}

PF_PRINTF(4, 0)
static int on_error(TIFF *tif, void *context, const char *module, const char *format,
                    va_list values)
{
    reader *r = context;
    (void)tif, (void)module;
    keep(r, format, values);
    r->is_damaged |= r->in_pixels;
    return 1;
}

/* libjpeg's are about the pixels; so is the end of a fax. */
PF_PRINTF(4, 0)
static int on_warning(TIFF *tif, void *context, const char *module, const char *format,
                      va_list values)
{
    reader *r = context;
    (void)tif;
    if (r->in_pixels &&
        (strncmp(module, "JPEG", 4) == 0 || strstr(format, "Premature EOF"))) {
        keep(r, format, values);
        r->is_damaged = true;
    }
    return 1;
}

static bool fail_as_told(reader *r, const char *what)
{
    return pf_fail(r->err, PF_ERR_FORMAT, "%s%s%s", what, r->why[0] ? ": " : "",
                   r->why);
}

/* ---- what the file says ---- */

static bool check_compression(reader *r)
{
    static const uint16_t known[] = {
        COMPRESSION_NONE,      COMPRESSION_CCITTRLE,      COMPRESSION_CCITTFAX3,
        COMPRESSION_CCITTFAX4, COMPRESSION_LZW,           COMPRESSION_JPEG,
        COMPRESSION_PACKBITS,  COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE,
        COMPRESSION_LZMA,      COMPRESSION_ZSTD,          COMPRESSION_WEBP,
    };
    uint16_t compression = COMPRESSION_NONE;
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_COMPRESSION, &compression);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (compression == known[i] && TIFFIsCODECConfigured(compression))
            return true;
    }
    const TIFFCodec *codec = TIFFFindCODEC(compression);
    return pf_fail(r->err, PF_ERR_UNSUPPORTED,
                   "tiff with compression %u%s%s is not read", compression,
                   codec ? ", " : "", codec ? codec->name : "");
}

static bool check_depth(reader *r)
{
    const bool is_integer = r->format != SAMPLEFORMAT_IEEEFP;
    const bool fits = is_integer ? (r->bits >= 1 && r->bits <= 16) || r->bits == 32
                                 : r->bits == 16 || r->bits == 32 || r->bits == 64;
    if (!fits || r->format > SAMPLEFORMAT_VOID)
        return pf_fail(r->err, PF_ERR_UNSUPPORTED,
                       "tiff with samples of %u bits, format %u, is not read", r->bits,
                       r->format);
    r->is_deep = r->bits > 8 || r->format == SAMPLEFORMAT_INT || !is_integer;
    r->is_float = r->is_deep && (!is_integer || r->bits == 32);
    return true;
}

/* Deep pictures are grey, RGB or CMYK; what plain ones are, libtiff knows. */
static bool check_colours(reader *r)
{
    if (!TIFFGetField(r->tif, TIFFTAG_PHOTOMETRIC, &r->photometric))
        r->photometric = r->samples < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB;
    switch (r->photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
        r->channels = 1;
        break;
    case PHOTOMETRIC_RGB:
        r->channels = 3;
        break;
    case PHOTOMETRIC_SEPARATED:
        r->channels = 4;
        break;
    }
    if (r->is_deep && (r->channels == 0 || (r->channels == 4 && r->is_float)))
        return pf_fail(r->err, PF_ERR_UNSUPPORTED,
                       "tiff of colours %u with %u bits is not read", r->photometric,
                       r->bits);
    if (r->samples < 1 || r->samples > SAMPLES_MAX)
        return pf_fail(r->err, PF_ERR_UNSUPPORTED,
                       "tiff with %u samples in a pixel is not read", r->samples);
    return r->samples >= r->channels ||
           pf_fail(r->err, PF_ERR_FORMAT, "%u samples in a pixel, %zu are needed",
                   r->samples, r->channels);
}

static bool read_fields(reader *r)
{
    r->format = SAMPLEFORMAT_UINT;
    TIFFGetField(r->tif, TIFFTAG_IMAGEWIDTH, &r->width);
    TIFFGetField(r->tif, TIFFTAG_IMAGELENGTH, &r->height);
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_BITSPERSAMPLE, &r->bits);
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_SAMPLESPERPIXEL, &r->samples);
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_SAMPLEFORMAT, &r->format);
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_PLANARCONFIG, &r->planar);
    return check_compression(r) && check_depth(r) && check_colours(r);
}

static uint64_t block_size(const reader *r)
{
    return TIFFIsTiled(r->tif) ? TIFFTileSize64(r->tif) : TIFFStripSize64(r->tif);
}

/* RGB, alpha, a copy that is turned, the samples, and twice a strip or tile: as it is
 * packed and as it is not. */
static bool reserve(reader *r)
{
    if (!pf_picture_check_size(r->width, r->height, r->limits, r->err))
        return false;
    const uint64_t pixels = (uint64_t)r->width * r->height, block = block_size(r);
    const uint64_t kept = !r->is_deep ? 4 : r->channels * (r->is_float ? 4 : 2);
    if (block == 0 || block > ALLOCATION_MAX)
        return pf_fail(r->err, block ? PF_ERR_LIMIT : PF_ERR_FORMAT,
                       "a strip or tile of %llu bytes", (unsigned long long)block);
    const uint64_t each = 3 + 3 + (r->limits->keeps_alpha ? 2 : 0) + kept +
                          (2 * block + pixels - 1) / pixels;
    return pf_picture_reserve(r->width, r->height, (unsigned)each, r->limits, r->err) &&
           pf_picture_make(r->out, r->width, r->height, r->limits, r->err);
}

/* ---- plain ---- */

/* libtiff would multiply colours by their alpha: it is told that this was done. */
static void keep_colours(reader *r)
{
    uint16_t n = 0, *kinds = NULL;
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_EXTRASAMPLES, &n, &kinds);
    r->alpha = n > 0 ? kinds[0] : EXTRASAMPLE_UNSPECIFIED;
    if (r->alpha == EXTRASAMPLE_UNASSALPHA) {
        uint16_t done[SAMPLES_MAX] = {0};
        memcpy(done, kinds, (n < SAMPLES_MAX ? n : SAMPLES_MAX) * sizeof *done);
        done[0] = EXTRASAMPLE_ASSOCALPHA;
        TIFFSetField(r->tif, TIFFTAG_EXTRASAMPLES, n < SAMPLES_MAX ? n : SAMPLES_MAX,
                     done);
    }
}

/* Where the file has multiplied, it is divided. */
static uint8_t colour_of(uint32_t colour, uint32_t alpha, bool is_multiplied)
{
    if (!is_multiplied || alpha == 0)
        return (uint8_t)colour;
    const uint32_t whole = (colour * 255 + alpha / 2) / alpha;
    return (uint8_t)(whole < 255 ? whole : 255);
}

static bool read_plain(reader *r)
{
    char text[1024] = "";
    TIFFRGBAImage image;
    const size_t n = (size_t)r->width * r->height;
    keep_colours(r);
    if (!(r->raster = pf_alloc_array(n, sizeof *r->raster, r->err)))
        return false;
    if (!TIFFRGBAImageBegin(&image, r->tif, 1, text))
        return pf_fail(r->err, PF_ERR_UNSUPPORTED, "libtiff cannot read it: %s", text);
    image.req_orientation = image.orientation; /* who turns it is pf_picture_orient() */
    const bool ok = TIFFRGBAImageGet(&image, r->raster, r->width, r->height) == 1;
    TIFFRGBAImageEnd(&image);
    if (!ok)
        return fail_as_told(r, "the pixels cannot be read");
    const bool keeps_alpha =
        r->limits->keeps_alpha &&
        (r->alpha == EXTRASAMPLE_ASSOCALPHA || r->alpha == EXTRASAMPLE_UNASSALPHA);
    if (keeps_alpha && !(r->out->alpha = pf_alloc_array(n, 1, r->err)))
        return false;
    r->out->has_table = r->photometric == PHOTOMETRIC_PALETTE || r->bits == 1;
    const bool is_multiplied = r->alpha == EXTRASAMPLE_ASSOCALPHA;
    for (size_t i = 0; i < n; i++) {
        const uint32_t v = r->raster[i], alpha = TIFFGetA(v);
        uint8_t *rgb = r->out->rgb + 3 * i;
        rgb[0] = colour_of(TIFFGetR(v), alpha, is_multiplied);
        rgb[1] = colour_of(TIFFGetG(v), alpha, is_multiplied);
        rgb[2] = colour_of(TIFFGetB(v), alpha, is_multiplied);
        if (keeps_alpha)
            r->out->alpha[i] = (uint8_t)alpha;
    }
    return true;
}

/* ---- deep ---- */

/* IEEE 754 half precision. */
static float half(uint16_t v)
{
    const unsigned exponent = v >> 10 & 31, fraction = v & 1023;
    float f = (float)fraction / 1024 + (exponent > 0);
    for (unsigned e = exponent ? exponent : 1; e < 15; e++)
        f /= 2;
    for (unsigned e = exponent; e > 15; e--)
        f *= 2;
    return v & 0x8000 ? -f : f;
}

static float value_at(const reader *r, const uint8_t *row, size_t i)
{
    uint16_t h;
    uint32_t u;
    int32_t s;
    float f;
    double d;
    row += i * (r->bits / 8);
    if (r->bits == 16)
        return memcpy(&h, row, sizeof h), half(h);
    if (r->bits == 64)
        return memcpy(&d, row, sizeof d), (float)d;
    if (r->format == SAMPLEFORMAT_IEEEFP)
        return memcpy(&f, row, sizeof f), f;
    if (r->format == SAMPLEFORMAT_INT)
        return memcpy(&s, row, sizeof s), (float)s;
    return memcpy(&u, row, sizeof u), (float)u;
}

/* Of 16 bits in the machine's order, fewer packed without gaps. Signed ones are moved
 * up by half the range. */
static unsigned level_at(const reader *r, const uint8_t *row, size_t i)
{
    unsigned v = 0;
    uint16_t h;
    if (r->bits == 16) {
        memcpy(&h, row + 2 * i, sizeof h);
        v = h;
    } else {
        for (size_t bit = i * r->bits; bit < (i + 1) * r->bits; bit++)
            v = v << 1 | (row[bit / 8] >> (7 - bit % 8) & 1);
    }
    return r->format == SAMPLEFORMAT_INT ? v ^ 1u << (r->bits - 1) : v;
}

/* One row of a strip or tile: `n` pixels that belong at x, y. In one plane of several
 * a pixel has one sample, which is the colour `plane`. */
static void take_row(reader *r, const uint8_t *row, uint32_t x, uint32_t y, uint32_t n,
                     uint16_t plane)
{
    const bool is_apart = r->planar == PLANARCONFIG_SEPARATE;
    const size_t step = is_apart ? 1 : r->samples, colours = is_apart ? 1 : r->channels;
    for (uint32_t i = 0; i < n; i++) {
        const size_t pixel = (size_t)y * r->width + x + i;
        for (size_t c = 0; c < colours; c++) {
            const size_t to = pixel * r->channels + plane + c;
            if (r->is_float) {
                r->values[to] = value_at(r, row, i * step + c);
            } else {
                const unsigned v = level_at(r, row, i * step + c);
                r->levels[2 * to] = (uint8_t)(v >> 8);
                r->levels[2 * to + 1] = (uint8_t)v;
            }
        }
    }
}

static uint32_t less(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool read_tiles(reader *r, uint16_t plane)
{
    uint32_t width = 0, height = 0;
    TIFFGetField(r->tif, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(r->tif, TIFFTAG_TILELENGTH, &height);
    const size_t size = (size_t)block_size(r), row = size / (height ? height : 1);
    for (uint32_t y = 0; y < r->height; y += less(height, r->height - y)) {
        for (uint32_t x = 0; x < r->width; x += less(width, r->width - x)) {
            const uint32_t tile = TIFFComputeTile(r->tif, x, y, 0, plane);
            if (TIFFReadEncodedTile(r->tif, tile, r->block, (tmsize_t)size) !=
                (tmsize_t)size)
                return fail_as_told(r, "a tile cannot be read");
            for (uint32_t k = 0; k < less(height, r->height - y); k++)
                take_row(r, r->block + k * row, x, y + k, less(width, r->width - x),
                         plane);
        }
    }
    return true;
}

static bool read_strips(reader *r, uint16_t plane)
{
    uint32_t rows = r->height;
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_ROWSPERSTRIP, &rows);
    const size_t row = (size_t)TIFFScanlineSize64(r->tif);
    for (uint32_t y = 0; y < r->height; y += less(rows, r->height - y)) {
        const uint32_t n = less(rows, r->height - y);
        const uint32_t strip = TIFFComputeStrip(r->tif, y, plane);
        if (TIFFReadEncodedStrip(r->tif, strip, r->block, (tmsize_t)(n * row)) !=
            (tmsize_t)(n * row))
            return fail_as_told(r, "a strip cannot be read");
        for (uint32_t k = 0; k < n; k++)
            take_row(r, r->block + k * row, 0, y + k, r->width, plane);
    }
    return true;
}

static bool read_samples(reader *r)
{
    const size_t n = (size_t)r->width * r->height;
    if (r->is_float)
        r->values = pf_alloc_array(n, r->channels * sizeof *r->values, r->err);
    else
        r->levels = pf_alloc_array(n, r->channels * 2, r->err);
    r->block = pf_alloc_array((size_t)block_size(r), 1, r->err);
    if ((!r->values && !r->levels) || !r->block)
        return false;
    const bool is_apart = r->planar == PLANARCONFIG_SEPARATE;
    const bool is_tiled = TIFFIsTiled(r->tif);
    for (uint16_t plane = 0; plane < (is_apart ? r->channels : 1); plane++) {
        if (!(is_tiled ? read_tiles(r, plane) : read_strips(r, plane)))
            return false;
    }
    return true;
}

/* 0 is no ink. Black takes from the light, then each ink its share, as with JPEG. */
static void cmyk_to_rgb(reader *r, unsigned max)
{
    const size_t n = (size_t)r->width * r->height;
    for (size_t i = 0; i < n; i++) {
        unsigned light[4];
        for (size_t c = 0; c < 4; c++) {
            const uint8_t *ink = r->levels + 2 * (4 * i + c);
            light[c] = 255 - ((unsigned)(ink[0] << 8 | ink[1]) * 255 + max / 2) / max;
        }
        for (size_t c = 0; c < 3; c++)
            r->out->rgb[3 * i + c] = (uint8_t)((light[c] * light[3] + 127) / 255);
    }
}

static bool show_floats(reader *r, size_t n, uint8_t *rgb)
{
    pf_float_window window;
    const pf_float_window asked = r->limits->window;
    if (asked.low < asked.high)
        window = asked;
    else if (!pf_float_window_find(&window, r->values, n * r->channels, r->err))
        return false;
    pf_floats_to_rgb(r->values, n, r->channels, window, rgb);
    return true;
}

static bool read_deep(reader *r)
{
    const size_t n = (size_t)r->width * r->height;
    const unsigned max = (1u << (r->bits < 16 ? r->bits : 16)) - 1;
    uint8_t *rgb = r->out->rgb;
    if (!read_samples(r))
        return false;
    bool ok = true;
    r->out->is_deep = r->channels == 1;
    if (r->channels == 4)
        cmyk_to_rgb(r, max);
    else if (r->is_float)
        ok = show_floats(r, n, rgb);
    else if (r->channels == 3)
        ok = pf_rgb16_to_rgb(r->levels, n, max, rgb, r->err);
    else
        ok = pf_grey16_to_rgb_as(r->levels, n, max, r->limits->window, rgb, r->err);
    for (size_t i = 0; r->photometric == PHOTOMETRIC_MINISWHITE && i < 3 * n; i++)
        rgb[i] = (uint8_t)(255 - rgb[i]);
    return ok;
}

/* ---- all of it ---- */

static TIFF *open_file(reader *r)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, r);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, r);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, ALLOCATION_MAX);
    TIFF *tif = TIFFClientOpenExt("tiff", "r", r, read_bytes, write_bytes, seek,
                                  close_file, size_of_file, map, unmap, options);
    TIFFOpenOptionsFree(options);
    return tif;
}

static bool read_picture(reader *r, int frame, int *orientation)
{
    uint16_t turned = ORIENTATION_TOPLEFT;
    if (!r->tif)
        return fail_as_told(r, "its directory cannot be read");
    if (frame > 0 && !TIFFSetDirectory(r->tif, (tdir_t)frame))
        return pf_fail(r->err, PF_ERR_NOT_FOUND,
                       "frame %d was asked for, the tiff has fewer pages", frame);
    if (!read_fields(r) || !reserve(r))
        return false;
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_ORIENTATION, &turned);
    *orientation = turned;
    r->why[0] = '\0';
    r->in_pixels = true;
    return (r->is_deep ? read_deep(r) : read_plain(r)) &&
           (!r->is_damaged || fail_as_told(r, "pixels are missing"));
}

bool pf_decode_tiff(pf_picture *out, int *orientation, pf_span file, int frame,
                    const pf_picture_limits *limits, pf_err *err)
{
    reader *r = pf_zalloc(sizeof *r, err);
    if (!r)
        return false;
    r->file = file;
    r->err = err;
    r->out = out;
    r->limits = limits;
    r->tif = open_file(r);
    const bool ok = read_picture(r, frame, orientation);
    if (r->tif)
        TIFFClose(r->tif);
    pf_free(r->raster);
    pf_free(r->block);
    pf_free(r->levels);
    pf_free(r->values);
    pf_free(r);
    return ok;
}
