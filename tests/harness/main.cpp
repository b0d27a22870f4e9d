// A small stand-in for an agent: loads a container logger from a module, and
// launches containers with it.

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include <glog/logging.h>

#include <mesos/slave/container_logger.hpp>

#include <process/process.hpp>

#include "flags.hpp"
#include "launcher.hpp"
#include "manifest.hpp"
#include "modules.hpp"
#include "report.hpp"
#include "streams.hpp"
#include "usage.hpp"
#include "workdir.hpp"

using std::string;
using std::unique_ptr;
using std::vector;

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

using mesos::slave::ContainerLogger;

using namespace harness;

namespace {

constexpr int SETUP_FAILED = 126;
constexpr int USAGE_ERROR = 127;


void startLogging(const char* program, const string& level)
{
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = level == "INFO" ? 0 : level == "WARNING" ? 1 : 2;
  google::InitGoogleLogging(program);
  google::InstallFailureSignalHandler();
}


// Loads what --modules names and gives the logger, ready for use.
Try<unique_ptr<ContainerLogger>> startLogger(
  const Flags& flags, ModuleManager* manager)
{
  Try<mesos::Modules> manifest = readManifest(flags.modules);
  if (manifest.isError()) {
    return Error("Failed to parse --modules: " + manifest.error());
  }

  Try<Nothing> loaded = manager->load(manifest.get());
  if (loaded.isError()) {
    return Error("Failed to load modules: " + loaded.error());
  }

  Try<unique_ptr<ContainerLogger>> logger =
    manager->createLogger(flags.containerLogger);
  if (logger.isError()) {
    return Error(
      "Failed to create container logger module '" + flags.containerLogger +
      "': " + logger.error());
  }

  Try<Nothing> initialized = logger.get()->initialize();
  if (initialized.isError()) {
    return Error(
      "Failed to initialize container logger module: " + initialized.error());
  }

  return logger;
}


Try<vector<Container>> createContainers(
  const Flags& flags, const WorkDir& workDir)
{
  vector<Container> containers;
  for (size_t i = 0; i < flags.containers; i++) {
    Try<Container> container = createContainer(flags, workDir, i);
    if (container.isError()) {
      return Error(container.error());
    }

    containers.push_back(container.get());
  }

  return containers;
}


void checkDescriptors(size_t containers)
{
  if (descriptorsNeeded(containers) > descriptorLimit()) {
    LOG(WARNING) << containers << " containers may need up to "
                 << descriptorsNeeded(containers)
                 << " descriptors, and the limit is " << descriptorLimit()
                 << ": raise it with `ulimit -n` where launches fail";
  }
}


void run(const Flags& flags, ContainerLogger* logger, Report* report)
{
  report->before = Usage::now();
  report->peakThreads = report->before.threads;

  const auto begin = steady_clock::now();
  const auto elapsed = [begin]() {
    return duration_cast<microseconds>(steady_clock::now() - begin);
  };

  const auto sample = [report]() {
    report->peakThreads = std::max(report->peakThreads, Usage::now().threads);
  };

  Launcher(flags, logger).launch(&report->containers);
  report->launched = elapsed();
  sample();

  awaitTasks(report->containers, sample);
  report->ended = elapsed();

  awaitStreams(sample);
  report->drained = elapsed();
  sample();

  report->metrics = metrics();
  report->after = Usage::now();
}


int terminated = -1;

extern "C" void onTerminate(int)
{
  const uint64_t one = 1;
  if (::write(terminated, &one, sizeof(one)) < 0) {
    _exit(SETUP_FAILED);
  }
}


// Until SIGTERM. The handler comes late: before, the signal ends the harness at
// once, as it ends an agent.
void hold()
{
  terminated = eventfd(0, EFD_CLOEXEC);
  PCHECK(terminated >= 0);

  struct sigaction action = {};
  action.sa_handler = &onTerminate;
  action.sa_flags = SA_ONSTACK | SA_RESTART;
  PCHECK(sigaction(SIGTERM, &action, nullptr) == 0);

  uint64_t count;
  while (::read(terminated, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}


int fail(int status, const string& message)
{
  std::cerr << "sluice-harness: " << message << std::endl;
  return status;
}


int launch(const Flags& flags)
{
  ModuleManager manager;
  Try<unique_ptr<ContainerLogger>> logger = startLogger(flags, &manager);
  if (logger.isError()) {
    return fail(SETUP_FAILED, logger.error());
  }

  Try<WorkDir> workDir = WorkDir::open(flags.workDir);
  if (workDir.isError()) {
    return fail(SETUP_FAILED, workDir.error());
  }

  Try<vector<Container>> containers = createContainers(flags, workDir.get());
  if (containers.isError()) {
    return fail(SETUP_FAILED, containers.error());
  }

  checkDescriptors(flags.containers);

  Report report;
  report.module = flags.containerLogger;
  report.moduleDescription = manager.description(flags.containerLogger);
  report.workDir = workDir->path();
  report.containers = containers.get();
  run(flags, logger.get().get(), &report);

  std::cout << (flags.json ? report.toJson() : report.toText(flags.metrics))
            << std::flush;

  if (flags.hold) {
    hold();
  }

  return report.exitStatus();
}

} // namespace {


int main(int argc, char** argv)
{
  Try<Flags> flags = Flags::parse(argc, argv);
  if (flags.isError()) {
    return fail(USAGE_ERROR, flags.error() + "\nTry --help.");
  }

  if (flags->help || flags->version) {
    std::cout
      << (flags->help ? Flags::usage()
                      : "sluice-harness " + Flags::versions() + "\n");
    return EXIT_SUCCESS;
  }

  startLogging(argv[0], flags->loggingLevel);

  // The harness listens for nobody; where Mesos' runtime does, on loopback.
  setenv("LIBPROCESS_IP", "127.0.0.1", 0);
  process::initialize();

  return launch(flags.get());
}
