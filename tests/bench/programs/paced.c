// Writes lines into many streams at a steady rate, from one process, so that
// the writers' own cost is the same whatever logs them.
//
//   bench-paced --streams=N --rate=WRITES_PER_SECOND --seconds=N
//               [--write=N] [--line=N]
//               [--socket=PATH] [--gate=PATH] [--report=FILE]
//
// The streams come over --socket (handover.c), or the one stream is standard
// output. --rate is that of each stream; the streams write evenly one after the
// other, as containers that know nothing of each other would on average.
// --rate=0 writes nothing for --seconds. The FIFOs PATH.begin and PATH.end of
// --gate are passed before and after.

#define _GNU_SOURCE
#include "streams.h"

static void sleep_until(int64_t at)
{
  struct timespec t = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
    ;
}

static void write_timed(
  int stream, const char* block, int64_t size, struct report* r)
{
  int64_t begin = now_ns();
  write_all(stream, block, size);
  int64_t took = now_ns() - begin;
  if (took > r->longest_ns)
    r->longest_ns = took;
  r->writes++;
  r->bytes += size;
}

int main(int argc, char** argv)
{
  int64_t count = number_argument(argc, argv, "streams", 1);
  int64_t rate = number_argument(argc, argv, "rate", 0);
  int64_t seconds = number_argument(argc, argv, "seconds", 10);
  int64_t line = number_argument(argc, argv, "line", 100);
  int64_t size = number_argument(argc, argv, "write", line);
  const char* gate = text_argument(argc, argv, "gate", NULL);
  int* streams = take_streams(text_argument(argc, argv, "socket", NULL), count);
  char* block = make_lines(size, line);

  pass_gate(gate, "begin");
  struct report r = {.begin_ns = now_ns()};
  if (rate == 0)
    sleep_until(r.begin_ns + seconds * 1000000000);
  int64_t total = count * rate * seconds;
  for (int64_t i = 0; i < total; i++) {
    // What is late is written at once: the total rate holds.
    int64_t due =
      r.begin_ns + (int64_t)((double)i * 1e9 / (double)(count * rate));
    if (due > now_ns())
      sleep_until(due);
    if (i % count == 0)
      count_up(block);
    write_timed(streams[i % count], block, size, &r);
  }
  r.end_ns = now_ns();
  write_report(text_argument(argc, argv, "report", NULL), &r);
  pass_gate(gate, "end");
  return 0;
}
