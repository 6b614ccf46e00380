/*
 * decode_dicom.c - DICOM: one frame of a file, as a reader of films would see it.
 *
 * DCMTK reads the header and renders (dicom.h); where the pixels are is found in
 * dicom_pixels.c; JPEG 2000 goes through OpenJPEG (decode_j2k.h) and is rendered like
 * the others. Floating point, which DCMTK does not render, is windowed here. Overlays
 * are not shown: they are drawings and names, not the film. Pixels that are not square
 * are made so. What is refused is refused by the name of its transfer syntax.
 */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/image/decode.h"
#include "core/image/decode_j2k.h"
#include "core/image/dicom.h"
#include "core/image/dicom_pixels.h"
#include "core/image/dicom_stream.h"
#include "core/image/resample.h"
#include "core/image/window.h"

typedef enum { REFUSED, SAMPLES, JPEG, RLE, J2K } way;

typedef struct {
    const char *uid, *name;
    way way;
} syntax;

/* DICOM PS3.6, table A-1; its UIDs all begin with 1.2.840.10008.1.2. */
static const syntax syntaxes[] = {
    {"", "Implicit VR Little Endian", SAMPLES},
    {".1", "Explicit VR Little Endian", SAMPLES},
    {".1.98", "Encapsulated Uncompressed", REFUSED},
    {".1.99", "Deflated Explicit VR Little Endian", SAMPLES},
    {".2", "Explicit VR Big Endian", SAMPLES},
    {".4.50", "JPEG Baseline", JPEG},
    {".4.51", "JPEG Extended", JPEG},
    {".4.53", "JPEG Spectral Selection", JPEG},
    {".4.55", "JPEG Full Progression", JPEG},
    {".4.57", "JPEG Lossless", JPEG},
    {".4.70", "JPEG Lossless SV1", JPEG},
    {".4.80", "JPEG-LS Lossless", JPEG},
    {".4.81", "JPEG-LS Near-Lossless", JPEG},
    {".4.90", "JPEG 2000 Lossless", J2K},
    {".4.91", "JPEG 2000", J2K},
    {".4.92", "JPEG 2000 Part 2 Lossless", REFUSED},
    {".4.93", "JPEG 2000 Part 2", REFUSED},
    {".4.94", "JPIP Referenced", REFUSED},
    {".4.95", "JPIP Referenced Deflate", REFUSED},
    {".4.100", "MPEG-2 Main Profile Main Level", REFUSED},
    {".4.100.1", "MPEG-2 Main Profile Main Level, fragmentable", REFUSED},
    {".4.101", "MPEG-2 Main Profile High Level", REFUSED},
    {".4.101.1", "MPEG-2 Main Profile High Level, fragmentable", REFUSED},
    {".4.102", "MPEG-4 High Profile", REFUSED},
    {".4.102.1", "MPEG-4 High Profile, fragmentable", REFUSED},
    {".4.103", "MPEG-4 BD-compatible", REFUSED},
    {".4.103.1", "MPEG-4 BD-compatible, fragmentable", REFUSED},
    {".4.104", "MPEG-4 High Profile for 2D video", REFUSED},
    {".4.104.1", "MPEG-4 High Profile for 2D video, fragmentable", REFUSED},
    {".4.105", "MPEG-4 High Profile for 3D video", REFUSED},
    {".4.105.1", "MPEG-4 High Profile for 3D video, fragmentable", REFUSED},
    {".4.106", "MPEG-4 Stereo High Profile", REFUSED},
    {".4.106.1", "MPEG-4 Stereo High Profile, fragmentable", REFUSED},
    {".4.107", "HEVC Main Profile", REFUSED},
    {".4.108", "HEVC Main 10 Profile", REFUSED},
    {".4.110", "JPEG XL Lossless", REFUSED},
    {".4.111", "JPEG XL JPEG Recompression", REFUSED},
    {".4.112", "JPEG XL", REFUSED},
    {".4.201", "HTJ2K Lossless", REFUSED},
    {".4.202", "HTJ2K Lossless RPCL", REFUSED},
    {".4.203", "HTJ2K", REFUSED},
    {".4.204", "JPIP HTJ2K Referenced", REFUSED},
    {".4.205", "JPIP HTJ2K Referenced Deflate", REFUSED},
    {".5", "RLE Lossless", RLE},
    {".7.1", "SMPTE ST 2110-20 Progressive Video", REFUSED},
    {".7.2", "SMPTE ST 2110-20 Interlaced Video", REFUSED},
};

