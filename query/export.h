/*
 * export.h - what --export writes, by the ending of its file.
 */
#ifndef PF_QUERY_EXPORT_H
#define PF_QUERY_EXPORT_H

typedef enum { EXPORT_VECTORS, EXPORT_CAPTIONS, EXPORT_OTHER } export_kind;

export_kind export_kind_of(const char *path);

#endif
