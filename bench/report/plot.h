/* Lines and points in a frame with two axes, as an SVG file.
 *
 * Bounds    PLOT_SERIES_COUNT_MAX series of PLOT_POINT_COUNT_MAX points.
 */
#ifndef BENCH_REPORT_PLOT_H
#define BENCH_REPORT_PLOT_H

#include <stdbool.h>
#include <stdint.h>

#define PLOT_SERIES_COUNT_MAX 10
#define PLOT_POINT_COUNT_MAX 256
#define PLOT_NAME_BYTES 64

struct plot_series {
    char name[PLOT_NAME_BYTES];
    bool is_published; /* somebody else's figures: a dashed line */
    double x[PLOT_POINT_COUNT_MAX];
    double y[PLOT_POINT_COUNT_MAX];
    uint32_t count;
};

struct plot {
    const char *title;
    const char *x_label;
    const char *y_label;
    bool is_x_log; /* then ticks stand at the first series' points */
    bool is_y_log;
    struct plot_series series[PLOT_SERIES_COUNT_MAX];
    uint32_t series_count;
};

/* Begin a series, which is lent. */
struct plot_series *plot_add(struct plot *plot, const char *name, bool is_published);
void plot_point(struct plot_series *series, double x, double y);

/* False: the file cannot be written. */
bool plot_write(const struct plot *plot, const char *path);

#endif
