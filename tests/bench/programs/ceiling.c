// The ceiling: moves standard input to rotated files by splice(2) and does
// nothing else. No line is looked for, no account kept, nothing can be
// recovered. What a logger costs beyond this is the price of its promises.
//
//   bench-ceiling [--pause_us=N] [--limit=BYTES] [--keep=N] FILE
//
// --pause_us is how long to wait after a look that found less than half the
// pipe; 0 moves every write as it comes.

#define _GNU_SOURCE
#include "measure.h"

#include <fcntl.h>
#include <unistd.h>

static const int pipe_bytes = 1 << 20;

static int open_live(const char* file)
{
  int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    die(file);
  return fd;
}

// Renames FILE.keep-1 to FILE.keep and so on, and FILE to FILE.1.
static void rotate(const char* file, int64_t keep)
{
  char from[4096], to[4096];
  for (int64_t i = keep; i >= 1; i--) {
    snprintf(to, sizeof(to), "%s.%lld", file, (long long)i);
    snprintf(from, sizeof(from), "%s.%lld", file, (long long)(i - 1));
    if (rename(i == 1 ? file : from, to) != 0 && errno != ENOENT)
      die(to);
  }
}

int main(int argc, char** argv)
{
  int64_t pause_us = number_argument(argc, argv, "pause_us", 0);
  int64_t limit = number_argument(argc, argv, "limit", 10 << 20);
  int64_t keep = number_argument(argc, argv, "keep", 4);
  const char* file = argv[argc - 1];
  struct timespec pause = {.tv_nsec = pause_us * 1000};

  // A smaller pipe where the kernel refuses.
  (void)!fcntl(STDIN_FILENO, F_SETPIPE_SZ, pipe_bytes);
  int live = open_live(file);
  for (int64_t size = 0;;) {
    if (size == limit) {
      close(live);
      rotate(file, keep);
      live = open_live(file);
      size = 0;
    }
    int64_t room = limit - size < pipe_bytes ? limit - size : pipe_bytes;
    ssize_t n = splice(STDIN_FILENO, NULL, live, NULL, room, SPLICE_F_MOVE);
    if (n < 0)
      die("splice");
    if (n == 0)
      return 0;
    size += n;
    if (pause_us > 0 && n < pipe_bytes / 2)
      nanosleep(&pause, NULL);
  }
}
