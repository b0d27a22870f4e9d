#include "modules.hpp"

#include <dlfcn.h>

#include <set>
#include <sstream>

#include <mesos/module/container_logger.hpp>

#include <stout/version.hpp>

using std::set;
using std::string;
using std::unique_ptr;

using mesos::Modules;

using mesos::modules::Module;
using mesos::modules::ModuleBase;

using mesos::slave::ContainerLogger;

namespace harness {

namespace {

// The kinds that an agent or a master knows.
const set<string> KINDS = {
  "Allocator",
  "Anonymous",
  "Authenticatee",
  "Authenticator",
  "Authorizer",
  "ContainerLogger",
  "DiskProfileAdaptor",
  "Hook",
  "HttpAuthenticatee",
  "HttpAuthenticator",
  "Isolator",
  "MasterContender",
  "MasterDetector",
  "QoSController",
  "ResourceEstimator",
  "SecretResolver",
};


string text(const Version& version)
{
  std::ostringstream stream;
  stream << version;
  return stream.str();
}


// Every kind of this Mesos asks for modules of this Mesos at least.
Try<Nothing> verifyVersion(const string& name, const ModuleBase* base)
{
  Try<Version> ours = Version::parse(MESOS_VERSION);
  if (ours.isError()) {
    return Error(ours.error());
  }

  Try<Version> theirs = Version::parse(base->mesosVersion);
  if (theirs.isError()) {
    return Error(theirs.error());
  }

  if (theirs.get() < ours.get()) {
    return Error(
      "Minimum supported mesos version for '" + string(base->kind) + "' is " +
      text(ours.get()) + ", but module is compiled with version " +
      text(theirs.get()));
  }

  if (theirs.get() != ours.get()) {
    return Error(
      "Mesos has version " + text(ours.get()) +
      ", but module is compiled with version " + text(theirs.get()));
  }

  if (base->compatible != nullptr && !base->compatible()) {
    return Error("Module '" + name + "' has determined to be incompatible");
  }

  return Nothing();
}


bool sameParameters(
  const mesos::Parameters& parameters, const Modules::Library::Module& module)
{
  mesos::Parameters other;
  *other.mutable_parameter() = module.parameters();
  return parameters.SerializeAsString() == other.SerializeAsString();
}

} // namespace {


Try<Nothing> verifyModule(const string& name, const ModuleBase* base)
{
  if (
    base->mesosVersion == nullptr || base->moduleApiVersion == nullptr ||
    base->authorName == nullptr || base->authorEmail == nullptr ||
    base->description == nullptr || base->kind == nullptr) {
    return Error("Error loading module '" + name + "'; missing fields");
  }

  if (string(base->moduleApiVersion) != MESOS_MODULE_API_VERSION) {
    return Error(
      "Module API version mismatch. Mesos has: " MESOS_MODULE_API_VERSION
      ", library requires: " +
      string(base->moduleApiVersion));
  }

  if (KINDS.count(base->kind) == 0) {
    return Error("Unknown module kind: " + string(base->kind));
  }

  return verifyVersion(name, base);
}


Try<void*> ModuleManager::open(const string& library)
{
  if (libraries.count(library) == 0) {
    void* handle = dlopen(library.c_str(), RTLD_NOW);
    if (handle == nullptr) {
      return Error("Error opening library: '" + library + "': " + dlerror());
    }

    libraries[library] = handle;
  }

  return libraries.at(library);
}


Try<Nothing> ModuleManager::loadModule(
  const string& library, void* handle, const Modules::Library::Module& module)
{
  const string& name = module.name();

  void* symbol = dlsym(handle, name.c_str());
  if (symbol == nullptr) {
    return Error("Error loading module '" + name + "': " + dlerror());
  }

  ModuleBase* base = static_cast<ModuleBase*>(symbol);
  Try<Nothing> verified = verifyModule(name, base);
  if (verified.isError()) {
    return Error("Error verifying module '" + name + "': " + verified.error());
  }

  const auto known = modules.find(name);
  if (known != modules.end()) {
    const bool same = known->second.library == library &&
                      sameParameters(known->second.parameters, module);

    if (!same) {
      return Error(
        "Error loading module '" + name +
        "': it is in the manifest with "
        "another library or other parameters, too");
    }

    return Nothing();
  }

  Entry& entry = modules[name];
  entry.library = library;
  entry.base = base;
  *entry.parameters.mutable_parameter() = module.parameters();

  return Nothing();
}


Try<Nothing> ModuleManager::load(const Modules& manifest)
{
  for (const Modules::Library& library : manifest.libraries()) {
    if (!library.has_file() && !library.has_name()) {
      return Error("Library name or path not provided");
    }

    const string path =
      library.has_file() ? library.file() : "lib" + library.name() + ".so";

    Try<void*> handle = open(path);
    if (handle.isError()) {
      return Error(handle.error());
    }

    for (const Modules::Library::Module& module : library.modules()) {
      if (!module.has_name()) {
        return Error(
          "Error: module name not provided with library '" + path + "'");
      }

      Try<Nothing> loaded = loadModule(path, handle.get(), module);
      if (loaded.isError()) {
        return loaded;
      }
    }
  }

  return Nothing();
}


Try<unique_ptr<ContainerLogger>> ModuleManager::createLogger(
  const string& name) const
{
  const auto found = modules.find(name);
  if (found == modules.end()) {
    return Error("Module '" + name + "' unknown");
  }

  const Entry& entry = found->second;
  const string expected = mesos::modules::kind<ContainerLogger>();
  if (expected != entry.base->kind) {
    return Error(
      "Error creating module instance for '" + name + "': module is of kind '" +
      entry.base->kind + "', but the requested kind is '" + expected + "'");
  }

  const auto* module = static_cast<Module<ContainerLogger>*>(entry.base);
  if (module->create == nullptr) {
    return Error(
      "Error creating module instance for '" + name +
      "': create() method not found");
  }

  unique_ptr<ContainerLogger> logger(module->create(entry.parameters));
  if (logger == nullptr) {
    return Error("Error creating Module instance for '" + name + "'");
  }

  return Try<unique_ptr<ContainerLogger>>(std::move(logger));
}


string ModuleManager::description(const string& name) const
{
  const auto found = modules.find(name);
  return found == modules.end() ? "" : found->second.base->description;
}

} // namespace harness {
