/* The C library of a machine that misbehaves on demand, for LD_PRELOAD: its wall clock is wrong, its disk fails, its time flies.

   What it does now stands in a shared page that the test writes to: shift of the wall clock in seconds; the errors that syncing and
   writing at a position meet, and how often still (a negative number: always); seconds that all clocks have gone beyond those that
   the test has lived. Reads and plain writes are as ever. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct fault { atomic_int number, left; };
struct page { _Atomic int64_t shift_s; struct fault sync, write; _Atomic int64_t passed_s; };

static struct page nothing;
static struct page *page = &nothing;

__attribute__((constructor)) static void look(void) {
    const char *name = getenv("FAULTY_SYSTEM");
    int file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED) page = found;
}

static int fails(struct fault *fault) {
    int number = atomic_load(&fault->number), left = atomic_load(&fault->left);
    while (number && left > 0 && !atomic_compare_exchange_weak(&fault->left, &left, left - 1)) {}
    if (!number || !left) return 0;
    errno = number;
    return 1;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = syscall(SYS_clock_gettime, clock, time);
    if (result || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID) return result;
    time->tv_sec += page->passed_s;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec += page->shift_s;
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    int result = syscall(SYS_gettimeofday, time, zone);
    if (!result && time) time->tv_sec += page->shift_s + page->passed_s;
    return result;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}

int fdatasync(int file) { return fails(&page->sync) ? -1 : syscall(SYS_fdatasync, file); }
int fsync(int file) { return fails(&page->sync) ? -1 : syscall(SYS_fsync, file); }

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
    return fails(&page->write) ? -1 : syscall(SYS_pwrite64, file, data, size, offset);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t offset) { return pwrite64(file, data, size, offset); }

ssize_t pwritev64v2(int file, const struct iovec *parts, int count, off64_t offset, int flags) {
    return fails(&page->write) ? -1 : syscall(SYS_pwritev2, file, parts, count, (long)offset, 0L, flags);
}
ssize_t pwritev2(int file, const struct iovec *parts, int count, off_t offset, int flags) {
    return pwritev64v2(file, parts, count, offset, flags);
}
ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
    return pwritev64v2(file, parts, count, offset, 0);
}
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    return pwritev64v2(file, parts, count, offset, 0);
}
