/*
 * picture.c - see picture.h: what kinds there are, and how large a picture may be. Who
 * decodes them is in decoders.c.
 */
#include "core/image/picture.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/decode.h"

/* Keeps every width * height * 4 inside an int, which stb_image computes with. */
enum { PIXELS_CAP = INT_MAX / 8 };

typedef struct {
    const char *name;
    size_t offset, size; /* where the signature stands, and its length */
    const char *signature;
} kind;

/* DICOM first: its 128 free bytes in front may look like a TIFF. */
static const kind kinds[] = {
    {"dicom", 128, 4, "DICM"},
    {"jpeg", 0, 3, "\xFF\xD8\xFF"},
    {"png", 0, 8, "\x89PNG\r\n\x1A\n"},
    {"gif", 0, 6, "GIF87a"},
    {"gif", 0, 6, "GIF89a"},
    {"psd", 0, 4, "8BPS"},
    {"tiff", 0, 4, "II*\0"},
    {"tiff", 0, 4, "MM\0*"},
    {"tiff", 0, 4, "II+\0"}, /* BigTIFF */
    {"tiff", 0, 4, "MM\0+"},
    {"jpeg2000", 0, 8, "\0\0\0\x0CjP  "},
    {"jpeg2000", 0, 4, "\xFF\x4F\xFF\x51"},
    {"webp", 8, 4, "WEBP"},
    {"bmp", 0, 2, "BM"},
    {"pnm", 0, 2, "P1"},
    {"pnm", 0, 2, "P2"},
    {"pnm", 0, 2, "P3"},
    {"pnm", 0, 2, "P4"},
    {"pnm", 0, 2, "P5"},
    {"pnm", 0, 2, "P6"},
};
static const kind tga = {"tga", 0, 0, ""};

/* The bytes say what a file is, but for a TGA. */
typedef struct {
    const char *text;
    bool is_tga;
} extension;

static const extension extensions[] = {
    {"jpg", false},   {"jpeg", false}, {"jpe", false},  {"jfif", false}, {"png", false},
    {"gif", false},   {"bmp", false},  {"tga", true},   {"icb", true},   {"vda", true},
    {"vst", true},    {"psd", false},  {"pnm", false},  {"pgm", false},  {"ppm", false},
    {"pbm", false},   {"tif", false},  {"tiff", false}, {"webp", false}, {"dcm", false},
    {"dicom", false}, {"ima", false},
};

void pf_picture_limits_init(pf_picture_limits *limits)
{
    *limits = (pf_picture_limits){.max_file_bytes = (size_t)256 << 20,
                                  .max_pixels = 100 * 1000 * 1000};
}

static const extension *find_extension(const char *name)
{
    const char *text = pf_path_extension(name);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        if (strcasecmp(text, extensions[i].text) == 0)
            return &extensions[i];
    }
    return NULL;
}

bool pf_picture_has_extension(const char *name)
{
    return find_extension(name) != NULL;
}

/* A container's 12 bytes, a chunk's 8 and a frame's 10 come before the first pixel. */
size_t pf_picture_least_bytes(const char *name)
{
    const extension *e = find_extension(name);
    return e && strcmp(e->text, "webp") == 0 ? 30 : 0;
}

static bool has_tga_name(const char *name)
{
    const extension *e = name ? find_extension(name) : NULL;
    return e && e->is_tga;
}

static bool is_pnm_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '#';
}

/* A DICOM file without the preamble begins with an element of group 2 or 8: of a few,
 * explicit, as two letters say, or implicit, with the length of a short text that is
 * one. */
