#include "host.hpp"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace {

std::atomic<bool> waiting(false);

constexpr long PAUSE_NANOSECONDS = 20 * 1000 * 1000;

} // namespace {


extern "C" {

int __real_pthread_create(
  pthread_t* thread,
  const pthread_attr_t* attributes,
  void* (*start)(void*),
  void* argument);


// What the linker gives the core in place of pthread_create (--wrap): the Go
// runtime aborts the process if that fails. It starts a thread when it needs
// one, at which time a task may have taken all processes that the agent may
// have. The core starts the threads that it needs before that; this is for
// those that nobody thought of.
//
// NOTE: This is called with all signals blocked, on a thread that holds locks
// of the runtime: the agent's log is out of reach.
[[gnu::visibility("hidden")]] int __wrap_pthread_create(
  pthread_t* thread,
  const pthread_attr_t* attributes,
  void* (*start)(void*),
  void* argument)
{
  static const char message[] =
    "sluice: no thread can be started, as the limit of processes is reached; "
    "container logs wait until one can\n";

  bool told = false;

  while (true) {
    const int error =
      __real_pthread_create(thread, attributes, start, argument);

    if (error != EAGAIN || !waiting.load()) {
      return error;
    }

    if (!told) {
      told = true;
      const ssize_t ignored =
        write(STDERR_FILENO, message, sizeof(message) - 1);
      static_cast<void>(ignored);
    }

    const struct timespec pause = {0, PAUSE_NANOSECONDS};
    nanosleep(&pause, nullptr);
  }
}

} // extern "C" {


namespace [[gnu::visibility("hidden")]] sluice {

void waitForThreads()
{
  waiting.store(true);
}

} // namespace sluice {
