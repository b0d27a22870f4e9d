// A file descriptor.

#ifndef STOUT_OS_INT_FD_HPP
#define STOUT_OS_INT_FD_HPP

typedef int int_fd;

#endif // STOUT_OS_INT_FD_HPP