typedef struct {
    pf_picture *out;
    pf_dicom *dicom;
    const pf_dicom_facts *facts;
    const syntax *syntax; /* NULL: none that is known */
    pf_dicom_pixels pixels;
    int frame;
    const pf_picture_limits *limits;
    pf_err *err;
} reader;

static const syntax *find_syntax(const char *uid)
{
    static const char start[] = "1.2.840.10008.1.2";
    if (strncmp(uid, start, sizeof start - 1) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof syntaxes / sizeof *syntaxes; i++) {
        if (strcmp(syntaxes[i].uid, uid + sizeof start - 1) == 0)
            return &syntaxes[i];
    }
    return NULL;
}

static bool refuse(reader *r, const char *what, unsigned v)
{
    return pf_fail(r->err, PF_ERR_UNSUPPORTED, "%u %s is not read", v, what);
}

/* The file may say anything: shown is what looks like a modality, or a UID. */
static const char *code_or_nothing(const char *v)
{
    for (const char *c = v; *c; c++) {
        if (!(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') && *c != '.')
            return "";
    }
    return v;
}

static bool check_facts(reader *r)
{
    const pf_dicom_facts *f = r->facts;
    const bool has_pixels = f->rows > 0 && f->columns > 0 && f->samples > 0;
    if ((f->pixels_at == 0 && !f->is_deflated) || !has_pixels)
        return pf_fail(r->err, PF_ERR_UNSUPPORTED, "there is no picture in it%s%s",
                       f->modality[0] ? ", its modality is " : "",
                       code_or_nothing(f->modality));
    if (!r->syntax || r->syntax->way == REFUSED)
        return pf_fail(r->err, PF_ERR_UNSUPPORTED, "this transfer syntax is not read");
    if (f->samples != 1 && f->samples != 3)
        return refuse(r, "samples in a pixel", f->samples);
    if (f->bits_allocated != 1 && f->bits_allocated != 8 && f->bits_allocated != 16 &&
        f->bits_allocated != 32 && f->bits_allocated != 64)
        return refuse(r, "bits in a sample", f->bits_allocated);
    return r->frame < f->frames ||
           pf_fail(r->err, PF_ERR_NOT_FOUND, "frame %d was asked for, the file has %d",
                   r->frame, f->frames);
}

/* How much longer the longer side of a pixel is, when it is worth a change. */
static double stretch(const reader *r)
{
    const double ratio = r->facts->pixel_ratio;
    const double longer = ratio > 1 ? ratio : 1 / ratio;
    return longer > 1.01 && longer < 16 ? longer : 1;
}

/* Per pixel: RGB, and again when it is stretched; per sample, what DCMTK has at once,
 * or a code stream's OpenJPEG: the samples, its copy, what modality makes of them, what
 * windowing sees. */
static bool reserve(reader *r)
{
    const unsigned bytes = r->facts->bits_allocated > 16  ? 4
                           : r->facts->bits_allocated > 8 ? 2
                                                          : 1;
    const unsigned rgb = 3 + (stretch(r) > 1 ? (unsigned)ceil(3 * stretch(r)) : 0);
    const unsigned each = r->syntax->way == J2K && bytes == 1 ? 8 : 4 * bytes + 1;
    const unsigned seen = r->facts->samples == 1 ? 4 : 0;
    return pf_picture_reserve(r->facts->columns, r->facts->rows,
                              rgb + r->facts->samples * each + seen, r->limits,
                              r->err) &&
           pf_picture_make(r->out, r->facts->columns, r->facts->rows, r->limits,
                           r->err);
}

/* ---- ways to the pixels ---- */

/* A window's width may be that of a single number here: its ends are the exact ones. */
static bool show_floats(reader *r, float *values, size_t n)
{
    pf_dicom_values v;
    pf_float_window window;
    const bool has_window = pf_dicom_get_values(r->dicom, r->frame, &v);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)(values[i] * v.slope + v.intercept);
    if (r->limits->window.low < r->limits->window.high)
        window = r->limits->window;
    else if (has_window)
        window = (pf_float_window){v.center - v.width / 2, v.center + v.width / 2};
    else if (!pf_float_window_find(&window, values, n, r->err))
        return false;
    pf_floats_to_rgb(values, n, 1, window, r->out->rgb);
    for (size_t i = 0; i < 3 * n && strcmp(r->facts->photometric, "MONOCHROME1") == 0;
         i++)
        r->out->rgb[i] = (uint8_t)(255 - r->out->rgb[i]);
    return true;
}

static bool read_floats(reader *r)
{
    const size_t n = (size_t)r->facts->rows * r->facts->columns;
    pf_dicom_facts facts = *r->facts;
    facts.bits_allocated = r->pixels.kind == PF_DICOM_FLOATS ? 32 : 64;
    if (facts.samples != 1)
        return refuse(r, "floating-point samples in a pixel", facts.samples);
    uint8_t *bytes = pf_alloc_array(pf_dicom_frame_size(&facts), 1, r->err);
    float *values = pf_alloc_array(n, sizeof *values, r->err);
    bool ok = bytes && values &&
              pf_dicom_copy_frame(&r->pixels, &facts, r->frame, bytes, r->err);
    for (size_t i = 0; ok && i < n; i++) {
        double wide;
        if (r->pixels.kind == PF_DICOM_FLOATS) {
            memcpy(&values[i], bytes + 4 * i, 4);
        } else {
            memcpy(&wide, bytes + 8 * i, 8);
            values[i] = (float)wide;
        }
    }
    ok = ok && show_floats(r, values, n);
    pf_free(values);
    pf_free(bytes);
    return ok;
}

static bool read_samples(reader *r)
{
    const size_t size = pf_dicom_frame_size(r->facts);
    if (r->pixels.is_packed)
        return pf_fail(r->err, PF_ERR_FORMAT, "its pixels are packed");
    if (r->facts->bits_allocated == 64)
        return refuse(r, "bits in a sample", 64);
    uint8_t *bytes = pf_alloc_array(size, 1, r->err);
    const bool ok =
        bytes && pf_dicom_copy_frame(&r->pixels, r->facts, r->frame, bytes, r->err) &&
        pf_dicom_put_samples(r->dicom, bytes, size, r->err);
    pf_free(bytes);
    return ok;
}

/* Fragments are pieces of one stream. */
static bool join(const pf_span *fragments, size_t n, uint8_t **out, pf_span *whole,
                 pf_err *err)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += pf_span_left(&fragments[i]);
    uint8_t *to = *out = pf_alloc_array(size, 1, err);
    if (!to)
        return false;
    for (size_t i = 0; i < n; i++) {
        const size_t some = pf_span_left(&fragments[i]);
        if (some > 0)
            memcpy(to, fragments[i].p, some);
        to += some;
    }
    *whole = pf_span_of(*out, size);
    return true;
}

