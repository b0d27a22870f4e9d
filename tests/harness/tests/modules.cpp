// Modules for the tests of the harness: a logger that works, and modules that
// an agent refuses.

#include <string>

#include <mesos/mesos.hpp>
#include <mesos/module.hpp>

#include <mesos/module/container_logger.hpp>

#include <mesos/slave/container_logger.hpp>
#include <mesos/slave/containerizer.hpp>

#include <process/future.hpp>

#include <stout/nothing.hpp>
#include <stout/try.hpp>

using std::string;

using mesos::ContainerID;
using mesos::Parameters;

using mesos::modules::Module;
using mesos::modules::ModuleBase;

using mesos::slave::ContainerConfig;
using mesos::slave::ContainerIO;
using mesos::slave::ContainerLogger;

using process::Failure;
using process::Future;

namespace {

// Puts the output into plain files. A parameter `fail` names the step that
// shall not succeed.
class PlainLogger : public ContainerLogger
{
public:
  explicit PlainLogger(const string& _fail) : fail(_fail) {}

  Try<Nothing> initialize() override
  {
    if (fail == "initialize") {
      return Error("told to fail");
    }

    return Nothing();
  }

  Future<ContainerIO> prepare(
    const ContainerID&, const ContainerConfig& config) override
  {
    if (fail == "prepare") {
      return Failure("told to fail");
    }

    ContainerIO io;
    io.out = ContainerIO::IO::PATH(config.directory() + "/stdout");
    io.err = ContainerIO::IO::PATH(config.directory() + "/stderr");
    return io;
  }

private:
  const string fail;
};


ContainerLogger* create(const Parameters& parameters)
{
  string fail;
  for (const mesos::Parameter& parameter : parameters.parameter()) {
    if (parameter.key() == "fail") {
      fail = parameter.value();
    }
  }

  return fail == "create" ? nullptr : new PlainLogger(fail);
}

} // namespace {


#define MODULE(name, api, version, compatible) \
  Module<ContainerLogger> name(                \
    api, version, "author", "email", "description", compatible, create)

MODULE(plain, MESOS_MODULE_API_VERSION, MESOS_VERSION, nullptr);
MODULE(other, MESOS_MODULE_API_VERSION, MESOS_VERSION, nullptr);
MODULE(wrongApi, "1", MESOS_VERSION, nullptr);
MODULE(olderMesos, MESOS_MODULE_API_VERSION, "1.6.0", nullptr);
MODULE(newerMesos, MESOS_MODULE_API_VERSION, "99.0.0", nullptr);
MODULE(badVersion, MESOS_MODULE_API_VERSION, "one", nullptr);
MODULE(missingVersion, MESOS_MODULE_API_VERSION, nullptr, nullptr);

MODULE(incompatible, MESOS_MODULE_API_VERSION, MESOS_VERSION, []() {
  return false;
});


#define BASE(name, kind)      \
  ModuleBase name(            \
    MESOS_MODULE_API_VERSION, \
    MESOS_VERSION,            \
    kind,                     \
    "author",                 \
    "email",                  \
    "description",            \
    nullptr)

BASE(wrongKind, "Isolator");
BASE(unknownKind, "Loudspeaker");