static bool is_bare_dicom(const uint8_t *b, size_t n)
{
    static const uint8_t elements[] = {0x00, 0x01, 0x05, 0x08, 0x12, 0x16, 0x18};
    if (n < 16 || (b[0] != 2 && b[0] != 8) || b[1] != 0 || b[3] != 0 ||
        !memchr(elements, b[2], sizeof elements))
        return false;
    if (b[4] >= 'A' && b[4] <= 'Z' && b[5] >= 'A' && b[5] <= 'Z')
        return memcmp(b + 4, "UL", 2) == 0 || memcmp(b + 4, "OB", 2) == 0 ||
               memcmp(b + 4, "CS", 2) == 0 || memcmp(b + 4, "UI", 2) == 0 ||
               memcmp(b + 4, "DA", 2) == 0;
    if (b[4] < 2 || b[4] > 64 || b[4] % 2 != 0 || b[5] != 0 || b[6] != 0 || b[7] != 0)
        return false;
    if (b[2] == 0) /* the length of the group */
        return b[4] == 4;
    for (size_t i = 8; i < n && i < 8u + b[4]; i++) {
        if ((b[i] < ' ' || b[i] > '~') && b[i] != 0)
            return false;
    }
    return true;
}

static const kind *find_kind(const uint8_t *bytes, size_t n, const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const kind *k = &kinds[i];
        if (n < k->offset + k->size ||
            memcmp(bytes + k->offset, k->signature, k->size) != 0)
            continue;
        /* "P5" is little to go by; so is "BM", but text rarely begins with it. */
        if (k->signature[0] == 'P' && k->size == 2 &&
            (n < 3 || !is_pnm_space(bytes[2])))
            continue;
        return k;
    }
    if (is_bare_dicom(bytes, n))
        return &kinds[0];
    return has_tga_name(name) ? &tga : NULL;
}

const char *pf_picture_sniff(const uint8_t *bytes, size_t n, const char *name)
{
    const kind *k = find_kind(bytes, n, name);
    return k ? k->name : NULL;
}

bool pf_picture_check_size(uint64_t width, uint64_t height,
                           const pf_picture_limits *limits, pf_err *err)
{
    if (width == 0 || height == 0)
        return pf_fail(err, PF_ERR_FORMAT, "the picture has no pixels (%llu x %llu)",
                       (unsigned long long)width, (unsigned long long)height);
    uint64_t most = limits->max_pixels < PIXELS_CAP ? limits->max_pixels : PIXELS_CAP;
    if (width > most / height)
        return pf_fail(err, PF_ERR_LIMIT,
                       "the picture is too large: %llu x %llu pixels, the limit is "
                       "%llu in all",
                       (unsigned long long)width, (unsigned long long)height,
                       (unsigned long long)most);
    return true;
}

bool pf_picture_reserve(uint64_t width, uint64_t height, unsigned bytes_per_pixel,
                        const pf_picture_limits *limits, pf_err *err)
{
    if (!pf_picture_check_size(width, height, limits, err))
        return false;
    const size_t bytes = (size_t)(width * height) * bytes_per_pixel;
    return !limits->reserve || limits->reserve(limits->context, bytes) ||
           pf_fail(
               err, PF_ERR_LIMIT,
               "the picture is too large: %llu x %llu pixels take %zu MB while they "
               "are decoded",
               (unsigned long long)width, (unsigned long long)height, bytes / 1000000);
}

bool pf_picture_make(pf_picture *out, uint64_t width, uint64_t height,
                     const pf_picture_limits *limits, pf_err *err)
{
    if (!pf_picture_check_size(width, height, limits, err))
        return false;
    out->rgb = pf_alloc_array((size_t)(width * height), 3, err);
    if (!out->rgb)
        return false;
    out->width = (int)width;
    out->height = (int)height;
    return true;
}

int pf_picture_whole_width(const pf_picture *picture)
{
    return picture->eighths ? picture->whole_width : picture->width;
}

int pf_picture_whole_height(const pf_picture *picture)
{
    return picture->eighths ? picture->whole_height : picture->height;
}

void pf_picture_reset(pf_picture *picture)
{
    pf_free(picture->rgb);
    pf_free(picture->alpha);
    memset(picture, 0, sizeof *picture);
}
