/* What the kernel asks for to pass bytes from one TCP connection to another, by four ways. Run by scripts/bench relay.
 *
 *   relay pass WAY PORT ADDRESS TARGET  one connection from PORT to TARGET and back; says what CPU time that took
 *   relay sink PORT                     takes all and answers nothing
 *   relay echo PORT                     answers each message with itself
 *   relay send ADDRESS PORT SECONDS     sends as much as fits
 *   relay ask ADDRESS PORT SECONDS      64 bytes, again when they are back
 *
 * Ways: copy (read and send), splice (through a pipe), zerocopy (MSG_ZEROCOPY, large sends only) and uring (the same as
 * copy with io_uring: one system call for what is to be sent and for the wait).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { QUANTUM = 256 << 10, SLOTS = 16, ZEROCOPY_LEAST = 16 << 10 };

static void fail(const char *doing) {
    perror(doing);
    exit(1);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static struct sockaddr_in address(const char *ip, const char *port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    inet_pton(AF_INET, ip, &a.sin_addr);
    return a;
}

static int without_delay(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static int accept_one(const char *port) {
    struct sockaddr_in a = address("0.0.0.0", port);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&a, sizeof a) || listen(listener, 8)) fail("listen");
    puts("listening");
    fflush(stdout);
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) fail("accept");
    return without_delay(fd);
}

static int connect_to(const char *ip, const char *port) {
    struct sockaddr_in a = address(ip, port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (void *)&a, sizeof a)) fail("connect");
    return without_delay(fd);
}

static int send_all(int fd, const char *data, size_t count, int flags) {
    int calls = 0;
    while (count) {
        ssize_t sent = send(fd, data, count, flags);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return -1;
        data += sent, count -= sent, calls++;
    }
    return calls;
}

/* --- ways to pass what can be read from one socket to the other; 0 at the end -------------------------------------- */

struct way {
    char *buffers[SLOTS];
    int pipe[2];
    int turn, owed, ring;
    uint64_t copied, without;
    struct io_uring_sqe *entries;
    struct io_uring_cqe *results;
    unsigned *tail, *mask, *done_head, *done_tail, *done_mask;
};

static ssize_t copy(struct way *way, int from, int to) {
    ssize_t count = recv(from, way->buffers[0], QUANTUM, 0);
    if (count > 0 && send_all(to, way->buffers[0], count, MSG_NOSIGNAL) < 0) return 0;
    return count;
}

static ssize_t through_pipe(struct way *way, int from, int to) {
    ssize_t count = splice(from, NULL, way->pipe[1], NULL, QUANTUM, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    for (ssize_t left = count; left > 0;) {
        ssize_t moved = splice(way->pipe[0], NULL, to, NULL, left, SPLICE_F_MOVE);
        if (moved <= 0) return 0;
        left -= moved;
    }
    return count;
}

/* Buffers are used again once the kernel has said that it is done with them. */
static void reap(struct way *way, int fd, int most) {
    while (way->owed > most) {
        char control[128];
        struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
        if (recvmsg(fd, &message, MSG_ERRQUEUE) < 0) {
            if (errno != EAGAIN) return;
            struct pollfd wait = {.fd = fd};
            poll(&wait, 1, 1000);
            continue;
        }
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        if (!head) return;
        struct sock_extended_err *error = (void *)CMSG_DATA(head);
        unsigned count = error->ee_data - error->ee_info + 1;
        way->owed -= count;
        *(error->ee_code & SO_EE_CODE_ZEROCOPY_COPIED ? &way->copied : &way->without) += count;
    }
}

static ssize_t zerocopy(struct way *way, int from, int to) {
    char *buffer = way->buffers[way->turn++ % SLOTS];
    ssize_t count = recv(from, buffer, QUANTUM, 0);
    if (count <= 0) return count;
    int calls = send_all(to, buffer, count, MSG_NOSIGNAL | (count >= ZEROCOPY_LEAST ? MSG_ZEROCOPY : 0));
    if (calls < 0) return 0;
    if (count >= ZEROCOPY_LEAST) way->owed += calls;
    reap(way, to, SLOTS / 2);
    return count;
}

static void open_ring(struct way *way) {
    struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    way->ring = syscall(SYS_io_uring_setup, 8, &p);
    if (way->ring < 0) fail("io_uring_setup");
    size_t length = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    char *ring = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, way->ring, IORING_OFF_SQ_RING);
    way->entries = mmap(NULL, p.sq_entries * sizeof *way->entries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                        way->ring, IORING_OFF_SQES);
    if (ring == MAP_FAILED || way->entries == MAP_FAILED) fail("mmap");
    way->tail = (void *)(ring + p.sq_off.tail), way->mask = (void *)(ring + p.sq_off.ring_mask);
    way->done_head = (void *)(ring + p.cq_off.head), way->done_tail = (void *)(ring + p.cq_off.tail);
    way->done_mask = (void *)(ring + p.cq_off.ring_mask), way->results = (void *)(ring + p.cq_off.cqes);
    unsigned *order = (void *)(ring + p.sq_off.array);
    for (unsigned i = 0; i < p.sq_entries; i++) order[i] = i;
}

