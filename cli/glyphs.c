/*
 * glyphs.c - the text of canvas.h; the one file that includes stb_truetype.
 *
 * stb_truetype trusts its font, which is therefore the one that was built in (font.S),
 * never a file. A line of `pixels` has the font's ascent and descent in it. Glyphs are
 * placed to a quarter of a pixel.
 */
#include "cli/canvas.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

/* stb_truetype leaves out what it has no memory for: its `user` is told. */
static void *allocate(size_t size, void *user)
{
    void *p = pf_zalloc(size, NULL);
    if (!p)
        *(bool *)user = true;
    return p;
}

#define STBTT_malloc(size, user) allocate(size, user)
#define STBTT_free(p, user) ((void)(user), pf_free(p))
#define STBTT_assert(condition) ((void)0) /* some fail when memory runs out */
#define STBTT_STATIC
#define STB_TRUETYPE_IMPLEMENTATION
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include <stb/stb_truetype.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

extern const unsigned char pf_font[]; /* font.S */

enum { GLYPH_SIDE = 128, STEPS = 4 };

typedef struct {
    stbtt_fontinfo info;
    float scale;
    int baseline; /* pixels below the line's top */
    bool lacks_memory;
} font;

/* *f may not move. */
static bool font_open(font *f, int pixels)
{
    int ascent, descent, gap;
    f->lacks_memory = false;
    f->info.userdata = &f->lacks_memory;
    if (!stbtt_InitFont(&f->info, pf_font, stbtt_GetFontOffsetForIndex(pf_font, 0)))
        return false;
    f->info.userdata = &f->lacks_memory;
    f->scale = stbtt_ScaleForPixelHeight(&f->info, (float)pixels);
    stbtt_GetFontVMetrics(&f->info, &ascent, &descent, &gap);
    f->baseline = (int)lroundf((float)ascent * f->scale);
    return true;
}

/* The next character; *glyph -1 when it is invisible: joiners, marks of direction, and
 * control characters, of which those that part words are a space. */
static size_t next_glyph(const font *f, const char *text, size_t n, int *glyph)
{
    uint32_t code = 0xFFFD;
    size_t size = pf_utf8_decode(text, n, &code);
    size = size > 0 ? size : 1;
    const bool is_blank = code == '\t' || code == '\n' || code == '\r';
    const bool is_hidden = code < 0x20 || (code >= 0x7F && code < 0xA0) ||
                           (code >= 0x200B && code <= 0x200F) ||
                           (code >= 0x202A && code <= 0x202E) ||
                           (code >= 0x2060 && code <= 0x206F) ||
                           (code >= 0xFE00 && code <= 0xFE0F) || code == 0xFEFF;
    *glyph = is_blank    ? stbtt_FindGlyphIndex(&f->info, ' ')
             : is_hidden ? -1
                         : stbtt_FindGlyphIndex(&f->info, (int)code);
    return size;
}

static float advance_of(const font *f, int glyph)
{
    int advance = 0, bearing;
    if (glyph >= 0)
        stbtt_GetGlyphHMetrics(&f->info, glyph, &advance, &bearing);
    return (float)advance * f->scale;
}

size_t pf_text_fitting(const char *text, size_t n, int pixels, int width)
{
    font f;
    float x = 0;
    if (!font_open(&f, pixels))
        return 0;
    for (size_t i = 0; i < n;) {
        int glyph;
        const size_t size = next_glyph(&f, text + i, n - i, &glyph);
        x += advance_of(&f, glyph);
        if (x > (float)width)
            return i;
        i += size;
    }
    return n;
}

int pf_text_width(const char *text, size_t n, int pixels)
{
    font f;
    float x = 0;
    if (!font_open(&f, pixels))
        return 0;
    for (size_t i = 0; i < n;) {
        int glyph;
        i += next_glyph(&f, text + i, n - i, &glyph);
        x += advance_of(&f, glyph);
        if (x > PF_CANVAS_SIDE_MAX)
            return PF_CANVAS_SIDE_MAX;
    }
    return (int)ceilf(x);
}

/* ---- drawing ---- */

static void mix(uint8_t *to, uint8_t color, unsigned cover)
{
    *to = (uint8_t)((*to * (255u - cover) + color * cover + 127) / 255);
}

/* [height, width] of cover, 0..255, with rows of GLYPH_SIDE. */
static void stamp(pf_picture *p, int x, int y, const uint8_t *cover, int width,
                  int height, pf_color color)
{
    for (int row = 0; row < height; row++) {
        for (int i = 0; i < width; i++) {
            const uint8_t a = cover[row * GLYPH_SIDE + i];
            const int px = x + i, py = y + row;
            if (a == 0 || px < 0 || py < 0 || px >= p->width || py >= p->height)
                continue;
            uint8_t *rgb = p->rgb + ((size_t)py * (size_t)p->width + (size_t)px) * 3;
            mix(&rgb[0], color.r, a);
            mix(&rgb[1], color.g, a);
            mix(&rgb[2], color.b, a);
        }
    }
}

static void put_glyph(pf_picture *p, const font *f, int glyph, float x, int y,
                      pf_color color, uint8_t *cover)
{
    const int left = (int)floorf(x);
    const float shift = floorf((x - (float)left) * STEPS) / STEPS;
    int x0, y0, x1, y1;
    stbtt_GetGlyphBitmapBoxSubpixel(&f->info, glyph, f->scale, f->scale, shift, 0, &x0,
                                    &y0, &x1, &y1);
    const int width = x1 - x0 < GLYPH_SIDE ? x1 - x0 : GLYPH_SIDE;
    const int height = y1 - y0 < GLYPH_SIDE ? y1 - y0 : GLYPH_SIDE;
    if (width <= 0 || height <= 0)
        return;
    memset(cover, 0, (size_t)GLYPH_SIDE * GLYPH_SIDE);
    stbtt_MakeGlyphBitmapSubpixel(&f->info, cover, width, height, GLYPH_SIDE, f->scale,
                                  f->scale, shift, 0, glyph);
    stamp(p, left + x0, y + f->baseline + y0, cover, width, height, color);
}

bool pf_canvas_put_text(pf_canvas *canvas, int x, int y, int pixels, pf_color color,
                        const char *text, size_t n, pf_err *err)
{
    font f;
    float at = (float)x;
    if (!font_open(&f, pixels))
        return pf_fail(err, PF_ERR_FORMAT, "the font cannot be read");
    uint8_t *cover = pf_alloc_array(GLYPH_SIDE, GLYPH_SIDE, err);
    if (!cover)
        return false;
    for (size_t i = 0; i < n && at < (float)canvas->picture.width;) {
        int glyph;
        i += next_glyph(&f, text + i, n - i, &glyph);
        if (glyph >= 0)
            put_glyph(&canvas->picture, &f, glyph, at, y, color, cover);
        at += advance_of(&f, glyph);
    }
    pf_free(cover);
    return !f.lacks_memory || pf_fail(err, PF_ERR_NOMEM, "out of memory for letters");
}
