/*
 * api.h - the handlers of the API (routes.c has the table).
 */
#ifndef PF_SERVER_API_H
#define PF_SERVER_API_H

#include "server/routes.h"

/* api_search.c */
route_handler api_search, api_classify;
/* api_catalog.c: what there is. */
route_handler api_health, api_metrics, api_catalog, api_facets, api_image, api_case;
/* api_pictures.c */
route_handler api_thumbnail, api_preview, api_original;

#endif
