#include <string.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <map>
#include <mutex>
#include <thread>

#include <process/reap.hpp>

#include "reaper.hpp"

namespace process {

namespace {

// One thread that waits for all children through their pidfds (Linux 5.3).
class Reaper
{
public:
  Reaper() : epoll(epoll_create1(EPOLL_CLOEXEC))
  {
    PCHECK(epoll >= 0) << "Failed to create the reaper's epoll set";
    std::thread([this]() { run(); }).detach();
  }

  Future<Option<int>> add(pid_t pid)
  {
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (pidfd < 0) {
      return waitInThread(pid);
    }

    std::lock_guard<std::mutex> lock(mutex);

    struct epoll_event event;
    memset(&event, 0, sizeof(event));
    event.events = EPOLLIN | EPOLLONESHOT;
    event.data.fd = pidfd;
    PCHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, pidfd, &event) == 0);

    Child& child = children[pidfd];
    child.pid = pid;
    child.promise.reset(new Promise<Option<int>>());
    return child.promise->future();
  }

private:
  struct Child
  {
    pid_t pid;
    std::unique_ptr<Promise<Option<int>>> promise;
  };

  static Option<int> wait(pid_t pid)
  {
    int status = 0;
    pid_t result;
    do {
      result = waitpid(pid, &status, 0);
    } while (result < 0 && errno == EINTR);

    return result == pid ? Option<int>(status) : None();
  }

  // Where no descriptor can be had, a thread stands in for it.
  static Future<Option<int>> waitInThread(pid_t pid)
  {
    auto promise = std::make_shared<Promise<Option<int>>>();
    std::thread([promise, pid]() { promise->set(wait(pid)); }).detach();
    return promise->future();
  }

  void run()
  {
    while (true) {
      struct epoll_event event;
      if (epoll_wait(epoll, &event, 1, -1) != 1) {
        continue;
      }

      Child child;
      {
        std::lock_guard<std::mutex> lock(mutex);
        child = std::move(children.at(event.data.fd));
        children.erase(event.data.fd);
        close(event.data.fd);
      }

      child.promise->set(wait(child.pid));
    }
  }

  const int epoll;
  std::mutex mutex;
  std::map<int, Child> children;
};


// NOTE: Leaked on purpose: its thread runs until the process is gone.
Reaper& reaper()
{
  static Reaper* reaper = new Reaper();
  return *reaper;
}

} // namespace {


namespace internal {

void startReaper()
{
  reaper();
}

} // namespace internal {


Future<Option<int>> reap(pid_t pid)
{
  return reaper().add(pid);
}

} // namespace process {
