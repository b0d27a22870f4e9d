// The version that the slice stands for. Its label keeps the two worlds apart:
// an agent refuses a library that was built against the slice, and the harness
// of the slice one that was built against Mesos.

#ifndef MESOS_VERSION_HPP
#define MESOS_VERSION_HPP

#define MESOS_VERSION "1.12.0-slice"

#endif // MESOS_VERSION_HPP
