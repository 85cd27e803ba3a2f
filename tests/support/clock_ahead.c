/* The time of day of a program, CLOCK_AHEAD seconds ahead of this machine's: for LD_PRELOAD.

   Clocks that only go on are as they are. A deadline that was made of this time of day is the
   kernel's again before somebody waits for it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead;

__attribute__((constructor)) static void read_ahead(void)
{
    const char *said = getenv("CLOCK_AHEAD");
    ahead = said == NULL ? 0 : atol(said);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += ahead;
    return (int)failed;
}

int gettimeofday(struct timeval *now, void *zone)
{
    long failed = syscall(SYS_gettimeofday, now, zone);
    if (!failed)
        now->tv_sec += ahead;
    return (int)failed;
}

time_t time(time_t *kept)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept != NULL)
        *kept = now.tv_sec;
    return now.tv_sec;
}

int sem_timedwait(sem_t *semaphore, const struct timespec *deadline)
{
    static int (*wait_until)(sem_t *, const struct timespec *);
    struct timespec kernels = *deadline;
    if (wait_until == NULL)
        *(void **)&wait_until = dlsym(RTLD_NEXT, "sem_timedwait");
    kernels.tv_sec -= ahead;
    return wait_until(semaphore, &kernels);
}
