// The module object of a container logger.

#ifndef MESOS_MODULE_CONTAINER_LOGGER_HPP
#define MESOS_MODULE_CONTAINER_LOGGER_HPP

#include <mesos/mesos.hpp>
#include <mesos/module.hpp>

#include <mesos/slave/container_logger.hpp>

namespace mesos {
namespace modules {

template <>
inline const char* kind<mesos::slave::ContainerLogger>()
{
  return "ContainerLogger";
}


template <>
struct Module<mesos::slave::ContainerLogger> : ModuleBase
{
  Module(
    const char* _moduleApiVersion,
    const char* _mesosVersion,
    const char* _authorName,
    const char* _authorEmail,
    const char* _description,
    bool (*_compatible)(),
    mesos::slave::ContainerLogger* (*_create)(const Parameters& parameters))
    : ModuleBase(
        _moduleApiVersion,
        _mesosVersion,
        mesos::modules::kind<mesos::slave::ContainerLogger>(),
        _authorName,
        _authorEmail,
        _description,
        _compatible),
      create(_create)
  {
  }

  // Gives an instance that the caller owns, or null.
  mesos::slave::ContainerLogger* (*create)(const Parameters& parameters);
};

} // namespace modules {
} // namespace mesos {

#endif // MESOS_MODULE_CONTAINER_LOGGER_HPP
