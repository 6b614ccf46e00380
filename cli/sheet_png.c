/*
 * sheet_png.c - a contact sheet as one picture: rows of tiles, each a thumbnail with
 * its rank, score and the beginning of its caption. Dark, since radiographs are.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"
#include "cli/canvas.h"
#include "cli/sheet.h"

enum {
    BOX = 192, /* of a thumbnail */
    PAD = 8,
    FACTS = 17, /* heights of lines: rank and score, caption, question, summary */
    TEXT = 15,
    QUESTION = 26,
    SUMMARY = 17,
    TEXT_LINES = 2,
    TILE_WIDTH = BOX + 2 * PAD,
    TILE_HEIGHT = BOX + 3 * PAD + FACTS + TEXT_LINES * TEXT,
    HEAD = 2 * PAD + QUESTION + SUMMARY,
    COLUMNS_MIN = 3, /* room for the question */
};

static const pf_color back = {15, 17, 19}, tile = {24, 27, 31}, box = {0, 0, 0},
                      missing = {58, 63, 69}, bright = {230, 232, 234},
                      dim = {163, 173, 182};

/* One line, its end cut off with an ellipsis where it is too long. */
static bool put_line(pf_canvas *c, int x, int y, int width, int pixels, pf_color color,
                     const char *text, size_t n, pf_err *err)
{
    static const char dots[] = "\xE2\x80\xA6";
    size_t fits = pf_text_fitting(text, n, pixels, width);
    if (fits == n)
        return pf_canvas_put_text(c, x, y, pixels, color, text, n, err);
    const int end = pf_text_width(dots, strlen(dots), pixels);
    fits = pf_text_fitting(text, n, pixels, width - end);
    while (fits > 0 && text[fits - 1] == ' ')
        fits--;
    const int used = pf_text_width(text, fits, pixels);
    return pf_canvas_put_text(c, x, y, pixels, color, text, fits, err) &&
           pf_canvas_put_text(c, x + used, y, pixels, color, dots, strlen(dots), err);
}

/* Where the first line ends: at its last space, or in the middle of a long word. */
static size_t first_line(const char *text, size_t n, int pixels, int width)
{
    const size_t fits = pf_text_fitting(text, n, pixels, width);
    if (fits == n || text[fits] == ' ')
        return fits;
    for (size_t i = fits; i > fits / 2; i--) {
        if (text[i - 1] == ' ')
            return i - 1;
    }
    return fits;
}

static bool put_lines(pf_canvas *c, int x, int y, int width, const char *text,
                      pf_err *err)
{
    size_t n = strlen(text);
    for (int i = 0; i < TEXT_LINES && n > 0; i++, y += TEXT) {
        const bool is_last = i == TEXT_LINES - 1;
        const size_t here = is_last ? n : first_line(text, n, TEXT, width);
        if (!put_line(c, x, y, width, TEXT, dim, text, here, err))
            return false;
        for (text += here, n -= here; n > 0 && *text == ' '; n--)
            text++;
        if (here == 0)
            return true;
    }
    return true;
}

/* What to say of a hit when there is no caption: its case, else its file. */
static const char *text_of(const pf_sheet *s, const pf_hit *h)
{
    if (pf_sheet_find(s) == PF_FIND_CASES || (!h->caption && h->case_key))
        return pf_sheet_case_name(h);
    return h->caption ? h->caption : pf_path_base(h->path);
}

static bool put_facts(const pf_sheet *s, pf_canvas *c, int x, int y, size_t rank,
                      const pf_hit *h, pf_err *err)
{
    char left[48], right[64];
    if (isnan(h->score)) /* in a list */
        snprintf(left, sizeof left, "%zu", rank);
    else
        snprintf(left, sizeof left, "%zu   %.3f", rank, h->score);
    if (pf_sheet_find(s) == PF_FIND_CASES)
        snprintf(right, sizeof right, "%zu of %zu", h->n_images, h->n_case_images);
    else
        snprintf(right, sizeof right, "#%lld", (long long)h->image_id);
    const int width = pf_text_width(right, strlen(right), FACTS);
    return pf_canvas_put_text(c, x, y, FACTS, bright, left, strlen(left), err) &&
           pf_canvas_put_text(c, x + BOX - width, y, FACTS, dim, right, strlen(right),
                              err);
}

