/*
 * values.h - are the values of a column dates, or numbers?
 *
 * That is for the whole column to say: 05/06/2024 is in May or in June, but beside
 * 31/05/2024 it is in June; 1,234 is more than a thousand or little more than one, but
 * beside 0,5 it is the latter. So all values are shown first, then it is decided, and
 * then each is written as search compares it: 2024-06-05, 1.234. A column with one
 * value that is neither stays text, and so does one that could be read in two ways.
 *
 * Dates: year-month-day, also with '/'; day.month.year; with '/' or '-' day or month
 * first. A time of day behind stays as it is. Numbers: decimal point or comma, with or
 * without the other one between thousands.
 */
#ifndef PF_INDEXER_VALUES_H
#define PF_INDEXER_VALUES_H

#include <stdbool.h>
#include <stddef.h>

enum { PF_VALUE_MAX = 64 }; /* bytes of a date or number, with its NUL */

typedef enum {
    PF_VALUES_TEXT,
    PF_VALUES_DATES,
    PF_VALUES_NUMBERS,
    PF_VALUES_UNSURE_DATES, /* text, too: day or month first? */
    PF_VALUES_UNSURE_NUMBERS,
} pf_values_kind;

typedef struct {
    size_t n, n_dates, n_numbers;
    bool has_order, is_day_first, is_month_first; /* may be, so far */
    bool order_matters;                           /* 05/05 is the same in both */
    bool has_comma, is_point, is_comma;           /* the decimal one */
    char example[PF_VALUE_MAX];                   /* the first of those that decide */
} pf_values;                                      /* all zero: none was shown */

void pf_values_show(pf_values *v, const char *value);
pf_values_kind pf_values_decide(const pf_values *v);
/* The value as it is kept: itself, or in `out`. */
const char *pf_values_write(const pf_values *v, const char *value,
                            char out[PF_VALUE_MAX]);

#endif
