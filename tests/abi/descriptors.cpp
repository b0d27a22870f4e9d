// Hazard: descriptors that children inherit or that nobody closes.

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

#include <mesos/slave/containerizer.hpp>

#include <process/future.hpp>

#include "guest.hpp"

using std::map;
using std::string;
using std::vector;

using mesos::slave::ContainerIO;

using process::Future;

namespace {

string target(int fd)
{
  char text[PATH_MAX];
  const string path = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(path.c_str(), text, sizeof(text));
  return length < 0 ? "?" : string(text, static_cast<size_t>(length));
}


void requireCloseOnExec(const string& when, const vector<int>& hosts)
{
  for (const int fd : hazard::openDescriptors()) {
    const int flags = fcntl(fd, F_GETFD);
    const bool own = std::count(hosts.begin(), hosts.end(), fd) > 0;
    if (!own && flags >= 0 && (flags & FD_CLOEXEC) == 0) {
      hazard::fail(
        when + ": descriptor " + std::to_string(fd) + " (" + target(fd) +
        ") is not close-on-exec");
    }
  }
}


// Streams whose future nobody takes the value of: both ends go away again.
void abandon(hazard::Guest* guest, const string& root)
{
  harness::Flags flags;
  flags.command = {"true"};
  auto workDir = harness::WorkDir::open(root + "/work");

  for (int i = 0; i < 20; i++) {
    auto container = harness::createContainer(flags, workDir.get(), 1000);
    Future<ContainerIO> future =
      guest->logger()->prepare(container->id, container->config);

    if (i % 2 == 0) {
      future.discard();
    }
  }

  guest->drain();
}


void check(const map<string, string>& parameters)
{
  const vector<int> hosts = hazard::openDescriptors();

  hazard::Scratch scratch;
  hazard::Guest guest(scratch.path());
  guest.start(parameters);
  requireCloseOnExec("after the start", hosts);

  // What the library keeps for good is there after the first containers.
  const auto busy =
    guest.launch(8, {"sh", "-c", "seq 1 100000; sleep 0.2; seq 1 100000"});
  requireCloseOnExec("while busy", hosts);
  guest.finish(busy);

  vector<size_t> counts;
  for (int round = 0; round < 8; round++) {
    guest.finish(guest.launch(32, hazard::numbersCommand(10000)));
    abandon(&guest, scratch.path());
    counts.push_back(hazard::openDescriptors().size());
  }

  requireCloseOnExec("after work", hosts);

  // 576 streams a round; a pool of workers may keep a few descriptors each.
  const size_t most = *std::max_element(counts.begin(), counts.end());
  const size_t kept = most - hosts.size();
  fprintf(stderr, "descriptors that the library keeps: %zu\n", kept);
  hazard::require(
    "the library keeps " + std::to_string(kept) + " descriptors", kept < 100);
  hazard::require(
    "descriptors grew from round to round",
    !(counts[7] > counts[6] && counts[6] > counts[5] && counts[5] > counts[4] &&
      counts[4] > counts[3]));
}

} // namespace


int main()
{
  map<string, string> scripted = hazard::scripted();
  scripted["max_stdout_size"] = "16KB";

  for (const auto& parameters : {map<string, string>(), scripted}) {
    hazard::requireEqual(
      "status of the host", 0, hazard::inChild([&]() { check(parameters); }));
  }

  return 0;
}
