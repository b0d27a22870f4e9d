// What a library exports for each module, and what the loader checks.

#ifndef MESOS_MODULE_HPP
#define MESOS_MODULE_HPP

#include <mesos/mesos.hpp>
#include <mesos/version.hpp>

#define MESOS_MODULE_API_VERSION "2"

namespace mesos {
namespace modules {

// The layout is part of the interface: loader and library see the same object.
struct ModuleBase
{
  ModuleBase(
    const char* _moduleApiVersion,
    const char* _mesosVersion,
    const char* _kind,
    const char* _authorName,
    const char* _authorEmail,
    const char* _description,
    bool (*_compatible)())
    : moduleApiVersion(_moduleApiVersion),
      mesosVersion(_mesosVersion),
      kind(_kind),
      authorName(_authorName),
      authorEmail(_authorEmail),
      description(_description),
      compatible(_compatible)
  {
  }

  const char* moduleApiVersion;
  const char* mesosVersion;
  const char* kind;
  const char* authorName;
  const char* authorEmail;
  const char* description;

  // Null: the module works with exactly the Mesos that it was built for.
  bool (*compatible)();
};


template <typename T>
const char* kind();


template <typename T>
struct Module;

} // namespace modules {
} // namespace mesos {

#endif // MESOS_MODULE_HPP