static void queue(struct way *way, int operation, int fd, void *data, size_t count, int flags, uint64_t name) {
    struct io_uring_sqe *entry = &way->entries[*way->tail & *way->mask];
    memset(entry, 0, sizeof *entry);
    entry->opcode = operation, entry->fd = fd, entry->addr = (uintptr_t)data, entry->len = count;
    entry->msg_flags = flags, entry->user_data = name;
    __atomic_store_n(way->tail, *way->tail + 1, __ATOMIC_RELEASE);
}

/* Receives of both directions are always under way; what one brings is sent whole, then the next receive begins, both in
 * the call that waits. Names: 0 and 1 receives, 2 and 3 sends. */
static uint64_t by_ring(struct way *way, int sockets[2]) {
    uint64_t total = 0;
    unsigned ready = 2;
    int open = 2;
    queue(way, IORING_OP_RECV, sockets[0], way->buffers[0], QUANTUM, 0, 0);
    queue(way, IORING_OP_RECV, sockets[1], way->buffers[1], QUANTUM, 0, 1);
    while (open) {
        if (syscall(SYS_io_uring_enter, way->ring, ready, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR)
            fail("io_uring_enter");
        ready = 0;
        unsigned head = *way->done_head, last = __atomic_load_n(way->done_tail, __ATOMIC_ACQUIRE);
        for (; head != last; head++) {
            struct io_uring_cqe *result = &way->results[head & *way->done_mask];
            int side = result->user_data & 1;
            if (result->user_data < 2 && result->res > 0) {
                total += result->res;
                queue(way, IORING_OP_SEND, sockets[!side], way->buffers[side], result->res, MSG_NOSIGNAL | MSG_WAITALL,
                      2 + side);
                ready++;
            } else if (result->user_data >= 2 && result->res > 0) {
                queue(way, IORING_OP_RECV, sockets[side], way->buffers[side], QUANTUM, 0, side);
                ready++;
            } else {
                shutdown(sockets[!side], SHUT_WR);
                open--;
            }
        }
        __atomic_store_n(way->done_head, head, __ATOMIC_RELEASE);
    }
    return total;
}

static uint64_t by_poll(struct way *way, ssize_t (*pass)(struct way *, int, int), int sockets[2]) {
    uint64_t total = 0;
    struct pollfd wait[2] = {{.fd = sockets[0], .events = POLLIN}, {.fd = sockets[1], .events = POLLIN}};
    while (wait[0].events || wait[1].events) {
        poll(wait, 2, -1);
        for (int side = 0; side < 2; side++) {
            if (!(wait[side].revents & (POLLIN | POLLHUP)) || !wait[side].events) continue;
            ssize_t count = pass(way, sockets[side], sockets[!side]);
            if (count > 0) {
                total += count;
            } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
                shutdown(sockets[!side], SHUT_WR);
                wait[side].events = 0, wait[side].fd = -1;
            }
        }
    }
    return total;
}

static void pass(const char *name, const char *port, const char *ip, const char *target) {
    struct way way = {.ring = -1};
    for (int i = 0; i < SLOTS; i++) way.buffers[i] = aligned_alloc(4096, QUANTUM);
    if (pipe2(way.pipe, 0) || fcntl(way.pipe[1], F_SETPIPE_SZ, 1 << 20) < 0) fail("pipe");
    int sockets[2] = {accept_one(port), connect_to(ip, target)}, one = 1;
    uint64_t total;
    if (!strcmp(name, "uring")) {
        open_ring(&way);
        total = by_ring(&way, sockets);
    } else if (!strcmp(name, "splice")) {
        total = by_poll(&way, through_pipe, sockets);
    } else if (!strcmp(name, "zerocopy")) {
        for (int i = 0; i < 2; i++) setsockopt(sockets[i], SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one);
        total = by_poll(&way, zerocopy, sockets);
    } else {
        total = by_poll(&way, copy, sockets);
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"bytes\": %llu, \"cpu\": %.6f, \"copied\": %llu, \"without\": %llu}\n", (unsigned long long)total, cpu,
           (unsigned long long)way.copied, (unsigned long long)way.without);
}

int main(int count, char **words) {
    static char data[QUANTUM];
    signal(SIGPIPE, SIG_IGN);
    const char *role = count > 1 ? words[1] : "";
    if (!strcmp(role, "pass") && count == 6) {
        pass(words[2], words[3], words[4], words[5]);
    } else if (!strcmp(role, "sink") && count == 3) {
        int fd = accept_one(words[2]);
        while (recv(fd, data, sizeof data, 0) > 0) continue;
    } else if (!strcmp(role, "echo") && count == 3) {
        int fd = accept_one(words[2]);
        for (ssize_t got; (got = recv(fd, data, sizeof data, 0)) > 0;) send_all(fd, data, got, 0);
    } else if (!strcmp(role, "send") && count == 5) {
        int fd = connect_to(words[2], words[3]);
        for (double end = seconds() + atof(words[4]); seconds() < end;) send_all(fd, data, sizeof data, 0);
    } else if (!strcmp(role, "ask") && count == 5) {
        int fd = connect_to(words[2], words[3]);
        unsigned long asked = 0;
        for (double end = seconds() + atof(words[4]); seconds() < end; asked++) {
            send_all(fd, data, 64, 0);
            if (recv(fd, data, 64, MSG_WAITALL) != 64) fail("answer");
        }
        printf("%lu\n", asked);
    } else {
        fputs("usage: see the head of relay.c\n", stderr);
        return 64;
    }
    return 0;
}
