/* A wall clock that is set forward by an hour as soon as there is a file `an-hour-later` in $PRELOAD_PLACE. */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);
	const char *place = getenv("PRELOAD_PLACE");
	char file[4096];
	if (result != 0 || clock != CLOCK_REALTIME || place == NULL)
		return result;
	snprintf(file, sizeof file, "%s/an-hour-later", place);
	if (syscall(SYS_faccessat, -100, file, F_OK) == 0)
		now->tv_sec += 3600;
	return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec found;
	int result = clock_gettime(CLOCK_REALTIME, &found);
	(void)zone;
	now->tv_sec = found.tv_sec;
	now->tv_usec = found.tv_nsec / 1000;
	return result;
}

time_t time(time_t *now)
{
	struct timespec found;
	clock_gettime(CLOCK_REALTIME, &found);
	if (now != NULL)
		*now = found.tv_sec;
	return found.tv_sec;
}