static bool decode_stream(reader *r, pf_span stream)
{
    pf_j2k_size size = {r->facts->columns, r->facts->rows, r->facts->samples, 0};
    uint8_t *samples = NULL;
    size_t n = 0;
    const bool ok =
        pf_j2k_decode(&samples, &n, stream, &size, r->err) &&
        pf_dicom_put_decoded(r->dicom, samples, n, size.precision > 8 ? 16 : 8,
                             size.precision, r->err);
    pf_free(samples);
    return ok;
}

static bool hand_over(reader *r, pf_span stream)
{
    switch (r->syntax->way) {
    case J2K:
        return decode_stream(r, stream);
    case RLE:
        return pf_dicom_check_rle(stream, r->facts, r->err) &&
               pf_dicom_put_stream(r->dicom, stream, r->err);
    default:
        return pf_dicom_check_jpeg(stream, r->facts, r->err) &&
               pf_dicom_put_stream(r->dicom, stream, r->err);
    }
}

static bool read_packed(reader *r)
{
    pf_span *fragments = NULL, stream;
    uint8_t *joined = NULL;
    size_t n = 0;
    if (!r->pixels.is_packed)
        return pf_fail(r->err, PF_ERR_FORMAT, "its pixels are not packed");
    const bool ok = pf_dicom_find_fragments(&r->pixels, r->facts, r->frame, &fragments,
                                            &n, r->err) &&
                    join(fragments, n, &joined, &stream, r->err) &&
                    hand_over(r, stream);
    pf_free(joined);
    pf_free(fragments);
    return ok;
}

/* ---- what is shown ---- */

