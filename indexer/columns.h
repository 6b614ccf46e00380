/*
 * columns.h - which column of a table is what.
 *
 * A picture is named by the column file, filename, path, image, picture, id or name; of
 * the last two, where both are there, by the one whose values are pictures. A text
 * about it stands in caption or text or report, else in findings and impression, else
 * in description; a case in case. Of several the first one in this order is taken.
 * Upper and lower case, blanks, '_' and '-' make no difference: "File Name" is
 * filename. Columns without a name, and pandas' "Unnamed: 0", are left out; all others
 * are attributes.
 *
 * A user may say it: "file=Bild,caption=Befund,case=Fall", caption also several times.
 */
#ifndef PF_INDEXER_COLUMNS_H
#define PF_INDEXER_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/table.h"

typedef enum {
    PF_COLUMN_LEFT_OUT,
    PF_COLUMN_ATTRIBUTE,
    PF_COLUMN_FILE,
    PF_COLUMN_CAPTION,
    PF_COLUMN_CASE,
} pf_column_role;

typedef struct {
    pf_column_role role[PF_TABLE_MAX_COLUMNS];
    size_t file, in_case; /* n when there is none */
    size_t n, n_captions;
    size_t name;  /* names the pictures if `file` does not; n when there is none */
    bool has_ids; /* in the file column: names without folder and ending will do */
} pf_columns;

/* Is it well formed? MISUSE otherwise. */
PF_MUST_CHECK bool pf_columns_check(const char *asked, pf_err *err);

/* `names` [n] are the first line's, n <= PF_TABLE_MAX_COLUMNS; `asked` may be NULL.
 * FORMAT when what is needed is not there: a caption, and a picture or a case. With
 * `asked` the caption may be missing. Two columns of the name that was chosen are
 * refused, too. */
PF_MUST_CHECK bool pf_columns_find(pf_columns *out, const char *const *names, size_t n,
                                   const char *asked, pf_err *err);

/* The column `name`, which is there, is that of the picture. */
void pf_columns_use_name(pf_columns *columns);

/* The same for the keys of an object that lies beside its picture: nothing is missing,
 * and what would name the picture is left out. */
PF_MUST_CHECK bool pf_columns_find_of_object(pf_columns *out, const char *const *names,
                                             size_t n, pf_err *err);

/* How much the names look like those of a table: the more the better, by `asked` where
 * that is given. For telling what parts the columns. Fails for want of memory only. */
PF_MUST_CHECK bool pf_columns_likeness(size_t *out, const char *const *names, size_t n,
                                       const char *asked, pf_err *err);

#endif
