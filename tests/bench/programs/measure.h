// What the programs of the benchmark share: clocks, arguments, the numbered
// line and the report that the driver reads.

#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/resource.h>

static inline void die(const char* step)
{
  fprintf(
    stderr,
    "%s: %s: %s\n",
    program_invocation_short_name,
    step,
    strerror(errno));
  exit(1);
}

static inline int64_t now_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// The value of --name=VALUE among the arguments, or fallback.
static inline const char* text_argument(
  int argc, char** argv, const char* name, const char* fallback)
{
  size_t n = strlen(name);
  for (int i = 1; i < argc; i++)
    if (
      strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, name, n) == 0 &&
      argv[i][2 + n] == '=')
      return argv[i] + 3 + n;
  return fallback;
}

static inline int64_t number_argument(
  int argc, char** argv, const char* name, int64_t fallback)
{
  const char* text = text_argument(argc, argv, name, NULL);
  return text ? strtoll(text, NULL, 10) : fallback;
}

enum
{
  DIGITS = 12
};

// A block of a whole number of lines, lineBytes each: twelve digits, padding
// and a newline. The digits are zero.
static inline char* make_lines(size_t block_bytes, size_t line_bytes)
{
  char* block = malloc(block_bytes);
  if (!block || line_bytes < DIGITS + 1 || block_bytes % line_bytes != 0) {
    errno = EINVAL;
    die("make lines");
  }
  for (size_t i = 0; i < block_bytes; i++)
    block[i] = i % line_bytes < DIGITS     ? '0'
               : (i + 1) % line_bytes == 0 ? '\n'
                                           : 'a' + i % line_bytes % 26;
  return block;
}

// Adds one to the digits at the beginning of a line: cheaper than printing
// them.
static inline void count_up(char* line)
{
  for (int i = DIGITS - 1; i >= 0; i--) {
    if (line[i] != '9') {
      line[i]++;
      return;
    }
    line[i] = '0';
  }
}

// Waits at a gate, the FIFO `gate`.`which`: until the driver has opened it,
// looked at the figures of the logger, and closed it. Without a gate nobody
// waits.
static inline void pass_gate(const char* gate, const char* which)
{
  char path[4096], byte;
  if (!gate)
    return;
  snprintf(path, sizeof(path), "%s.%s", gate, which);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    die(path);
  while (read(fd, &byte, 1) > 0)
    ;
  close(fd);
}

// Writes all of a block to a stream.
static inline void write_all(int stream, const char* block, int64_t size)
{
  for (int64_t at = 0; at < size;) {
    ssize_t n = write(stream, block + at, size - at);
    if (n < 0)
      die("write to a stream");
    at += n;
  }
}

// Figures of a writer. The driver reads them from the file that --report names:
// standard output is the log.
struct report
{
  int64_t begin_ns, end_ns; // CLOCK_MONOTONIC
  int64_t bytes, writes;
  int64_t longest_ns; // the longest write(2)
};

static inline void write_report(const char* path, const struct report* r)
{
  if (!path)
    return;
  FILE* f = fopen(path, "w");
  if (!f)
    die(path);
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  fprintf(
    f,
    "{\"begin_ns\": %lld, \"end_ns\": %lld, \"bytes\": %lld, \"writes\": %lld, "
    "\"longest_ns\": %lld,\n"
    " \"user_us\": %lld, \"system_us\": %lld, \"voluntary\": %ld, "
    "\"involuntary\": %ld}\n",
    (long long)r->begin_ns,
    (long long)r->end_ns,
    (long long)r->bytes,
    (long long)r->writes,
    (long long)r->longest_ns,
    u.ru_utime.tv_sec * 1000000LL + u.ru_utime.tv_usec,
    u.ru_stime.tv_sec * 1000000LL + u.ru_stime.tv_usec,
    u.ru_nvcsw,
    u.ru_nivcsw);
  if (fclose(f) != 0)
    die(path);
}

#endif
