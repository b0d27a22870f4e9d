// Messages as text.

#ifndef MESOS_TYPE_UTILS_HPP
#define MESOS_TYPE_UTILS_HPP

#include <ostream>

#include <mesos/mesos.hpp>

namespace mesos {

// A container is written with its ancestors: "parent.child".
inline std::ostream& operator<<(std::ostream& stream, const ContainerID& id)
{
  return id.has_parent() ? stream << id.parent() << "." << id.value()
                         : stream << id.value();
}

} // namespace mesos {

#endif // MESOS_TYPE_UTILS_HPP
