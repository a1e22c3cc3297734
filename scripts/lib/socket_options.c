/* Other choices for the sockets of a program that is measured: loaded before it (LD_PRELOAD), so that one binary is
 * compared with itself. MESHCTL_BENCH_SOCKETS names them, with commas: nagle, busypoll, backlog128. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int chosen(const char *name) {
    const char *all = getenv("MESHCTL_BENCH_SOCKETS");
    return all && strstr(all, name);
}

#define NEXT(name) static __typeof__(&name) next; if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int setsockopt(int fd, int level, int option, const void *value, socklen_t length) {
    NEXT(setsockopt);
    if (level == IPPROTO_TCP && option == TCP_NODELAY) {
        int microseconds = 50;
        if (chosen("busypoll")) next(fd, SOL_SOCKET, SO_BUSY_POLL, &microseconds, sizeof microseconds);
        if (chosen("nagle")) return 0;
    }
    return next(fd, level, option, value, length);
}

int listen(int fd, int backlog) {
    NEXT(listen);
    return next(fd, chosen("backlog128") ? 128 : backlog);
}
