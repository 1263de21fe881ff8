#include "io_posix/clock.h"

#include <time.h>

#include "core/hlc.h"
#include "io_posix/system.h"

#define NS_PER_S (1000 * GKV_NS_PER_MS)

#if defined(CLOCK_REALTIME_COARSE)
#define WALL_CLOCK_OF_TICK CLOCK_REALTIME_COARSE
#else
#define WALL_CLOCK_OF_TICK CLOCK_REALTIME
#endif

static uint64_t read_clock_ns(clockid_t id)
{
    struct timespec at = {0};
    (void)gkv_system->clock_gettime(id, &at);
    return at.tv_sec < 0 ? 0 : (uint64_t)at.tv_sec * NS_PER_S + (uint64_t)at.tv_nsec;
}

uint64_t gkv_clock_mono_ns(void)
{
    return read_clock_ns(CLOCK_MONOTONIC);
}

static uint64_t read_wall_ms(clockid_t id)
{
    struct timespec at = {0};
    (void)gkv_system->clock_gettime(id, &at);
    const uint64_t ms_of_s = (uint64_t)at.tv_nsec / GKV_NS_PER_MS;
    const uint64_t wall_ms = at.tv_sec < 0 ? 0 : (uint64_t)at.tv_sec * 1000 + ms_of_s;
    return wall_ms <= GKV_HLC_WALL_MS_MAX ? wall_ms : GKV_HLC_WALL_MS_MAX;
}

uint64_t gkv_clock_wall_ms(void)
{
    return read_wall_ms(CLOCK_REALTIME);
}

uint64_t gkv_clock_tick_ms(void)
{
    return read_wall_ms(WALL_CLOCK_OF_TICK);
}

struct gkv_now gkv_clock_now(void)
{
    const uint64_t wall_ms = gkv_clock_wall_ms();
    return (struct gkv_now){.mono_ns = gkv_clock_mono_ns(), .wall_ms = wall_ms};
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

/* macOS has no pthread_condattr_setclock, but can wait for a span of time instead. */
#if defined(__APPLE__)

bool gkv_clock_condition_init(pthread_cond_t *condition)
{
    return pthread_cond_init(condition, NULL) == 0;
}

void gkv_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t mono_ns)
{
    const uint64_t now_ns = gkv_clock_mono_ns();
    const struct timespec span = timespec_of(mono_ns > now_ns ? mono_ns - now_ns : 0);
    (void)pthread_cond_timedwait_relative_np(condition, mutex, &span);
}

#else

bool gkv_clock_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    const bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                      pthread_cond_init(condition, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return made;
}

void gkv_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t mono_ns)
{
    const struct timespec until = timespec_of(mono_ns);
    (void)pthread_cond_timedwait(condition, mutex, &until);
}

#endif
