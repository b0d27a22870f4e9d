#include "guest.hpp"

#include <stdlib.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <glog/logging.h>

#include <process/process.hpp>

#include "launcher.hpp"
#include "manifest.hpp"
#include "streams.hpp"

namespace fs = std::filesystem;

using std::map;
using std::string;
using std::vector;

using harness::Container;
using harness::Flags;
using harness::WorkDir;

namespace hazard {

void fail(const string& message)
{
  std::cerr << "FAILED: " << message << std::endl;
  _exit(1);
}


void require(const string& what, bool holds)
{
  if (!holds) {
    fail(what);
  }
}


Scratch::Scratch()
{
  path_ = "/tmp/sluice-abi-XXXXXX";
  require("mkdtemp", mkdtemp(&path_[0]) != nullptr);
}


Scratch::~Scratch()
{
  std::error_code error;
  fs::remove_all(path_, error);
}


Guest::Guest(const string& _root) : root(_root) {}


void Guest::launchAs(const string& _user)
{
  require("chmod", chmod(root.c_str(), 0755) == 0);
  user = _user;
}


void Guest::start(const map<string, string>& parameters)
{
  Try<Nothing> started = tryStart(parameters);
  if (started.isError()) {
    fail(started.error());
  }
}


Try<Nothing> Guest::tryStart(const map<string, string>& parameters)
{
  process::initialize();
  FLAGS_logtostderr = true;

  map<string, string> all = {
    {"state_dir", root + "/state"},
    {"max_stdout_size", "64KB"},
    // Hundreds of launches at once take their time under a sanitizer.
    {"prepare_timeout", "10mins"},
    {"logrotate_stdout_options", "rotate 1000"}};
  for (const auto& parameter : parameters) {
    all[parameter.first] = parameter.second;
  }

  string list;
  for (const auto& parameter : all) {
    list += (list.empty() ? "" : ",") + (R"({"key": ")" + parameter.first) +
            R"(", "value": ")" + parameter.second + R"("})";
  }

  const string manifest =
    R"({"libraries": [{"file": ")" + library() +
    R"(", "modules": [{"name": "sluice_ContainerLogger", "parameters": [)" +
    list + "]}]}]}";

  Try<mesos::Modules> modules = harness::parseManifest(manifest);
  require("the manifest", modules.isSome());

  Try<Nothing> loaded = manager.load(modules.get());
  if (loaded.isError()) {
    fail(loaded.error());
  }

  auto made = manager.createLogger("sluice_ContainerLogger");
  if (made.isError()) {
    fail(made.error());
  }

  Try<Nothing> initialized = made.get()->initialize();
  loggers.push_back(std::move(made.get()));
  return initialized;
}


vector<Container> Guest::launch(size_t count, const vector<string>& command)
{
  Flags flags;
  flags.command = command;
  flags.user = user;

  Try<WorkDir> workDir = WorkDir::open(root + "/work");
  require("the work directory", workDir.isSome());

  vector<Container> containers;
  for (size_t i = 0; i < count; i++) {
    Try<Container> container =
      harness::createContainer(flags, workDir.get(), i);
    if (container.isError()) {
      fail(container.error());
    }

    containers.push_back(container.get());
  }

  harness::Launcher(flags, logger()).launch(&containers);

  for (const Container& container : containers) {
    if (container.error.isSome()) {
      fail(container.error.get());
    }
  }

  return containers;
}


void Guest::finish(const vector<Container>& containers)
{
  harness::awaitTasks(containers, []() {});
  drain();

  for (const Container& container : containers) {
    requireEqual(
      "exit status of a task", 0, container.exitStatus().getOrElse(-1));
  }
}


void Guest::drain()
{
  harness::awaitStreams([]() {});
}


string library()
{
  return SLUICE_LIBRARY;
}


string output(const Container& container)
{
  return output(container.sandbox());
}


string output(const string& sandbox)
{
  string text;
  for (int i = 2000; i > 0; i--) {
    const string path = sandbox + "/stdout." + std::to_string(i);
    if (fs::exists(path)) {
      text += readFile(path);
    }
  }

  return text + readFile(sandbox + "/stdout");
}


vector<string> numbersCommand(size_t last)
{
  return {"seq", "1", std::to_string(last)};
}


string numbers(size_t last)
{
  string text;
  for (size_t i = 1; i <= last; i++) {
    text += std::to_string(i) + "\n";
  }

  return text;
}


map<string, string> scripted()
{
  return {
    {"allow_scripts", "true"},
    {"logrotate_stdout_options",
     R"(rotate 2000\npostrotate\n  true\nendscript)"}};
}


vector<int> threads()
{
  vector<int> ids;
  for (const auto& entry : fs::directory_iterator("/proc/self/task")) {
    ids.push_back(std::stoi(entry.path().filename().string()));
  }

  return ids;
}


vector<int> openDescriptors()
{
  vector<int> descriptors;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    descriptors.push_back(std::stoi(entry.path().filename().string()));
  }

  // The one that looked is closed by now.
  descriptors.erase(
    std::remove_if(
      descriptors.begin(),
      descriptors.end(),
      [](int fd) {
        return !fs::exists(
          fs::symlink_status("/proc/self/fd/" + std::to_string(fd)));
      }),
    descriptors.end());

  return descriptors;
}


string readFile(const string& path)
{
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  require("reading " + path, !stream.fail() || text.str().empty());
  return text.str();
}

} // namespace hazard {
