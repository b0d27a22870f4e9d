// Mesos' messages, generated from mesos-go's mesos.proto.

#ifndef MESOS_MESOS_HPP
#define MESOS_MESOS_HPP

#include <ostream>

#include <mesos/mesos.pb.h>

namespace mesos {

// A container is written with its ancestors: "parent.child".
inline std::ostream& operator<<(std::ostream& stream, const ContainerID& id)
{
  return id.has_parent() ? stream << id.parent() << "." << id.value()
                         : stream << id.value();
}

} // namespace mesos {

#endif // MESOS_MESOS_HPP
