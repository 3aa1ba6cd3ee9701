/* The clock of a sandbox: preloaded into every program inside, it moves the present and the times of files by one difference.
 *
 * Needs no header and nothing of the C library but `syscall`, so that it compiles anywhere and loads beside any version of glibc. Keeps no state,
 * reads no variable and makes no file, so that a program that clears its environment has the same clock.
 * `clock.py` compiles it and writes the difference over the value of `moved_by`, in the file: what has it loaded sees another one at once.
 */

#if defined(__x86_64__)
enum { CLOCK_GETTIME = 228, NEWFSTATAT = 262, UTIMENSAT = 280, STATX = 332 };
#elif defined(__aarch64__)
enum { CLOCK_GETTIME = 113, NEWFSTATAT = 79, UTIMENSAT = 88, STATX = 291 };
#else
#error "x86_64 and aarch64 only"
#endif

struct timespec { long sec, nsec; };
struct timeval { long sec, usec; };
/* The kernel's layouts of the times in struct stat and struct statx; both architectures have the first in the same place. */
struct stat { char before[72]; struct timespec accessed, modified, changed; };
struct statx_time { long long sec; unsigned nsec; int pad; };
struct statx { unsigned mask; char before[60]; struct statx_time accessed, born, changed, modified; };

enum { REALTIME = 0, REALTIME_COARSE = 5, REALTIME_ALARM = 8, TAI = 11 };
enum { AT_FDCWD = -100, AT_EMPTY_PATH = 0x1000, AT_SYMLINK_NOFOLLOW = 0x100, STATX_BTIME = 0x800 };
/* Nanoseconds that mean "now" and "leave it". */
enum { UTIME_NOW = 0x3fffffff, UTIME_OMIT = 0x3ffffffe };
/* Deadlines before this many seconds are of a clock that counts from the machine's start. */
enum { MONOTONIC_ENDS = 500000000 };

extern long syscall(long number, ...);
extern int pthread_cond_clockwait(void *, void *, int, const struct timespec *) __attribute__((weak));
extern int pthread_mutex_clocklock(void *, int, const struct timespec *) __attribute__((weak));
extern int sem_clockwait(void *, int, const struct timespec *) __attribute__((weak));

/* Found in the file by its value. The nanoseconds are 0 to 999,999,999. Weak, so that no compiler takes the value for known, and not volatile,
 * so that it lies on a page that no process writes to: such a page is the file's. */
const struct timespec moved_by __attribute__((weak, visibility("hidden"))) = {0x6f646376636c6f63, 0x6b63366e616e6f73};

enum { SECOND = 1000000000 };

static void put_in(struct timespec *at) {
    at->sec += moved_by.sec;
    at->nsec += moved_by.nsec;
    if (at->nsec >= SECOND) { at->nsec -= SECOND; at->sec++; }
}

static void take_out(struct timespec *at) {
    at->sec -= moved_by.sec;
    at->nsec -= moved_by.nsec;
    if (at->nsec < 0) { at->nsec += SECOND; at->sec--; }
}

static int is_of_day(int clock) {
    return clock == REALTIME || clock == REALTIME_COARSE || clock == REALTIME_ALARM || clock == TAI;
}

/* The present. */

int clock_gettime(int clock, struct timespec *at) {
    int result = syscall(CLOCK_GETTIME, (long)clock, at);
    if (result == 0 && is_of_day(clock)) put_in(at);
    return result;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    clock_gettime(REALTIME, &now);
    if (at) { at->sec = now.sec; at->usec = now.nsec / 1000; }
    if (zone) { ((int *)zone)[0] = 0; ((int *)zone)[1] = 0; }
    return 0;
}

long time(long *at) {
    struct timespec now;
    clock_gettime(REALTIME, &now);
    if (at) *at = now.sec;
    return now.sec;
}

int timespec_get(struct timespec *at, int base) {
    return base == 1 && clock_gettime(REALTIME, at) == 0 ? base : 0;
}

/* Times of files, as they are read. */

static int of_file(long folder, const char *path, struct stat *found, long flags) {
    int result = syscall(NEWFSTATAT, folder, path, found, flags);
    if (result == 0) {
        put_in(&found->accessed);
        put_in(&found->modified);
        put_in(&found->changed);
    }
    return result;
}

