// The manifest of an agent's --modules flag.

#ifndef MESOS_MODULE_MODULE_HPP
#define MESOS_MODULE_MODULE_HPP

#include <mesos/module/module.pb.h>

#endif // MESOS_MODULE_MODULE_HPP
