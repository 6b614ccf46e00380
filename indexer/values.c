/* values.c - see values.h. */
#include "indexer/values.h"

#include <stdio.h>
#include <string.h>

/* ---- dates ---- */

typedef struct {
    int year, a, b;    /* a and b: month and day, or the other way round */
    bool has_order;    /* which is which has to be found out */
    const char *after; /* the time of day, or the end */
} date;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One number of `least` to `most` digits; where it ends, or NULL. */
static const char *read_number(const char *s, int least, int most, int *out)
{
    int n = 0;
    for (*out = 0; n < most && is_digit(s[n]); n++)
        *out = 10 * *out + (s[n] - '0');
    return n >= least && !is_digit(s[n]) ? s + n : NULL;
}

static bool is_day(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && is_leap);
}

/* Nothing, or 'T' or a blank with a time of day. */
static bool is_time(const char *s)
{
    if (s[0] == '\0')
        return true;
    const size_t n = strlen(s);
    return (s[0] == 'T' || s[0] == ' ') && n >= 5 && n < PF_VALUE_MAX / 2 &&
           is_digit(s[1]) && strchr(s, ':') &&
           s[1 + strspn(s + 1, "0123456789:.+-Z")] == '\0';
}

static bool read_year_first(const char *s, date *d)
{
    const char *at = read_number(s, 4, 4, &d->year);
    if (!at || (*at != '-' && *at != '/'))
        return false;
    const char separator = *at;
    if (!(at = read_number(at + 1, 1, 2, &d->a)) || *at != separator ||
        !(at = read_number(at + 1, 1, 2, &d->b)))
        return false;
    d->has_order = false;
    d->after = at;
    return is_day(d->year, d->a, d->b) && is_time(at);
}

static bool read_year_last(const char *s, date *d)
{
    const char *at = read_number(s, 1, 2, &d->a);
    if (!at || *at == '\0' || !strchr("./-", *at))
        return false;
    const char separator = *at;
    if (!(at = read_number(at + 1, 1, 2, &d->b)) || *at != separator ||
        !(at = read_number(at + 1, 4, 4, &d->year)))
        return false;
    d->has_order = separator != '.';
    d->after = at;
    if (!d->has_order) { /* the day is first: as year-month-day has it */
        const int day = d->a;
        d->a = d->b;
        d->b = day;
        return is_day(d->year, d->a, d->b) && is_time(at);
    }
    return (is_day(d->year, d->a, d->b) || is_day(d->year, d->b, d->a)) && is_time(at);
}

static bool read_date(const char *s, date *d)
{
    return read_year_first(s, d) || read_year_last(s, d);
}

static void show_date(pf_values *v, const char *value)
{
    date d;
    if (!read_date(value, &d))
        return;
    v->n_dates++;
    if (!d.has_order)
        return;
    if (!v->has_order)
        v->has_order = v->is_day_first = v->is_month_first = true;
    if (v->example[0] == '\0')
        snprintf(v->example, sizeof v->example, "%s", value);
    v->is_month_first &= is_day(d.year, d.a, d.b);
    v->is_day_first &= is_day(d.year, d.b, d.a);
    v->order_matters |= d.a != d.b;
}

static const char *write_date(const pf_values *v, const char *value,
                              char out[PF_VALUE_MAX])
{
    date d;
    if (!read_date(value, &d))
        return value;
    const bool is_turned = d.has_order && v->is_day_first;
    snprintf(out, PF_VALUE_MAX, "%04d-%02d-%02d%s", d.year, is_turned ? d.b : d.a,
             is_turned ? d.a : d.b, d.after);
    return out;
}

/* ---- numbers ---- */

/* A number with this decimal point, and maybe the other character between groups of
 * three digits before it. */
static bool is_number(const char *s, char point, char between)
{
    s += *s == '-' || *s == '+';
    size_t digits = strspn(s, "0123456789");
    if (digits == 0)
        return false;
    if (s[digits] == between) {
        if (digits > 3 || s[0] == '0')
            return false;
        for (s += digits; *s == between; s += 4) {
            if (strspn(s + 1, "0123456789") != 3)
                return false;
        }
    } else {
        s += digits;
    }
    if (*s == point) {
        digits = strspn(++s, "0123456789");
        s += digits;
        if (digits == 0)
            return false;
    }
    return *s == '\0';
}

static void show_number(pf_values *v, const char *value)
{
    const bool is_point = is_number(value, '.', ','),
               is_comma = is_number(value, ',', '.');
    if (strlen(value) >= PF_VALUE_MAX || (!is_point && !is_comma))
        return;
    if (v->n_numbers++ == 0)
        v->is_point = v->is_comma = true;
    v->is_point &= is_point;
    v->is_comma &= is_comma;
    if (!strchr(value, ','))
        return;
    if (!v->has_comma)
        snprintf(v->example, sizeof v->example, "%s", value);
    v->has_comma = true;
}

static const char *write_number(const pf_values *v, const char *value,
                                char out[PF_VALUE_MAX])
{
    const char point = v->is_comma ? ',' : '.';
    size_t n = 0;
    if (strlen(value) >= PF_VALUE_MAX)
        return value;
    for (; *value != '\0'; value++) {
        if (*value == point)
            out[n++] = '.';
        else if (*value != ',' && *value != '.')
            out[n++] = *value;
    }
    out[n] = '\0';
    return out;
}

/* ---- both ---- */

void pf_values_show(pf_values *v, const char *value)
{
    v->n++;
    show_date(v, value);
    show_number(v, value);
}

pf_values_kind pf_values_decide(const pf_values *v)
{
    if (v->n == 0)
        return PF_VALUES_TEXT;
    if (v->n_dates == v->n) {
        const bool is_decided =
            !v->has_order || v->is_day_first != v->is_month_first || !v->order_matters;
        return is_decided ? PF_VALUES_DATES : PF_VALUES_UNSURE_DATES;
    }
    if (v->n_numbers == v->n && v->has_comma)
        return v->is_point != v->is_comma ? PF_VALUES_NUMBERS
                                          : PF_VALUES_UNSURE_NUMBERS;
    return PF_VALUES_TEXT; /* numbers with a point are as they should be */
}

const char *pf_values_write(const pf_values *v, const char *value,
                            char out[PF_VALUE_MAX])
{
    switch (pf_values_decide(v)) {
    case PF_VALUES_DATES:
        return write_date(v, value, out);
    case PF_VALUES_NUMBERS:
        return write_number(v, value, out);
    case PF_VALUES_TEXT:
    case PF_VALUES_UNSURE_DATES:
    case PF_VALUES_UNSURE_NUMBERS:
        break;
    }
    return value;
}
