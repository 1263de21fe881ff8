#include "bench/report/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/panic.h"

/* In pixels: the picture, and the frame within it. */
#define WIDTH 760
#define HEIGHT 400
#define LEFT 70
#define RIGHT 530
#define TOP 40
#define BOTTOM 345
#define LEGEND_X 545
#define LEGEND_STEP 18

#define TICK_COUNT 6 /* about so many on a linear axis */

/* Okabe and Ito's colours, which most people can tell apart. */
static const char *const colours[PLOT_SERIES_COUNT_MAX] = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
    "#56b4e9", "#000000", "#8c6d31", "#7f7f7f", "#5e3c99"};

/* From numbers to pixels. */
struct axis {
    double low;
    double high;
    double from;
    double to;
    bool is_log;
};

struct plot_series *plot_add(struct plot *plot, const char *name, bool is_published)
{
    GKV_ASSERT(plot->series_count < PLOT_SERIES_COUNT_MAX);
    struct plot_series *series = &plot->series[plot->series_count++];
    (void)snprintf(series->name, sizeof(series->name), "%s", name);
    series->is_published = is_published;
    return series;
}

void plot_point(struct plot_series *series, double x, double y)
{
    GKV_ASSERT(series->count < PLOT_POINT_COUNT_MAX);
    series->x[series->count] = x;
    series->y[series->count++] = y;
}

static double place(const struct axis *axis, double number)
{
    const double low = axis->is_log ? log10(axis->low) : axis->low;
    const double high = axis->is_log ? log10(axis->high) : axis->high;
    const double at = axis->is_log ? log10(number < axis->low ? axis->low : number) : number;
    return axis->from + (axis->to - axis->from) * (at - low) / (high - low);
}

/* 1, 2 or 5 times a power of ten. */
static double step_of(double range)
{
    const double rough = range / TICK_COUNT;
    const double power = pow(10, floor(log10(rough)));
    const double part = rough / power;
    return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

static void widen(struct axis *axis, const double *numbers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (axis->is_log && numbers[i] <= 0) {
            continue; /* shown at the foot */
        }
        axis->low = numbers[i] < axis->low ? numbers[i] : axis->low;
        axis->high = numbers[i] > axis->high ? numbers[i] : axis->high;
    }
}

static struct axis x_axis_of(const struct plot *plot)
{
    struct axis axis = {
        .low = 1e300, .high = -1e300, .from = LEFT, .to = RIGHT, .is_log = plot->is_x_log};
    for (uint32_t i = 0; i < plot->series_count; i++) {
        widen(&axis, plot->series[i].x, plot->series[i].count);
    }
    axis.high = axis.high > axis.low ? axis.high : axis.low + 1;
    return axis;
}

/* From nothing, or from a decade, to a little above the highest. */
static struct axis y_axis_of(const struct plot *plot)
{
    struct axis axis = {
        .low = 1e300, .high = -1e300, .from = BOTTOM, .to = TOP, .is_log = plot->is_y_log};
    for (uint32_t i = 0; i < plot->series_count; i++) {
        widen(&axis, plot->series[i].y, plot->series[i].count);
    }
    if (axis.is_log) {
        axis.low = axis.low > 1e200 ? 0.1 : pow(10, floor(log10(axis.low)));
        axis.high = axis.high <= axis.low ? 10 * axis.low : pow(10, ceil(log10(axis.high)));
        axis.high = axis.high > axis.low ? axis.high : 10 * axis.low;
        return axis;
    }
    axis.low = 0;
    axis.high = axis.high > 0 ? axis.high : 1;
    const double step = step_of(axis.high);
    axis.high = step * ceil(axis.high / step);
    return axis;
}

static void write_y_tick(FILE *file, const struct axis *axis, double number)
{
    const double y = place(axis, number);
    fprintf(file, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", LEFT, y,
            RIGHT, y);
    fprintf(file, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", LEFT - 6, y + 4,
            number);
}

static void write_y_ticks(FILE *file, const struct axis *axis)
{
    if (axis->is_log) {
        for (double number = axis->low; number < axis->high * 1.01; number *= 10) {
            write_y_tick(file, axis, number);
        }
        return;
    }
    const double step = step_of(axis->high);
    for (uint32_t i = 0; i * step < axis->high + step / 2; i++) {
        write_y_tick(file, axis, i * step);
    }
}

static void write_x_tick(FILE *file, const struct axis *axis, double number)
{
    const double x = place(axis, number);
    fprintf(file, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#888\"/>\n", x,
            BOTTOM, x, BOTTOM + 5);
    fprintf(file, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n", x, BOTTOM + 18,
            number);
}

static void write_x_ticks(FILE *file, const struct plot *plot, const struct axis *axis)
{
    if (axis->is_log) {
        for (uint32_t i = 0; i < plot->series[0].count; i++) {
            write_x_tick(file, axis, plot->series[0].x[i]);
        }
        return;
    }
    const double step = step_of(axis->high - axis->low);
    for (double number = step * ceil(axis->low / step); number <= axis->high; number += step) {
        write_x_tick(file, axis, number);
    }
}

static void write_series(FILE *file, const struct plot *plot, uint32_t index,
                         const struct axis axes[2])
{
    const struct plot_series *series = &plot->series[index];
    fprintf(file, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"",
            colours[index], series->is_published ? " stroke-dasharray=\"5 4\"" : "");
    for (uint32_t i = 0; i < series->count; i++) {
        fprintf(file, "%.1f,%.1f ", place(&axes[0], series->x[i]), place(&axes[1], series->y[i]));
    }
    fprintf(file, "\"/>\n");
    for (uint32_t i = 0; i < series->count && series->count <= 40; i++) {
        fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
                place(&axes[0], series->x[i]), place(&axes[1], series->y[i]), colours[index]);
    }
    const uint32_t y = TOP + 10 + LEGEND_STEP * index;
    fprintf(file,
            "<line x1=\"%d\" y1=\"%u\" x2=\"%d\" y2=\"%u\" stroke=\"%s\" stroke-width=\"2\"%s/>\n"
            "<text x=\"%d\" y=\"%u\">%s</text>\n",
            LEGEND_X, y, LEGEND_X + 22, y, colours[index],
            series->is_published ? " stroke-dasharray=\"5 4\"" : "", LEGEND_X + 28, y + 4,
            series->name);
}

static void write_frame(FILE *file, const struct plot *plot)
{
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
            "<text x=\"%d\" y=\"22\" font-size=\"15\" font-weight=\"bold\">%s</text>\n"
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n"
            "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, plot->title, (LEFT + RIGHT) / 2,
            BOTTOM + 40, plot->x_label, (TOP + BOTTOM) / 2, plot->y_label);
}

bool plot_write(const struct plot *plot, const char *path)
{
    FILE *file = fopen(path, "w");
    GKV_ASSERT(plot->series_count > 0);
    if (file == NULL) {
        perror(path);
        return false;
    }
    const struct axis axes[2] = {x_axis_of(plot), y_axis_of(plot)};
    write_frame(file, plot);
    write_y_ticks(file, &axes[1]);
    fprintf(file,
            "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" "
            "stroke=\"#888\"/>\n",
            LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP);
    write_x_ticks(file, plot, &axes[0]);
    for (uint32_t i = 0; i < plot->series_count; i++) {
        write_series(file, plot, i, axes);
    }
    fprintf(file, "</svg>\n");
    const bool is_written = ferror(file) == 0;
    return fclose(file) == 0 && is_written;
}