int stat(const char *path, struct stat *found) { return of_file(AT_FDCWD, path, found, 0); }
int lstat(const char *path, struct stat *found) { return of_file(AT_FDCWD, path, found, AT_SYMLINK_NOFOLLOW); }
int fstat(int fd, struct stat *found) { return of_file(fd, "", found, AT_EMPTY_PATH); }
int fstatat(int folder, const char *path, struct stat *found, int flags) { return of_file(folder, path, found, flags); }
int stat64(const char *path, struct stat *found) __attribute__((alias("stat")));
int lstat64(const char *path, struct stat *found) __attribute__((alias("lstat")));
int fstat64(int fd, struct stat *found) __attribute__((alias("fstat")));
int fstatat64(int folder, const char *path, struct stat *found, int flags) __attribute__((alias("fstatat")));

/* The same for programs that were built with a glibc before 2.33. */
int __xstat(int version, const char *path, struct stat *found) { return stat(path, found); }
int __lxstat(int version, const char *path, struct stat *found) { return lstat(path, found); }
int __fxstat(int version, int fd, struct stat *found) { return fstat(fd, found); }
int __fxstatat(int version, int folder, const char *path, struct stat *found, int flags) { return of_file(folder, path, found, flags); }
int __xstat64(int version, const char *path, struct stat *found) __attribute__((alias("__xstat")));
int __lxstat64(int version, const char *path, struct stat *found) __attribute__((alias("__lxstat")));
int __fxstat64(int version, int fd, struct stat *found) __attribute__((alias("__fxstat")));
int __fxstatat64(int version, int folder, const char *path, struct stat *found, int flags) __attribute__((alias("__fxstatat")));

static void put_in_short(struct statx_time *at) {
    struct timespec whole = {at->sec, at->nsec};
    put_in(&whole);
    at->sec = whole.sec;
    at->nsec = whole.nsec;
}

int statx(int folder, const char *path, int flags, unsigned mask, struct statx *found) {
    int result = syscall(STATX, (long)folder, path, (long)flags, (long)mask, found);
    if (result == 0) {
        put_in_short(&found->accessed);
        put_in_short(&found->changed);
        put_in_short(&found->modified);
        if (found->mask & STATX_BTIME) put_in_short(&found->born);
    }
    return result;
}

/* Times of files, as they are set: kept by the kernel in its own time. */

static int set(long folder, const char *path, const struct timespec *times, long flags) {
    struct timespec moved[2];
    if (times) {
        for (int i = 0; i < 2; i++) {
            moved[i] = times[i];
            if (times[i].nsec != UTIME_NOW && times[i].nsec != UTIME_OMIT) take_out(&moved[i]);
        }
    }
    return syscall(UTIMENSAT, folder, path, times ? moved : 0, flags);
}

static int set_by_microseconds(long folder, const char *path, const struct timeval *times, long flags) {
    struct timespec exact[2];
    for (int i = 0; times && i < 2; i++) {
        exact[i].sec = times[i].sec;
        exact[i].nsec = times[i].usec * 1000;
    }
    return set(folder, path, times ? exact : 0, flags);
}

int utimensat(int folder, const char *path, const struct timespec *times, int flags) { return set(folder, path, times, flags); }
int futimens(int fd, const struct timespec *times) { return set(fd, 0, times, 0); }
int utimes(const char *path, const struct timeval *times) { return set_by_microseconds(AT_FDCWD, path, times, 0); }
int lutimes(const char *path, const struct timeval *times) { return set_by_microseconds(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW); }
int futimes(int fd, const struct timeval *times) { return set_by_microseconds(fd, 0, times, 0); }
int futimesat(int folder, const char *path, const struct timeval *times) { return set_by_microseconds(folder, path, times, 0); }

int utime(const char *path, const long *times) {
    struct timespec exact[2];
    for (int i = 0; times && i < 2; i++) {
        exact[i].sec = times[i];
        exact[i].nsec = 0;
    }
    return set(AT_FDCWD, path, times ? exact : 0, 0);
}

/* Waiting until a time of day. */

static struct timespec real(const struct timespec *until) {
    struct timespec moved = *until;
    take_out(&moved);
    return moved;
}

int pthread_cond_timedwait(void *condition, void *mutex, const struct timespec *until) {
    if (until->sec < MONOTONIC_ENDS) return pthread_cond_clockwait(condition, mutex, 1, until);
    struct timespec moved = real(until);
    return pthread_cond_clockwait(condition, mutex, REALTIME, &moved);
}

int pthread_mutex_timedlock(void *mutex, const struct timespec *until) {
    struct timespec moved = real(until);
    return pthread_mutex_clocklock(mutex, REALTIME, &moved);
}

int sem_timedwait(void *semaphore, const struct timespec *until) {
    struct timespec moved = real(until);
    return sem_clockwait(semaphore, REALTIME, &moved);
}
