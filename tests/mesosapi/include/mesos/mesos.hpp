// Mesos' messages, generated from mesos-go's mesos.proto.

#ifndef MESOS_MESOS_HPP
#define MESOS_MESOS_HPP

#include <mesos/mesos.pb.h>

#endif // MESOS_MESOS_HPP
