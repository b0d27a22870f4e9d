// Loads libraries and makes container loggers from their modules, with the
// checks of the agent's module manager.

#ifndef HARNESS_MODULES_HPP
#define HARNESS_MODULES_HPP

#include <map>
#include <memory>
#include <string>

#include <mesos/mesos.hpp>
#include <mesos/module.hpp>

#include <mesos/module/module.hpp>

#include <mesos/slave/container_logger.hpp>

#include <stout/nothing.hpp>
#include <stout/try.hpp>

namespace harness {

// Checks what a module says of itself against this Mesos: nothing missing, the
// API's version, a known kind, Mesos' version.
Try<Nothing> verifyModule(
  const std::string& name, const mesos::modules::ModuleBase* base);


class ModuleManager
{
public:
  // Opens every library of the manifest and verifies every module. Libraries
  // stay loaded.
  Try<Nothing> load(const mesos::Modules& modules);

  // Makes a logger with the parameters of the manifest; not yet initialised.
  Try<std::unique_ptr<mesos::slave::ContainerLogger>> createLogger(
    const std::string& name) const;

  // What the module says of itself.
  std::string description(const std::string& name) const;

private:
  struct Entry
  {
    std::string library;
    mesos::modules::ModuleBase* base;
    mesos::Parameters parameters;
  };

  Try<void*> open(const std::string& library);

  Try<Nothing> loadModule(
    const std::string& library,
    void* handle,
    const mesos::Modules::Library::Module& module);

  std::map<std::string, void*> libraries;
  std::map<std::string, Entry> modules;
};

} // namespace harness {

#endif // HARNESS_MODULES_HPP