static bool put_picture(pf_sheet *s, pf_canvas *c, int x, int y, const pf_hit *h,
                        pf_sheet_jpeg *jpeg, pf_err *err)
{
    static const char word[] = "no picture";
    pf_err why = PF_ERR_INIT;
    if (!pf_sheet_get_picture(s, h->image_id, jpeg, err))
        return false;
    pf_canvas_fill(c, x, y, BOX, BOX, box);
    if (jpeg->size > 0) {
        if (pf_canvas_put_jpeg(c, x, y, BOX, BOX, jpeg->bytes, jpeg->size, &why))
            return true;
        if (why.code == PF_ERR_NOMEM)
            return pf_fail_as(err, &why);
        s->n_missing++;
    }
    const int width = pf_text_width(word, strlen(word), TEXT);
    pf_canvas_fill(c, x, y, BOX, BOX, missing);
    return pf_canvas_put_text(c, x + (BOX - width) / 2, y + (BOX - TEXT) / 2, TEXT,
                              bright, word, strlen(word), err);
}

static bool put_tile(pf_sheet *s, pf_canvas *c, int x, int y, size_t i,
                     pf_sheet_jpeg *jpeg, pf_err *err)
{
    const pf_hit *h = pf_answer_hit(s->answer, i);
    pf_canvas_fill(c, x, y, TILE_WIDTH, TILE_HEIGHT, tile);
    return put_picture(s, c, x + PAD, y + PAD, h, jpeg, err) &&
           put_facts(s, c, x + PAD, y + BOX + PAD + PAD / 2,
                     pf_answer_rank(s->answer, i), h, err) &&
           put_lines(c, x + PAD, y + BOX + PAD + PAD / 2 + FACTS, BOX, text_of(s, h),
                     err);
}

static bool put_head(const pf_sheet *s, pf_canvas *c, int width, pf_err *err)
{
    char summary[64];
    pf_sheet_summary(s, summary);
    return put_line(c, 2 * PAD, PAD, width - 4 * PAD, QUESTION, bright, s->question,
                    strlen(s->question), err) &&
           put_line(c, 2 * PAD, PAD + QUESTION, width - 4 * PAD, SUMMARY, dim, summary,
                    strlen(summary), err);
}

/* About 4:3, as screens and paper are. */
static int columns_for(int n)
{
    int columns = 1;
    while (columns < n &&
           3 * columns * TILE_WIDTH < 4 * ((n + columns - 1) / columns) * TILE_HEIGHT)
        columns++;
    return columns > COLUMNS_MIN ? columns : COLUMNS_MIN;
}

bool pf_sheet_png_write(pf_sheet *s, FILE *out, pf_err *err)
{
    const size_t n = pf_answer_count(s->answer);
    if (n > PF_SHEET_PNG_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "%zu hits, a png has room for %d", n,
                       PF_SHEET_PNG_MAX);
    const int columns = columns_for((int)n);
    const int rows = ((int)n + columns - 1) / columns;
    const int width = columns * (TILE_WIDTH + PAD) + PAD;
    const int height = HEAD + rows * (TILE_HEIGHT + PAD) + PAD;
    pf_canvas c = {0};
    pf_sheet_jpeg jpeg = {0};
    bool ok =
        pf_canvas_new(&c, width, height, back, err) && put_head(s, &c, width, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = put_tile(s, &c, PAD + (int)i % columns * (TILE_WIDTH + PAD),
                      HEAD + (int)i / columns * (TILE_HEIGHT + PAD), i, &jpeg, err);
    ok = ok && pf_canvas_write_png(&c, out, err);
    pf_free(jpeg.bytes);
    pf_canvas_reset(&c);
    return ok;
}
