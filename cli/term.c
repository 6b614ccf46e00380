/*
 * term.c - see term.h.
 *
 * Escape sequences as ECMA-48 has them: CSI (ESC [ or U+009B), parameters 0x30..0x3F,
 * intermediates 0x20..0x2F, a final byte 0x40..0x7E. Of any other sequence the ESC
 * alone is taken away, which leaves its rest harmless.
 */
#include "cli/term.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/uri.h"
#include "core/base/unicode.h"
#include "core/base/utf8.h"

enum { DEFAULT_COLUMNS = 80, COLUMNS_MAX = 1000 };

pf_term pf_term_judge(bool is_terminal, const char *term, const char *no_color,
                      int columns)
{
    bool is_dumb = !term || term[0] == '\0' || strcmp(term, "dumb") == 0;
    bool is_colorless = no_color && no_color[0] != '\0';
    return (pf_term){
        .is_terminal = is_terminal,
        .can_redraw = is_terminal && !is_dumb,
        .has_color = is_terminal && !is_dumb && !is_colorless,
        .has_links = is_terminal && !is_dumb && strcmp(term, "linux") != 0,
        .columns = columns > 0 && columns <= COLUMNS_MAX ? columns : DEFAULT_COLUMNS,
    };
}

static int columns_of(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    const char *text = getenv("COLUMNS");
    return text ? (int)strtol(text, NULL, 10) : 0;
}

pf_term pf_term_of(FILE *file)
{
    int fd = fileno(file);
    bool is_terminal = fd >= 0 && isatty(fd);
    return pf_term_judge(is_terminal, getenv("TERM"), getenv("NO_COLOR"),
                         is_terminal ? columns_of(fd) : 0);
}

static bool in(unsigned char c, unsigned first, unsigned last)
{
    return c >= first && c <= last;
}

/* Length of what follows CSI, up to its final byte or where the sequence breaks off. */
static size_t sequence_length(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && in((unsigned char)s[i], 0x30, 0x3F))
        i++;
    while (i < n && in((unsigned char)s[i], 0x20, 0x2F))
        i++;
    return i < n && in((unsigned char)s[i], 0x40, 0x7E) ? i + 1 : i;
}

/* What is written in one piece: bytes that are taken, and what is shown for them. */
typedef struct {
    size_t length;
    const char *shown; /* NULL: the bytes themselves */
    size_t columns;
} piece;

static piece piece_at(const char *text, size_t n)
{
    uint32_t c = 0;
    const size_t length = pf_utf8_decode(text, n, &c);
    if (length == 0)
        return (piece){1, "\xEF\xBF\xBD", 1};
    if (c == '\t' || c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029)
        return (piece){length, " ", 1};
    const bool is_escape = c == 0x1B && length < n && text[length] == '[';
    if (c == 0x9B || is_escape) {
        const size_t begin = length + is_escape;
        return (piece){begin + sequence_length(text + begin, n - begin), "?", 1};
    }
    if (pf_utf8_is_control(c))
        return (piece){length, "?", 1};
    return (piece){length, NULL, pf_unicode_columns(c)};
}

void pf_term_print(FILE *file, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        const piece p = piece_at(text + i, n - i);
        if (p.shown)
            fputs(p.shown, file);
        else
            fwrite(text + i, 1, p.length, file);
        i += p.length;
    }
}

void pf_term_puts(FILE *file, const char *text)
{
    pf_term_print(file, text, strlen(text));
}

/* OSC 8 ; parameters ; URI ST. The host tells a terminal on another machine that the
 * file is not its own. */
void pf_term_begin_link(FILE *file, const char *path)
{
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    fputs("\033]8;;file://", file);
    pf_uri_put_path(file, host);
    pf_uri_put_path(file, path);
    fputs("\033\\", file);
}

void pf_term_end_link(FILE *file)
{
    fputs("\033]8;;\033\\", file);
}

size_t pf_term_fitting(const char *text, size_t n, size_t columns)
{
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        const piece p = piece_at(text + i, n - i);
        used += p.columns;
        if (used > columns)
            return i;
        i += p.length;
    }
    return n;
}

/* Does a blank stand there, one that is shown as such? */
static bool is_blank(const char *text, size_t n, size_t i)
{
    if (i >= n)
        return false;
    const piece p = piece_at(text + i, n - i);
    return p.shown ? p.shown[0] == ' ' : text[i] == ' ';
}

/* The first character, with its marks, however wide. */
static size_t first_character(const char *text, size_t n)
{
    size_t i = piece_at(text, n).length;
    while (i < n) {
        const piece p = piece_at(text + i, n - i);
        if (p.columns > 0)
            break;
        i += p.length;
    }
    return i;
}

/* Where the blanks begin that the last words that fit end with; 0: there are none. */
static size_t last_break(const char *text, size_t n, size_t fitting)
{
    size_t found = 0;
    bool was_blank = true; /* blanks in front are no break */
    for (size_t i = 0; i <= fitting && i < n;) {
        const bool blank = is_blank(text, n, i);
        if (blank && !was_blank)
            found = i;
        was_blank = blank;
        i += piece_at(text + i, n - i).length;
    }
    return found;
}

size_t pf_term_break(const char *text, size_t n, size_t columns, size_t *next)
{
    size_t end = pf_term_fitting(text, n, columns);
    *next = n;
    if (end == n)
        return n;
    const size_t at = last_break(text, n, end);
    if (at > 0)
        end = at;
    else if (end == 0)
        end = first_character(text, n);
    *next = end;
    while (*next < n && is_blank(text, n, *next))
        *next += piece_at(text + *next, n - *next).length;
    return end;
}
