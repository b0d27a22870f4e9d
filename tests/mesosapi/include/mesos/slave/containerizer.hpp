// Where the containerizer puts a container's stdin, stdout and stderr.

#ifndef MESOS_SLAVE_CONTAINERIZER_HPP
#define MESOS_SLAVE_CONTAINERIZER_HPP

#include <unistd.h>

#include <string>

#include <mesos/slave/containerizer.pb.h>

#include <process/shared.hpp>
#include <process/subprocess.hpp>

#include <stout/option.hpp>

#include <stout/os/int_fd.hpp>

namespace mesos {
namespace slave {

struct ContainerIO
{
  class IO
  {
  public:
    enum class Type
    {
      FD,
      PATH
    };

    static IO PATH(const std::string& path)
    {
      return IO(Type::PATH, nullptr, path);
    }

    // NOTE: Unless `closeOnDestruction` is false, this takes `fd`: the last
    // copy of the IO closes it.
    static IO FD(int_fd fd, bool closeOnDestruction = true)
    {
      return IO(Type::FD, new Descriptor(fd, closeOnDestruction), None());
    }

    // NOTE: The redirection borrows the descriptor, so the IO has to live
    // until the subprocess was started.
    operator process::Subprocess::IO() const
    {
      return type == Type::FD ? process::Subprocess::FD(descriptor->fd)
                              : process::Subprocess::PATH(path.get());
    }

  private:
    struct Descriptor
    {
      Descriptor(int_fd _fd, bool _owned) : fd(_fd), owned(_owned) {}
      Descriptor(const Descriptor&) = delete;

      ~Descriptor()
      {
        CHECK(fd >= 0);
        if (owned) {
          ::close(fd);
        }
      }

      const int_fd fd;
      const bool owned;
    };

    IO(Type _type, Descriptor* _descriptor, const Option<std::string>& _path)
      : type(_type), descriptor(_descriptor), path(_path)
    {
    }

    Type type;
    process::Shared<Descriptor> descriptor;
    Option<std::string> path;
  };

  IO in = IO::FD(STDIN_FILENO, false);
  IO out = IO::FD(STDOUT_FILENO, false);
  IO err = IO::FD(STDERR_FILENO, false);
};

} // namespace slave {
} // namespace mesos {

#endif // MESOS_SLAVE_CONTAINERIZER_HPP
