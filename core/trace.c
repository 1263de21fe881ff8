#include "core/trace.h"

void gkv_trace_add(struct gkv_trace *trace, const struct gkv_trace_point *point)
{
    trace->points[trace->point_count % GKV_TRACE_POINT_COUNT] = *point;
    trace->point_count++;
}