static bool make_square(reader *r)
{
    const double longer = stretch(r);
    const pf_picture from = *r->out;
    if (longer == 1)
        return true;
    const bool is_tall = r->facts->pixel_ratio > 1;
    const int64_t width = is_tall ? from.width : (int64_t)(from.width * longer + 0.5);
    const int64_t height =
        is_tall ? (int64_t)(from.height * longer + 0.5) : from.height;
    r->out->rgb = NULL;
    const bool ok =
        pf_picture_make(r->out, (uint64_t)width, (uint64_t)height, r->limits, r->err) &&
        pf_resample(&from, PF_RESAMPLE_BICUBIC,
                    (pf_resample_axis){.length = width, .size = (int)width},
                    (pf_resample_axis){.length = height, .size = (int)height},
                    r->out->rgb, r->err);
    pf_free(from.rgb);
    return ok;
}

static bool read_picture(reader *r, pf_span file)
{
    if (!check_facts(r) || !reserve(r))
        return false;
    if (r->facts->is_deflated) {
        if (!pf_dicom_inflate(r->dicom, &r->pixels.bytes, r->err))
            return false;
    } else if (!pf_dicom_find_pixels(&r->pixels, file, r->facts, r->err)) {
        return false;
    }
    if (r->pixels.kind != PF_DICOM_INTEGERS)
        return read_floats(r) && make_square(r);
    return (r->syntax->way == SAMPLES ? read_samples(r) : read_packed(r)) &&
           pf_dicom_render(r->dicom, r->frame, r->limits->window, r->out->rgb,
                           r->err) &&
           make_square(r);
}

bool pf_decode_dicom(pf_picture *out, int *orientation, pf_span file, int frame,
                     const pf_picture_limits *limits, pf_err *err)
{
    reader r = {.out = out, .frame = frame, .limits = limits, .err = err};
    (void)orientation;
    if (!pf_dicom_open(&r.dicom, file, err))
        return false;
    r.facts = pf_dicom_get_facts(r.dicom);
    r.syntax = find_syntax(r.facts->syntax);
    const bool ok = read_picture(&r, file);
    out->is_deep = r.facts->samples == 1 && r.facts->bits_stored > 8;
    out->n_frames = r.facts->frames;
    if (!ok)
        pf_fail_in(err, "%s",
                   r.syntax ? r.syntax->name : code_or_nothing(r.facts->syntax));
    pf_dicom_close(r.dicom);
    return ok;
}

/* ---- facts ---- */

/* Burnt-in letters are said to be there, whatever else is said than NO; or it is a
 * picture of a screen, a video or paper. */
static bool may_name(pf_dicom *d)
{
    static const char captures[] = "1.2.840.10008.5.1.4.1.1.7"; /* secondary captures */
    char text[PF_DICOM_UID_ROOM];
    pf_dicom_get_text(d, 0x0028, 0x0301, text, sizeof text);
    if (text[0] != '\0')
        return strcmp(text, "NO") != 0;
    pf_dicom_get_text(d, 0x0008, 0x0064, text, sizeof text); /* conversion type */
    if (text[0] != '\0')
        return true;
    pf_dicom_get_text(d, 0x0008, 0x0016, text, sizeof text);
    return strncmp(text, captures, sizeof captures - 1) == 0 &&
           (text[sizeof captures - 1] == '\0' || text[sizeof captures - 1] == '.');
}

bool pf_dicom_read_facts(pf_facts *out, pf_span file, pf_err *err)
{
    pf_dicom *d;
    if (!pf_dicom_open(&d, file, err))
        return false;
    const pf_dicom_facts *f = pf_dicom_get_facts(d);
    out->is_known = true;
    out->has_picture = (f->pixels_at > 0 || f->is_deflated) && f->rows > 0 &&
                       f->columns > 0 && f->samples > 0;
    out->may_name = may_name(d);
    out->frames = f->frames;
    pf_dicom_get_text(d, 0x0008, 0x0060, out->modality, sizeof out->modality);
    pf_dicom_get_text(d, 0x0018, 0x0015, out->body_part, sizeof out->body_part);
    pf_dicom_get_text(d, 0x0018, 0x5101, out->view, sizeof out->view);
    pf_dicom_get_text(d, 0x0020, 0x0060, out->laterality, sizeof out->laterality);
    if (out->laterality[0] == '\0')
        pf_dicom_get_text(d, 0x0020, 0x0062, out->laterality, sizeof out->laterality);
    pf_dicom_get_text(d, 0x0008, 0x0020, out->year, sizeof out->year);
    pf_dicom_get_text(d, 0x0020, 0x000D, out->study, sizeof out->study);
    pf_dicom_close(d);
    pf_facts_clean(out);
    return true;
}
